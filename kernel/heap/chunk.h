/* SPDX-License-Identifier: MIT */
/*
 * chunk.h - what a chunk looks like. For this room only.
 *
 * Chunks lie side by side from the first page for blocks to the end of the heap. They are counted in units of
 * 16 bytes, and named by the number of their first unit.
 *
 *     live   | units spare check | caller |  block ...            | red zone: `spare` bytes |
 *     free   | units   0   check | caller |  next previous | ...              ...     units |
 *
 * No two free chunks lie side by side. The smallest chunk has two units: then the last word of a free one
 * lies right behind its links.
 */
#ifndef KERNEL_HEAP_CHUNK_H
#define KERNEL_HEAP_CHUNK_H

#include "heap/heap.h"

enum { UNIT_BYTES = HEAP_ALIGNMENT, HEADER_BYTES = UNIT_BYTES, LEAST_UNITS = 2, LEAST_RED_ZONE = 8 };

#define NO_CHUNK UINT32_MAX

struct heap_chunk {
    uint32_t units;
    uint16_t spare;  /* bytes behind the block */
    uint16_t check;  /* of the other three, and of where the chunk is */
    uint64_t caller; /* who allocated it; of a free one, who freed it: 0 if it is the rest of another */
};

/* What follows the header of a free chunk. */
struct heap_links {
    uint32_t next, previous; /* in the list of its class; NO_CHUNK at both ends. See link_mask */
};

_Static_assert(sizeof(struct heap_chunk) == HEADER_BYTES, "a header fills a unit");
_Static_assert(sizeof(struct heap_links) + sizeof(uint32_t) <= UNIT_BYTES,
               "the links leave room for the size");

/* Returns how many units the heap has. */
static inline uint32_t heap_units(const struct heap *heap)
{
    return (uint32_t)(heap->bytes / UNIT_BYTES);
}

static inline uintptr_t unit_address(const struct heap *heap, uint64_t unit)
{
    return heap->blocks + unit * UNIT_BYTES;
}

static inline struct heap_chunk *chunk_at(const struct heap *heap, uint32_t unit)
{
    return (struct heap_chunk *)unit_address(heap, unit);
}

static inline struct heap_links *chunk_links(const struct heap *heap, uint32_t unit)
{
    return (struct heap_links *)unit_address(heap, (uint64_t)unit + 1);
}

/*
 * Returns what a link in this chunk is combined with, by exclusive or, where it is stored. So no constant
 * that is written over links looks like one, the end of a list included.
 */
static inline uint32_t link_mask(uint32_t unit)
{
    return (unit + 1) * UINT32_C(0x9e3779b1);
}

/* Returns the word that repeats the size of the free chunk whose last unit this is. */
static inline uint32_t *chunk_last_word(const struct heap *heap, uint32_t last)
{
    return (uint32_t *)unit_address(heap, (uint64_t)last + 1) - 1;
}

static inline uintptr_t block_of(const struct heap *heap, uint32_t unit)
{
    return unit_address(heap, unit) + HEADER_BYTES;
}

/* Returns how many units a block of so many bytes takes. */
static inline uint64_t units_for(uint64_t bytes)
{
    uint64_t units = (HEADER_BYTES + bytes + LEAST_RED_ZONE + UNIT_BYTES - 1) / UNIT_BYTES;
    return units < LEAST_UNITS ? LEAST_UNITS : units;
}

/* Returns how many bytes of a live chunk are the block, as was asked for. */
static inline uint64_t chunk_bytes(const struct heap_chunk *chunk)
{
    return (uint64_t)chunk->units * UNIT_BYTES - HEADER_BYTES - chunk->spare;
}

/* Live and free headers differ in every bit of this. */
enum { LIVE_CHECK = 0, FREE_CHECK = 0xffff };

/* Returns what `check` of this header must be. A header of zeroes has another one nearly everywhere. */
static inline uint16_t chunk_check(const struct heap_chunk *chunk, uint16_t kind)
{
    uint64_t hash = ((uint64_t)chunk->units << 16 | chunk->spare) ^ (uintptr_t)chunk;
    hash = (hash * UINT64_C(0x9e3779b97f4a7c15)) ^ chunk->caller;
    return (uint16_t)((hash * UINT64_C(0xbf58476d1ce4e5b9)) >> 48) ^ kind;
}

#endif
