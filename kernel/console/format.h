/* SPDX-License-Identifier: MIT */
/*
 * format.h - formats text like printf and sends it to a sink, character by character.
 *
 * Conversions: %s %c %% %d %u %x. An `l` means 64 bits, a number is the minimum width, `0` pads numbers with
 * zeroes, `-` aligns to the left. An unknown conversion is printed as it stands. There is no floating point,
 * no allocation and no locale.
 */
#ifndef KERNEL_CONSOLE_FORMAT_H
#define KERNEL_CONSOLE_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Takes characters. A sink with state begins with this struct. */
struct format_sink {
    void (*put)(struct format_sink *sink, char c);
};

void format_list(struct format_sink *sink, const char *format, va_list arguments);
__attribute__((format(printf, 2, 3))) void format(struct format_sink *sink, const char *format, ...);

/* Formats why something is refused. Returns false, so that a refusal is one statement. */
__attribute__((format(printf, 2, 3))) bool format_refusal(struct format_sink *why, const char *format, ...);

/* A sink that fills a buffer, which always ends with a zero. Characters that do not fit are dropped. */
struct text_sink {
    struct format_sink sink;
    char *text;
    size_t capacity, length;
};

/* Returns a sink for text[capacity] and empties the buffer. The capacity is at least 1. */
struct text_sink text_sink(char *text, size_t capacity);

#endif
