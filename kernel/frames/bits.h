/*
 * bits.h - the words of the frame allocator, a bit per item.
 *
 * A prover of loops and arrays knows little of single bits. So it believes what is said here, in the comments
 * with an @, of words without looking inside; and each of these promises is a theorem of test/proof/bits.cpp,
 * settled for all 2^64 words. Bits count from 0.
 */
#ifndef KERNEL_FRAMES_BITS_H
#define KERNEL_FRAMES_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* The lowest bit that is set, of a word that has one. */
static inline unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

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

/* 0 if the words are the same, and so_far is 0. Without a branch, as many words are compared in a row. */
static inline uint64_t differences(uint64_t so_far, uint64_t word, uint64_t other)
{
    return so_far | (word ^ other);
}

#endif
