/* SPDX-License-Identifier: MIT */
/* pager: a text on screens of a few rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "efi/pager.h"

static void expect_screen(const struct pager *pager, const char *expected)
{
    char screen[256];
    struct text_sink sink = text_sink(screen, sizeof screen);
    (void)pager_print(pager, &sink.sink);
    assert_string_equal(screen, expected);
}

static void turns_pages(void **state)
{
    (void)state;
    static const char text[] = "one\r\ntwo\r\n\r\nfour\r\nfive\r\n";
    struct pager pager = {text, sizeof text - 1, 2, 20, 0};
    expect_screen(&pager, "one\ntwo\n");
    assert_false(pager_previous(&pager));
    assert_true(pager_next(&pager));
    expect_screen(&pager, "\nfour\n");
    assert_true(pager_next(&pager));
    expect_screen(&pager, "five\n");
    assert_false(pager_next(&pager));
    assert_true(pager_previous(&pager));
    expect_screen(&pager, "\nfour\n");
    assert_true(pager_previous(&pager));
    expect_screen(&pager, "one\ntwo\n");
    assert_false(pager_previous(&pager));
}

static void long_lines_go_on(void **state)
{
    (void)state;
    static const char text[] = "abcdefgh\nabcd\nx";
    struct pager pager = {text, sizeof text - 1, 3, 4, 0};
    expect_screen(&pager, "abcd\nefgh\nabcd\n");
    assert_true(pager_next(&pager));
    expect_screen(&pager, "x\n");
}

static void other_characters(void **state)
{
    (void)state;
    static const char text[] = "a\tb\x1b[2J\xc3\xbc\0c";
    struct pager pager = {text, sizeof text - 1, 3, 40, 0};
    expect_screen(&pager, "a?b?[2J???c\n");
    struct pager empty = {"", 0, 3, 40, 0};
    expect_screen(&empty, "");
    assert_false(pager_next(&empty));
    assert_false(pager_previous(&empty));
}

/* Whatever the text, forth and back lead over the same screens, and the screens hold all of it. */
static void any_text(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 2000; round++) {
        size_t length = (size_t)(rand() % 100), shown, starts[128];
        unsigned count = 0;
        char *text = malloc(length + (length == 0)), screen[4096];
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(rand() % 4 ? "\n\rab"[rand() % 4] : rand());
        struct pager pager = {text, length, 1 + (unsigned)rand() % 5, 1 + (unsigned)rand() % 9, 0};
        do {
            struct text_sink sink = text_sink(screen, sizeof screen);
            starts[count++] = pager.start;
            size_t next = pager_print(&pager, &sink.sink);
            assert_true(next > pager.start || length == 0);
            shown = next;
        } while (pager_next(&pager) && shown == pager.start);
        assert_int_equal(shown, length);
        while (--count > 0) {
            assert_int_equal(pager.start, starts[count]);
            assert_true(pager_previous(&pager));
        }
        assert_int_equal(pager.start, 0);
        assert_false(pager_previous(&pager));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"pager: turns pages both ways", turns_pages, NULL, NULL, NULL},
        {"pager: a long line goes on in the next row", long_lines_go_on, NULL, NULL, NULL},
        {"pager: nothing but ASCII reaches the console", other_characters, NULL, NULL, NULL},
        {"pager: any text can be turned forth and back", any_text, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}
