/* SPDX-License-Identifier: MIT */
/* option_text.c - makes plain text of what the sources of options hold. */
#include "boot/option_words.h"

/* Returns the 16-bit unit at this index, of either byte order. */
static unsigned unit_at(const char *text, size_t index, bool big_endian)
{
    unsigned first = (uint8_t)text[2 * index], second = (uint8_t)text[2 * index + 1];
    return big_endian ? first << 8 | second : second << 8 | first;
}

/* Turns UTF-16 after its mark into bytes, in place: a unit is read before a byte is written over it. */
static void narrow(char *text, size_t *bytes, bool big_endian)
{
    size_t units = *bytes / 2;
    for (size_t i = 1; i < units; i++) {
        unsigned c = unit_at(text, i, big_endian);
        text[i - 1] = '?';
        if (c > 0 && c <= '~')
            text[i - 1] = (char)c;
    }
    *bytes = units - 1;
}

const char *options_decode(char *text, size_t *bytes)
{
    const uint8_t *head = (const uint8_t *)text;
    if (*bytes >= 2 && ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff))) {
        if (*bytes % 2 != 0)
            return "is cut off: it is UTF-16 with an odd number of bytes";
        narrow(text, bytes, head[0] == 0xfe);
        return NULL;
    }
    if (*bytes >= 3 && head[0] == 0xef && head[1] == 0xbb && head[2] == 0xbf) {
        *bytes -= 3;
        for (size_t i = 0; i < *bytes; i++)
            text[i] = text[i + 3];
    }
    for (size_t i = 0; i < *bytes; i++)
        if (text[i] == '\0')
            return "is not text: it has zero bytes (save it as plain text or UTF-8)";
    return NULL;
}

bool options_from_ucs2(const uint8_t *ucs2, size_t bytes, char *text, size_t *length)
{
    size_t taken = 0;
    for (; taken < bytes / 2; taken++) {
        unsigned c = ucs2[2 * taken] | (unsigned)ucs2[2 * taken + 1] << 8;
        if (c == 0)
            break;
        bool blank = c == '\t' || c == '\r' || c == '\n';
        if (!blank && (c < ' ' || c > '~'))
            return false;
        text[taken] = (char)c;
    }
    *length = taken;
    return true;
}

/* Returns whether word[length] is the text, in capitals or not. */
static bool is_word(const char *word, size_t length, const char *text)
{
    size_t i = 0;
    while (i < length && text[i] && option_lower(word[i]) == option_lower(text[i]))
        i++;
    return i == length && text[i] == '\0';
}

/* A value may hold a path, but stands after a =. */
static bool is_program(const char *word, size_t length, const char *own)
{
    if (length >= 4 && is_word(word + length - 4, 4, ".efi"))
        return true;
    bool has_path = false;
    for (size_t i = 0; i < length && word[i] != '='; i++) {
        has_path = has_path || word[i] == '\\' || word[i] == '/' || word[i] == ':';
        if (i + 1 == length)
            return has_path || (own[0] && is_word(word, length, own));
    }
    return false;
}

bool options_blank_program(char *text, size_t bytes, const char *own)
{
    size_t start = 0;
    while (start < bytes && text[start] <= ' ')
        start++;
    bool quoted = start < bytes && text[start] == '"';
    size_t first = start + quoted, end = first;
    while (end < bytes && (quoted ? text[end] != '"' : text[end] > ' '))
        end++;
    if (quoted && end == bytes)
        return false; /* the quote is not closed: that is said later */
    if (!is_program(text + first, end - first, own))
        return false;
    for (size_t i = start; i < end + quoted; i++)
        text[i] = ' ';
    return true;
}
