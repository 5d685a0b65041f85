/* SPDX-License-Identifier: MIT */
/*
 * memory_regions.h - makes regions from the firmware's descriptors.
 *
 * For both halves: the loader sizes its buffers and maps runtime services by the first memory map, the kernel
 * starts the frame allocator with the last one. frames/usable_memory.h decides what the regions mean.
 */
#ifndef KERNEL_BOOT_MEMORY_REGIONS_H
#define KERNEL_BOOT_MEMORY_REGIONS_H

#include "boot/handoff.h"

/*
 * The free frames that the self-tests need. Measured: with 1336 all pass or are skipped, on old and new
 * processors and with five levels; with 1136 one fails.
 */
enum { FRAMES_NEEDED = 1400 };
/* The ranges that late_audit.c splits off are a few; with more, whole regions are held back. */
enum { HELD_BACK_RANGES = 4 };

/* The number of elements that handoff->memory needs for this many descriptors. */
#define HANDOFF_MEMORY_CAPACITY(descriptors) \
    (MEMORY_REGIONS(descriptors) + MEMORY_EXTRA_REGIONS(OPTION_EXCLUDE_LIMIT + HELD_BACK_RANGES))

/*
 * Sorts handoff->descriptors into handoff->memory, and marks the ranges that the options exclude there. With
 * any status except MEMORY_MAP_OK *count is untouched, and the regions hold nothing of use.
 */
PAGING_MUST_CHECK enum memory_map_status memory_regions_find(struct handoff *handoff, size_t *count);

#endif
