/* SPDX-License-Identifier: MIT */
/*
 * bits.cpp - what the proofs of the frame allocator assume about its words, for every word.
 *
 * The name of a theorem has the function of kernel/frames/word_bits.h and the name of the property there;
 * test/frama/prove compares the two lists.
 */
#include "core.h"

/* As gcc defines it: the number of zeroes below the lowest one. It is undefined for 0. */
static unsigned trailing_zeroes(uint64_t word)
{
    claim(word != 0);
    unsigned zeroes = anything32("trailing zeroes");
    assume(zeroes < 64);
    assume((word >> zeroes & 1) == 1);
    assume((word & (((uint64_t)1 << zeroes) - 1)) == 0);
    return zeroes;
}
#define __builtin_ctzll trailing_zeroes

#include "kernel/frames/word_bits.h"

static bool has_bit(uint64_t word, unsigned bit)
{
    return (word >> bit & 1) == 1;
}

static unsigned any_bit(const char *name)
{
    unsigned bit = anything32(name);
    assume(bit < 64);
    return bit;
}

static uint64_t any_word_except_zero()
{
    uint64_t word = anything("word");
    assume(word != 0);
    return word;
}

THEOREM("bits: nothing_in_zero: no bit of 0 is set")
{
    claim(!has_bit(0, any_bit("bit")));
}

THEOREM("bits: lowest_bit is_lowest: no bit that is set has a smaller number")
{
    uint64_t word = any_word_except_zero();
    unsigned bit = lowest_bit(word), other = any_bit("other");
    assume(has_bit(word, other));
    claim(bit <= other && bit < 64);
}

THEOREM("bits: lowest_bit is_set: this bit of the word is set")
{
    uint64_t word = any_word_except_zero();
    claim(has_bit(word, lowest_bit(word)));
}

THEOREM("bits: lowest_bit none_below: no lower bit is set")
{
    uint64_t word = any_word_except_zero();
    unsigned bit = any_bit("bit");
    assume(bit < lowest_bit(word));
    claim(!has_bit(word, bit));
}

THEOREM("bits: without_lowest that_bit_less: every other bit stays as it was")
{
    uint64_t word = any_word_except_zero();
    unsigned bit = any_bit("bit");
    bool stays = has_bit(word, bit) && bit != lowest_bit(word);
    claim(has_bit(without_lowest(word), bit) == stays);
}

THEOREM("bits: is_set that_bit: it depends on no other bit")
{
    uint64_t word = anything("word");
    unsigned bit = any_bit("bit");
    claim(is_set(word, bit) == has_bit(word, bit));
}

THEOREM("bits: with_bit that_bit_more: every other bit stays as it was")
{
    uint64_t word = anything("word");
    unsigned number = any_bit("number"), bit = any_bit("bit");
    claim(has_bit(with_bit(word, number), bit) == (has_bit(word, bit) || bit == number));
}

THEOREM("bits: differences none: 0 exactly if the words are equal and there was no difference before")
{
    uint64_t before = anything("before"), word = anything("word"), other = anything("other");
    claim((differences(before, word, other) == 0) == (before == 0 && word == other));
}

FALLACY("bits: with_bit makes a word larger")
{
    uint64_t word = anything("word");
    claim(with_bit(word, any_bit("number")) > word);
}
