/* SPDX-License-Identifier: MIT */
/*
 * whole_pages.h - blocks in pages of their own: the heap in debug mode. For this room only.
 *
 *     | gap | block | red zone |  not mapped  | gap | block ...
 *     page                     page           page
 *
 * A block ends where its last page does, as far as its alignment allows: the red zone is shorter than the
 * alignment. Each page has a note of 32 bytes; the first one of a block says everything about it. Notes
 * are kept after the block was freed, until other blocks use its addresses.
 */
#ifndef KERNEL_HEAP_WHOLE_PAGES_H
#define KERNEL_HEAP_WHOLE_PAGES_H

#include "heap/place.h"

enum heap_page_state { PAGE_UNUSED, PAGE_LIVE, PAGE_FREED };

struct heap_page_note {
    uint32_t pages; /* of the block that begins in this page. The one behind them is never mapped */
    uint16_t state; /* enum heap_page_state; unused if no block begins here */
    uint16_t gap;   /* bytes before the block */
    uint64_t bytes; /* as were asked for */
    uint64_t allocated_by, freed_by;
};

/* The same as in chunks.h. The alignment may be any power of two. */
PAGING_MUST_CHECK enum heap_status heap_pages_allocate(struct heap *heap, uint64_t bytes, uint64_t alignment,
                                                       uintptr_t caller, void **block);

/* HEAP_REFUSED: the core did not unmap the block, which stays live. */
PAGING_MUST_CHECK enum heap_status heap_pages_free(struct heap *heap, const struct heap_place *place,
                                                   uintptr_t caller);

struct heap_place heap_pages_locate(const struct heap *heap, uintptr_t address);
PAGING_MUST_CHECK enum heap_status heap_pages_check(struct heap *heap, uintptr_t caller);

#endif
