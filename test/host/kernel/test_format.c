/* SPDX-License-Identifier: MIT */
/* format: the part of printf that it claims to be agrees with the host's printf. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/format.h"

/* The same arguments through both. */
#define SAME(...)                                             \
    do {                                                      \
        char ours[200], theirs[200];                          \
        struct text_sink sink = text_sink(ours, sizeof ours); \
        format(&sink.sink, __VA_ARGS__);                      \
        snprintf(theirs, sizeof theirs, __VA_ARGS__);         \
        assert_string_equal(ours, theirs);                    \
    } while (0)

static void numbers(void **state)
{
    (void)state;
    static const long values[] = {0, 1, -1, 9, 10, 4096, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        SAME("%d|%u|%x", (int)values[i], (unsigned)values[i], (unsigned)values[i]);
        SAME("%ld|%lu|%lx", values[i], (unsigned long)values[i], (unsigned long)values[i]);
        SAME("%12ld|%-12ld|%012ld|", values[i], values[i], values[i]);
        SAME("%016lx|%3x|%-9x|", (unsigned long)values[i], (unsigned)values[i], (unsigned)values[i]);
    }
}

static void text(void **state)
{
    (void)state;
    SAME("%s, %10s, %-10s, %c%%\n", "one", "two", "three", 'x');
    SAME("%s", "");
    SAME("%5c|%-5c|", 'a', 'b');
    SAME("nothing to do");
}

static void unknown_conversions(void **state)
{
    (void)state;
    char text[32];
    struct text_sink sink = text_sink(text, sizeof text);
    const char *const odd = "%q %5y %";
    /* Through a pointer, because the compiler would rightly complain. */
    void (*volatile print)(struct format_sink *, const char *, ...) = format;
    print(&sink.sink, odd);
    assert_string_equal(text, odd);
}

static void null_text(void **state)
{
    (void)state;
    char text[32];
    struct text_sink sink = text_sink(text, sizeof text);
    const char *volatile none = NULL;
    format(&sink.sink, "%s", none);
    assert_string_equal(text, "(null)");
}

static void full_buffer(void **state)
{
    (void)state;
    char text[] = "????????";
    struct text_sink sink = text_sink(text, 5);
    format(&sink.sink, "%s", "abcdefgh");
    assert_string_equal(text, "abcd");
    assert_memory_equal(text + 5, "???", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"format: numbers as printf writes them", numbers, NULL, NULL, NULL},
        {"format: text as printf writes it", text, NULL, NULL, NULL},
        {"format: an unknown conversion is printed as it stands", unknown_conversions, NULL, NULL, NULL},
        {"format: a missing text is named", null_text, NULL, NULL, NULL},
        {"format: a full buffer ends the text, and no byte beyond is touched", full_buffer, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
