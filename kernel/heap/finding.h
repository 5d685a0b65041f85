/* SPDX-License-Identifier: MIT */
/*
 * finding.h - what is told, and the red zones that show it. For this room only.
 */
#ifndef KERNEL_HEAP_FINDING_H
#define KERNEL_HEAP_FINDING_H

#include "heap/heap.h"

/* Counts a finding and calls the hook. Returns its kind. */
enum heap_status heap_tell(struct heap *heap, const struct heap_finding *finding);

/*
 * Fills the bytes from start to end, end not included, with a pattern that depends on the address. Each byte
 * of it has its highest bit set, so that a zero or a letter that is written there is seen.
 */
void heap_fill_red_zone(uintptr_t start, uintptr_t end);

/* Returns the first of these bytes that is not as it was filled, or `end`. */
uintptr_t heap_red_zone_broken(uintptr_t start, uintptr_t end);

#endif
