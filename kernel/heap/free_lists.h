/* SPDX-License-Identifier: MIT */
/*
 * free_lists.h - the free chunks, in lists by their size. For this room only.
 *
 * A class is a row and a column. Row 0 has a column for each size below 32 units; row r > 0 has the sizes
 * from 2^(r+4) units on, up to twice that, in 32 columns of equal width. Bits say which lists are not
 * empty, so a chunk that is large enough is found by two searches for a bit.
 *
 * What a free chunk holds may have been written to by somebody who has freed it. So nothing of it is used
 * before it agrees with the map. Where it does not, that is told, and all headers, links and lists are made
 * anew from the map.
 */
#ifndef KERNEL_HEAP_FREE_LISTS_H
#define KERNEL_HEAP_FREE_LISTS_H

#include "heap/chunk.h"

/* Makes a free chunk of units that are noted neither as live nor as free, and lists it. */
void heap_add_free(struct heap *heap, uint32_t unit, uint32_t units, uintptr_t freed_by);

/* Takes a free chunk from its list and from the map. Returns its units. */
uint32_t heap_take_free(struct heap *heap, uint32_t unit, uintptr_t caller);

/*
 * Returns a free chunk of at least so many units, or NO_CHUNK: one of a class whose chunks are all large
 * enough, or else the first one of their own class, if it is.
 */
uint32_t heap_find_free(struct heap *heap, uint64_t units, uintptr_t caller);

/*
 * Returns the first unit of the free chunk that ends before this unit; NO_CHUNK if none does. Whether the
 * rest of it is sound is not looked at.
 */
uint32_t heap_free_before(struct heap *heap, uint32_t unit, uintptr_t caller);

/* Returns the first byte of a free chunk that contradicts the map or its neighbours in the list, or 0. */
uintptr_t heap_free_chunk_broken(const struct heap *heap, uint32_t unit);

/*
 * Returns whether the lists have just the chunks that the map calls free, each in that of its class; they
 * must not be broken.
 */
bool heap_lists_agree(const struct heap *heap);

#endif
