/* SPDX-License-Identifier: MIT */
/*
 * area.h - the heap's addresses, and the pages that are mapped there. For this room only.
 */
#ifndef KERNEL_HEAP_AREA_H
#define KERNEL_HEAP_AREA_H

#include "heap/heap.h"

/* Marks the guards of a range that is not used, and stores where its parts are. Statuses of heap_create. */
PAGING_MUST_CHECK enum heap_status heap_area_create(struct heap *heap);

/* Unmaps the range. Statuses of heap_destroy. */
PAGING_MUST_CHECK enum heap_status heap_area_destroy(struct heap *heap);

/*
 * Maps pages for blocks: `bytes` bytes at `offset` from the first one, with `flags` of range.h beside those
 * of all pages of the heap; and pages for notes, up to `notes` bytes of them, filled with zeroes.
 *
 *   HEAP_NO_FRAMES, HEAP_REFUSED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum heap_status heap_area_map(struct heap *heap, uint64_t offset, uint64_t bytes,
                                                 uint64_t flags, uint64_t notes);

/*
 * Unmaps pages for blocks, and pages for notes from `notes` bytes on. HEAP_REFUSED: no page for blocks was
 * unmapped. That is also the answer if a huge page would have to be split and there is no frame for a table.
 */
PAGING_MUST_CHECK enum heap_status heap_area_unmap(struct heap *heap, uint64_t offset, uint64_t bytes,
                                                   uint64_t notes);

/* Returns the number rounded up to a multiple of a power of two. */
static inline uint64_t round_up(uint64_t number, uint64_t to)
{
    return (number + to - 1) & ~(to - 1);
}

#endif
