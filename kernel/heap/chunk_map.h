/* SPDX-License-Identifier: MIT */
/*
 * chunk_map.h - where chunks begin, noted outside of them. For this room only.
 *
 * Each unit has two bits. `live` is set for the first unit of a live chunk, `free` for the first and for the
 * last unit of a free one:
 *
 *     chunks   | live    | free          | live | live      |
 *     live       1 0 0 0   0 0 0 0 0 0 0   1 0    1 0 0 0 0
 *     free       0 0 0 0   1 0 0 0 0 0 1   0 0    0 0 0 0 0
 *
 * So this alone says which chunks there are, whatever was written to the pages for blocks. Whether the chunk
 * before, or behind, another one is free is one bit. The map takes 1/64 of the bytes that it is about; a page
 * of it is for HEAP_MAP_PAGE_BYTES.
 */
#ifndef KERNEL_HEAP_CHUNK_MAP_H
#define KERNEL_HEAP_CHUNK_MAP_H

#include "heap/chunk.h"

struct heap_map_word {
    uint64_t live, free; /* of 64 units */
};

#define HEAP_MAP_PAGE_BYTES (PAGING_PAGE_BYTES / sizeof(struct heap_map_word) * 64 * UNIT_BYTES)

static inline struct heap_map_word *map_word(const struct heap *heap, uint32_t unit)
{
    return (struct heap_map_word *)heap->notes + unit / 64;
}

static inline uint64_t map_bit(uint32_t unit)
{
    return UINT64_C(1) << (unit % 64);
}

static inline bool map_is_live(const struct heap *heap, uint32_t unit)
{
    return (map_word(heap, unit)->live & map_bit(unit)) != 0;
}

/* Returns whether a free chunk begins or ends with this unit. */
static inline bool map_is_free_end(const struct heap *heap, uint32_t unit)
{
    return (map_word(heap, unit)->free & map_bit(unit)) != 0;
}

static inline void map_note_live(const struct heap *heap, uint32_t unit)
{
    map_word(heap, unit)->live |= map_bit(unit);
}

static inline void map_forget_live(const struct heap *heap, uint32_t unit)
{
    map_word(heap, unit)->live &= ~map_bit(unit);
}

static inline void map_note_free(const struct heap *heap, uint32_t unit, uint32_t units)
{
    map_word(heap, unit)->free |= map_bit(unit);
    map_word(heap, unit + units - 1)->free |= map_bit(unit + units - 1);
}

static inline void map_forget_free(const struct heap *heap, uint32_t unit, uint32_t units)
{
    map_word(heap, unit)->free &= ~map_bit(unit);
    map_word(heap, unit + units - 1)->free &= ~map_bit(unit + units - 1);
}

/* Returns the first unit from this one on that has a bit, or the number of units if none has. */
uint32_t heap_map_next(const struct heap *heap, uint32_t unit);

/* Returns the last unit up to this one that has a bit, or NO_CHUNK if none has. */
uint32_t heap_map_previous(const struct heap *heap, uint32_t unit);

#endif
