/*
 * bits.cpp - what the proofs of the frame allocator believe of its words, for every word.
 *
 * A theorem is called by the function of kernel/frames/word_bits.h and the name of the promise there;
 * test/frama/prove compares the two lists. A promise about every bit is one about any.
 */
#include "core.h"

/* What gcc promises of it: the number of zeroes below the lowest one. Of 0 it promises nothing. */
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

static uint64_t any_but_zero()
{
    uint64_t word = anything("word");
    assume(word != 0);
    return word;
}

THEOREM("bits: nothing_in_zero: no bit of 0 is set")
{
    claim(!has_bit(0, any_bit("bit")));
}

THEOREM("bits: lowest_bit is_lowest: there is one number that it can be, below 64")
{
    uint64_t word = any_but_zero();
    unsigned bit = lowest_bit(word), other = any_bit("other");
    assume(has_bit(word, other));
    claim(bit <= other && bit < 64);
}

THEOREM("bits: lowest_bit is_set: it is a bit of the word")
{
    uint64_t word = any_but_zero();
    claim(has_bit(word, lowest_bit(word)));
}

THEOREM("bits: lowest_bit none_below: no lower bit is set")
{
    uint64_t word = any_but_zero();
    unsigned bit = any_bit("bit");
    assume(bit < lowest_bit(word));
    claim(!has_bit(word, bit));
}

THEOREM("bits: without_lowest that_bit_less: every other bit stays")
{
    uint64_t word = any_but_zero();
    unsigned bit = any_bit("bit");
    bool stays = has_bit(word, bit) && bit != lowest_bit(word);
    claim(has_bit(without_lowest(word), bit) == stays);
}

THEOREM("bits: is_set that_bit: no other matters")
{
    uint64_t word = anything("word");
    unsigned bit = any_bit("bit");
    claim(is_set(word, bit) == has_bit(word, bit));
}

THEOREM("bits: with_bit that_bit_more: every other bit stays")
{
    uint64_t word = anything("word");
    unsigned number = any_bit("number"), bit = any_bit("bit");
    claim(has_bit(with_bit(word, number), bit) == (has_bit(word, bit) || bit == number));
}

THEOREM("bits: differences none: 0 just if there is none, nor was before")
{
    uint64_t before = anything("before"), word = anything("word"), other = anything("other");
    claim((differences(before, word, other) == 0) == (before == 0 && word == other));
}

FALLACY("bits: with_bit makes a word larger")
{
    uint64_t word = anything("word");
    claim(with_bit(word, any_bit("number")) > word);
}
