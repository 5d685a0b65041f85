/* SPDX-License-Identifier: MIT */
/* words.c - the words `key=value` that choose how the firmware behaves. */
#include "shim.h"

static const char *words = "";

void words_read(void)
{
    uint32_t bytes;
    words = read_item("opt/shim/words", &bytes);
    if (!words)
        give_up("there are no words");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

static bool begins(const char *text, const char *with, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != with[i])
            return false;
    return true;
}

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

/* Returns the value behind `key=` or `key@moment=`, and whether the moment was named. */
static const char *value_of(const char *text, const char *key, const char *moment, bool *named)
{
    size_t length = length_of(key);
    if (!begins(text, key, length))
        return NULL;
    text += length;
    *named = *text == '@';
    if (*named) {
        if (!moment || !begins(++text, moment, length_of(moment)))
            return NULL;
        text += length_of(moment);
    }
    return *text == '=' ? text + 1 : NULL;
}

static const char *const moment_names[MOMENTS] = {"size", "first", "later"};

const char *next_word(const char *key, enum moment moment, size_t *at)
{
    while (words[*at]) {
        bool named;
        const char *start = words + *at;
        const char *value = value_of(start, key, moment_names[moment], &named);
        while (words[*at] && !is_blank(words[*at]))
            ++*at;
        while (is_blank(words[*at]))
            ++*at;
        if (value)
            return value;
    }
    return NULL;
}

const char *word_at(const char *key, enum moment moment)
{
    const char *value, *last = NULL;
    for (size_t at = 0; (value = next_word(key, moment, &at));)
        last = value;
    return last;
}

const char *word(const char *key)
{
    return word_at(key, MOMENTS - 1);
}

uint64_t word_number(const char *key, uint64_t otherwise)
{
    const char *value = word(key);
    return value ? take_number(&value, otherwise) : otherwise;
}

static bool ends_value(char c)
{
    return c == '\0' || is_blank(c);
}

bool word_lists(const char *key, const char *item)
{
    size_t length = length_of(item);
    for (const char *value = word(key); value && !ends_value(*value);) {
        if (begins(value, item, length) && (ends_value(value[length]) || value[length] == ','))
            return true;
        while (!ends_value(*value) && *value != ',')
            value++;
        if (*value == ',')
            value++;
    }
    return false;
}

bool take_name(const char **text, const char *name)
{
    size_t length = length_of(name);
    if (!begins(*text, name, length))
        return false;
    char next = (*text)[length];
    if (!ends_value(next) && next != ':')
        return false;
    *text += length + (next == ':');
    return true;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

/* 12, 0x1000, 2M */
static uint64_t take_digits(const char **text)
{
    uint64_t value = 0;
    unsigned base = 10;
    if (begins(*text, "0x", 2)) {
        base = 16;
        *text += 2;
    }
    for (; digit_of(**text) < base; ++*text)
        value = value * base + digit_of(**text);
    static const char units[] = "KMGT";
    for (unsigned i = 0; units[i]; i++)
        if (**text == units[i]) {
            ++*text;
            return value << (10 * (i + 1));
        }
    return value;
}

static uint64_t take_term(const char **text)
{
    if (digit_of(**text) < 10)
        return take_digits(text);
    bool found;
    size_t length = 0;
    while (!ends_value((*text)[length]) && (*text)[length] != '+' && (*text)[length] != '-' &&
           (*text)[length] != ':')
        length++;
    uint64_t value = place_named(*text, length, &found);
    if (!found)
        give_up("no place is called \"%s\"", *text);
    *text += length;
    return value;
}

uint64_t take_number(const char **text, uint64_t otherwise)
{
    if (ends_value(**text))
        return otherwise;
    if (**text == ':') {
        ++*text;
        return otherwise;
    }
    bool negative = **text == '-';
    *text += negative;
    uint64_t value = take_term(text);
    if (negative)
        value = -value;
    while (**text == '+' || **text == '-') {
        bool minus = *(*text)++ == '-';
        uint64_t term = take_term(text);
        value = minus ? value - term : value + term;
    }
    if (**text == ':')
        ++*text;
    else if (!ends_value(**text))
        give_up("not a number: \"%s\"", *text);
    return value;
}
