/* SPDX-License-Identifier: MIT */
/*
 * text_rows.h - finds lines and rows in a text that has no zero at its end, as the log.
 */
#ifndef KERNEL_CONSOLE_TEXT_ROWS_H
#define KERNEL_CONSOLE_TEXT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the end of the row that begins at `from`: at most this many characters, or a line's end. */
static inline size_t text_row_end(const char *text, size_t bytes, size_t from, size_t columns)
{
    size_t end = from;
    while (end < bytes && end - from < columns && text[end] != '\n')
        end++;
    return end;
}

/* Returns where the next row begins. A line that fills its row exactly does not leave an empty one behind. */
static inline size_t text_next_row(const char *text, size_t bytes, size_t end)
{
    return end < bytes && text[end] == '\n' ? end + 1 : end;
}

/* Returns where the next line begins. */
static inline size_t text_next_line(const char *text, size_t bytes, size_t from)
{
    return text_next_row(text, bytes, text_row_end(text, bytes, from, SIZE_MAX));
}

static inline bool text_begins_with(const char *text, size_t bytes, const char *prefix)
{
    size_t i = 0;
    while (i < bytes && prefix[i] && text[i] == prefix[i])
        i++;
    return prefix[i] == '\0';
}

#endif
