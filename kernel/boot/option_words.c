/* SPDX-License-Identifier: MIT */
/* option_words.c - blanks, comments, quotes, lines and columns. */
#include "boot/option_words.h"

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Bytes beyond ASCII belong to words, which then are not options: a blank would hide them. */
static bool is_blank(char c)
{
    return (c >= 0 && c <= ' ') || c == 0x7f;
}

/* Moves behind the next character. A line ends with \n, \r, or both; UTF-8 continues with 10xxxxxx. */
static char take(struct option_text *from)
{
    char c = *from->text++;
    from->bytes--;
    bool pair = c == '\r' && from->bytes > 0 && *from->text == '\n';
    if (is_line_end(c) && !pair) {
        from->line++;
        from->column = 1;
    } else if (((uint8_t)c & 0xc0) != 0x80) {
        from->column++;
    }
    return c;
}

static void skip_blanks_and_comments(struct option_text *from)
{
    bool comment = false;
    while (from->bytes > 0 && (comment || is_blank(*from->text) || *from->text == '#')) {
        char c = take(from);
        comment = !is_line_end(c) && (comment || c == '#');
    }
}

static void split_at_equals_sign(struct option_word *word)
{
    size_t length = 0;
    while (word->text[length] && word->text[length] != '=') {
        word->key[length] = word->text[length];
        length++;
    }
    if (word->text[length] == '=')
        word->value = word->text + length + 1;
}

bool option_next_word(struct option_text *from, struct option_word *word)
{
    skip_blanks_and_comments(from);
    *word = (struct option_word){.line = from->line, .column = from->column};
    bool found = from->bytes > 0;
    char quote = '\0';
    while (from->bytes > 0 && (quote ? !is_line_end(*from->text) : !is_blank(*from->text))) {
        char c = take(from);
        if (c == quote) { /* a zero is a blank, and not in a word outside of quotes */
            quote = '\0';
            continue;
        }
        if (!quote && (c == '"' || c == '\'')) {
            quote = c;
            continue;
        }
        if (c < ' ' || c > '~')
            c = '?';
        if (word->length < OPTION_WORD_LIMIT - 1)
            word->text[word->length] = c;
        word->length++;
    }
    word->is_open = quote != '\0';
    split_at_equals_sign(word);
    return found;
}
