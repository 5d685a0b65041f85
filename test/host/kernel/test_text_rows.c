/* SPDX-License-Identifier: MIT */
/* text_rows: rows, lines and beginnings of a text that has no zero at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/console/text_rows.h"

/* Bytes in an array of their own, so that a look behind them is seen. */
static const char text[] = {'o', 'n', 'e', '\n', 't', 'w', 'o', 'x', '\n', '\n', 'z'};
enum { BYTES = sizeof text };

static void rows_end_with_a_line_or_are_full(void **state)
{
    (void)state;
    static const struct {
        size_t from, columns, end, next;
    } cases[] = {{0, 10, 3, 4}, {0, 3, 3, 4},  {0, 2, 2, 2},    {2, 2, 3, 4},    {4, 4, 8, 9},
                 {4, 3, 7, 7},  {9, 5, 9, 10}, {10, 5, 11, 11}, {10, 1, 11, 11}, {11, 5, 11, 11}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t end = text_row_end(text, BYTES, cases[i].from, cases[i].columns);
        assert_int_equal(end, cases[i].end);
        assert_int_equal(text_next_row(text, BYTES, end), cases[i].next);
    }
}

static void lines_follow_each_other(void **state)
{
    (void)state;
    static const size_t begins[] = {0, 4, 9, 10, BYTES};
    for (size_t i = 0; i + 1 < sizeof begins / sizeof begins[0]; i++)
        assert_int_equal(text_next_line(text, BYTES, begins[i]), begins[i + 1]);
    assert_int_equal(text_next_line(text, BYTES, BYTES), BYTES);
}

static void a_beginning_is_in_the_text(void **state)
{
    (void)state;
    static const char with_zero[] = {'a', 'b', '\0', 'c'}, prefix[] = {'a', 'b', '\0', 'd'};
    assert_true(text_begins_with(text, BYTES, "one\ntwo"));
    assert_true(text_begins_with(text, 3, "one"));
    assert_true(text_begins_with(text, 0, ""));
    assert_false(text_begins_with(text, 2, "one"));
    assert_false(text_begins_with(text, BYTES, "xne"));
    assert_false(text_begins_with(text, BYTES, "onx"));
    assert_false(text_begins_with(text + BYTES - 1, 1, "zz"));
    assert_true(text_begins_with(with_zero, sizeof with_zero, prefix));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"text rows: a row ends with its line, or is full", rows_end_with_a_line_or_are_full, NULL, NULL,
         NULL},
        {"text rows: lines follow each other", lines_follow_each_other, NULL, NULL, NULL},
        {"text rows: a beginning is part of the text", a_beginning_is_in_the_text, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("text_rows", tests, NULL, NULL);
}
