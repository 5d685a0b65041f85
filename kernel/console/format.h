/*
 * format.h - printf's most useful part, for a sink of characters.
 *
 *   %s %c %% %d %u %x, with l for 64 bits, a minimum width, 0 for zero padding, - for left justified.
 *
 * No floating point, no allocation, no locale. An unknown conversion is printed as it stands.
 */
#ifndef KERNEL_CONSOLE_FORMAT_H
#define KERNEL_CONSOLE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

struct sink {
    void (*put)(struct sink *sink, char c);
};

void format_list(struct sink *sink, const char *format, va_list arguments);
__attribute__((format(printf, 2, 3))) void format(struct sink *sink, const char *format, ...);

/* A sink that fills a buffer and always leaves it terminated; what does not fit is dropped. */
struct text_sink {
    struct sink sink;
    char *text;
    size_t capacity, length;
};

/* capacity at least 1. */
struct text_sink text_sink(char *text, size_t capacity);

#endif
