/* SPDX-License-Identifier: MIT */
/* finding.c - tells findings; fills red zones and compares them, word by word. */
#include "heap/finding.h"

enum { WORD_BYTES = 8 };

enum heap_status heap_tell(struct heap *heap, const struct heap_finding *finding)
{
    heap->statistics.findings++;
    heap->setup.found(heap->setup.context, finding);
    return finding->kind;
}

/* Returns the pattern of the word at an address. */
static uint64_t pattern(uintptr_t word)
{
    return word * UINT64_C(0x9e3779b97f4a7c15) | UINT64_C(0x8080808080808080);
}

/* Returns a mask of those bytes of the word that lie between start and end. */
static uint64_t bytes_between(uintptr_t word, uintptr_t start, uintptr_t end)
{
    uint64_t mask = UINT64_MAX;
    if (start > word)
        mask <<= (start - word) * 8;
    if (end < word + WORD_BYTES)
        mask &= UINT64_MAX >> ((word + WORD_BYTES - end) * 8);
    return mask;
}

static uintptr_t first_word(uintptr_t start)
{
    return start & ~(uintptr_t)(WORD_BYTES - 1);
}

/* Fills those bytes of a word that lie between start and end. */
static void fill_part(uintptr_t at, uintptr_t start, uintptr_t end)
{
    uint64_t mask = bytes_between(at, start, end), *word = (uint64_t *)at;
    *word = (*word & ~mask) | (pattern(at) & mask);
}

void heap_fill_red_zone(uintptr_t start, uintptr_t end)
{
    uintptr_t at = first_word(start);
    if (at != start && at < end) {
        fill_part(at, start, end);
        at += WORD_BYTES;
    }
    for (; at + WORD_BYTES <= end; at += WORD_BYTES)
        *(uint64_t *)at = pattern(at);
    if (at < end)
        fill_part(at, at, end);
}

/* Returns which bits are wrong of those bytes of a word that lie between start and end. */
static uint64_t wrong_bits(uintptr_t at, uintptr_t start, uintptr_t end)
{
    return (*(const uint64_t *)at ^ pattern(at)) & bytes_between(at, start, end);
}

uintptr_t heap_red_zone_broken(uintptr_t start, uintptr_t end)
{
    uintptr_t at = first_word(start);
    uint64_t wrong = at != start && at < end ? wrong_bits(at, start, end) : 0;
    at += at != start && wrong == 0 ? WORD_BYTES : 0;
    while (wrong == 0 && at + WORD_BYTES <= end && *(const uint64_t *)at == pattern(at))
        at += WORD_BYTES;
    if (wrong == 0 && at < end)
        wrong = wrong_bits(at, at, end);
    return wrong == 0 ? end : at + (unsigned)__builtin_ctzll(wrong) / 8;
}
