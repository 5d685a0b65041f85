/* SPDX-License-Identifier: MIT */
/* chunk_map.c - looks for the next bit, and for the one before. */
#include "heap/chunk_map.h"

static uint64_t both(const struct heap_map_word *word)
{
    return word->live | word->free;
}

uint32_t heap_map_next(const struct heap *heap, uint32_t unit)
{
    uint64_t end = heap_units(heap), at = unit;
    while (at < end) {
        uint64_t bits = both(map_word(heap, (uint32_t)at)) >> (at % 64);
        if (bits != 0)
            return (uint32_t)at + (unsigned)__builtin_ctzll(bits);
        at = (at | 63) + 1;
    }
    return (uint32_t)end;
}

uint32_t heap_map_previous(const struct heap *heap, uint32_t unit)
{
    for (uint64_t at = (uint64_t)unit + 1; at > 0; at = (at - 1) & ~UINT64_C(63)) {
        uint32_t last = (uint32_t)at - 1;
        uint64_t bits = both(map_word(heap, last)) << (63 - last % 64);
        if (bits != 0)
            return last - (unsigned)__builtin_clzll(bits);
    }
    return NO_CHUNK;
}
