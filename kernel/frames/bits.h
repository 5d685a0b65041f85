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

/*@ axiomatic bits_of_a_word {
      predicate has_bit(integer word, integer bit) reads \nothing;
      logic integer lowest(integer word) reads \nothing;
      axiom nothing_in_zero: \forall integer bit; 0 <= bit < 64 ==> !has_bit(0, bit);
    } */

/* The lowest bit that is set, of a word that has one. */
/*@ requires word != 0;
    assigns \nothing;
    ensures is_lowest: \result == lowest(word) && 0 <= \result < 64;
    ensures is_set: has_bit(word, \result);
    ensures none_below: \forall integer bit; 0 <= bit < \result ==> !has_bit(word, bit); */
static inline unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/*@ requires word != 0;
    assigns \nothing;
    ensures that_bit_less: \forall integer bit; 0 <= bit < 64 ==>
      (has_bit(\result, bit) <==> has_bit(word, bit) && bit != lowest(word)); */
static inline uint64_t without_lowest(uint64_t word)
{
    return word & (word - 1);
}

/*@ requires number < 64;
    assigns \nothing;
    ensures that_bit: \result <==> has_bit(word, number); */
static inline bool is_set(uint64_t word, unsigned number)
{
    return (word & (uint64_t)1 << number) != 0;
}

/*@ requires number < 64;
    assigns \nothing;
    ensures that_bit_more: \forall integer bit; 0 <= bit < 64 ==>
      (has_bit(\result, bit) <==> has_bit(word, bit) || bit == number); */
static inline uint64_t with_bit(uint64_t word, unsigned number)
{
    return word | (uint64_t)1 << number;
}

/* 0 if the words are the same, and so_far is 0. Without a branch, as many words are compared in a row. */
/*@ assigns \nothing;
    ensures none: \result == 0 <==> so_far == 0 && word == other; */
static inline uint64_t differences(uint64_t so_far, uint64_t word, uint64_t other)
{
    return so_far | (word ^ other);
}

#endif
