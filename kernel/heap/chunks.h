/* SPDX-License-Identifier: MIT */
/*
 * chunks.h - blocks in chunks: what heap.h promises when not in debug mode. For this room only.
 *
 * The arguments are those of the calls in heap.h, already checked: bytes and alignment are not 0, the
 * alignment is at least HEAP_ALIGNMENT. `caller` is where the call returns.
 */
#ifndef KERNEL_HEAP_CHUNKS_H
#define KERNEL_HEAP_CHUNKS_H

#include "heap/heap.h"
#include "heap/place.h"

PAGING_MUST_CHECK enum heap_status heap_chunks_allocate(struct heap *heap, uint64_t bytes, uint64_t alignment,
                                                        uintptr_t caller, void **block);

/*
 * Gives a live block another length where it is. Returns false, with nothing changed, if it must move. What
 * is behind it is whole.
 */
bool heap_chunks_resize(struct heap *heap, const struct heap_place *place, uint64_t bytes, uintptr_t caller);

/* Frees a live block that is whole. */
void heap_chunks_free(struct heap *heap, const struct heap_place *place, uintptr_t caller);

/* Says what there is at an address of the heap's blocks. */
struct heap_place heap_chunks_locate(const struct heap *heap, uintptr_t address);

PAGING_MUST_CHECK enum heap_status heap_chunks_check(struct heap *heap, uintptr_t caller);

#endif
