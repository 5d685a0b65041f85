/* SPDX-License-Identifier: MIT */
/*
 * option_words.h - cuts a text of options into words.
 */
#ifndef KERNEL_BOOT_OPTION_WORDS_H
#define KERNEL_BOOT_OPTION_WORDS_H

#include "boot/options.h"

/* A text while it is read. */
struct option_text {
    const char *text;
    size_t bytes;
    unsigned line, column; /* of the next character, from 1 */
};

/* A word without its quotes. key is what stands before the first =. */
struct option_word {
    char text[OPTION_WORD_LIMIT], key[OPTION_WORD_LIMIT];
    const char *value; /* a part of text; NULL: there is no = */
    size_t length;     /* may be more than fit into the text */
    unsigned line, column;
    bool is_open; /* the quote is not closed */
};

static inline char option_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Reads the next word and moves the text behind it. Returns false if there is none. */
bool option_next_word(struct option_text *from, struct option_word *word);

#endif
