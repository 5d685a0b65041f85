/* SPDX-License-Identifier: MIT */
/* format.c - the formatter that the loader and the kernel print with. */
#include "console/format.h"
#include <stdint.h>

struct conversion {
    bool left, zero, is_long;
    unsigned width;
    char kind;
};

static void pad(struct format_sink *sink, char with, size_t length, unsigned width)
{
    for (; length < width; length++)
        sink->put(sink, with);
}

static void put_text(struct format_sink *sink, const struct conversion *c, const char *text, size_t length)
{
    if (!c->left)
        pad(sink, ' ', length, c->width);
    for (size_t i = 0; i < length; i++)
        sink->put(sink, text[i]);
    if (c->left)
        pad(sink, ' ', length, c->width);
}

static void put_number(struct format_sink *sink, const struct conversion *c, uint64_t value, bool negative)
{
    char digits[24];
    unsigned base = c->kind == 'x' ? 16 : 10;
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    size_t width = c->width < 20 ? c->width : 20;
    if (c->zero && !c->left)
        while (sizeof digits - at + negative < width)
            digits[--at] = '0';
    if (negative)
        digits[--at] = '-';
    put_text(sink, c, digits + at, sizeof digits - at);
}

static void put_signed(struct format_sink *sink, const struct conversion *c, int64_t value)
{
    put_number(sink, c, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

static void put_string(struct format_sink *sink, const struct conversion *c, const char *text)
{
    size_t length = 0;
    text = text ? text : "(null)";
    while (text[length])
        length++;
    put_text(sink, c, text, length);
}

/* Reads the flags and the width after a %. Returns the position of the letter that follows them. */
static const char *read_conversion(const char *at, struct conversion *c)
{
    *c = (struct conversion){0};
    for (; *at == '-' || *at == '0'; at++)
        *(*at == '-' ? &c->left : &c->zero) = true;
    for (; *at >= '0' && *at <= '9'; at++)
        c->width = c->width < 1000 ? c->width * 10 + (unsigned)(*at - '0') : c->width;
    for (; *at == 'l'; at++)
        c->is_long = true;
    c->kind = *at;
    return at;
}

void format_list(struct format_sink *sink, const char *at, va_list arguments)
{
    for (; *at; at++) {
        const char *start = at;
        struct conversion c;
        if (*at != '%') {
            sink->put(sink, *at);
            continue;
        }
        at = read_conversion(at + 1, &c);
        char letter;
        switch (c.kind) {
        case 's':
            put_string(sink, &c, va_arg(arguments, const char *));
            break;
        case 'c':
            letter = (char)va_arg(arguments, int);
            put_text(sink, &c, &letter, 1);
            break;
        case 'd':
            put_signed(sink, &c, c.is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            put_number(sink, &c, c.is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned),
                       false);
            break;
        case '%':
            sink->put(sink, '%');
            break;
        default:
            while (start < at)
                sink->put(sink, *start++);
            if (*at == '\0')
                return;
            sink->put(sink, *at);
        }
    }
}

void format(struct format_sink *sink, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format_list(sink, text, arguments);
    va_end(arguments);
}

bool format_refusal(struct format_sink *why, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format_list(why, text, arguments);
    va_end(arguments);
    return false;
}

static void put_in_text(struct format_sink *sink, char c)
{
    struct text_sink *to = (struct text_sink *)sink;
    if (to->length + 1 < to->capacity) {
        to->text[to->length++] = c;
        to->text[to->length] = '\0';
    }
}

struct text_sink text_sink(char *text, size_t capacity)
{
    text[0] = '\0';
    return (struct text_sink){.sink = {put_in_text}, .text = text, .capacity = capacity};
}
