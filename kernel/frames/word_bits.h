/* SPDX-License-Identifier: MIT */
/*
 * word_bits.h - the bits of one 64-bit word. Private to this room.
 *
 * Bits count from 0. The frame allocator, except its fast paths in frames.h, touches single bits through
 * these functions only, because the prover of test/frama knows little about bits: it believes what each
 * function promises there, and test/proof/bits.cpp proves each promise for all 2^64 words.
 */
#ifndef KERNEL_FRAMES_WORD_BITS_H
#define KERNEL_FRAMES_WORD_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the number of the lowest bit that is set. word must not be 0. */
static inline unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/* Returns the word with its lowest set bit cleared. word must not be 0. */
static inline uint64_t without_lowest(uint64_t word)
{
    return word & (word - 1);
}

static inline bool is_set(uint64_t word, unsigned number)
{
    return (word & (uint64_t)1 << number) != 0;
}

static inline uint64_t with_bit(uint64_t word, unsigned number)
{
    return word | (uint64_t)1 << number;
}

/*
 * Returns 0 if so_far is 0 and both words are equal. Without a branch, because callers compare all words of a
 * cluster in a row.
 */
static inline uint64_t differences(uint64_t so_far, uint64_t word, uint64_t other)
{
    return so_far | (word ^ other);
}

#endif
