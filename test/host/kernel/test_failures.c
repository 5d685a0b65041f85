/* SPDX-License-Identifier: MIT */
/* failures: which lines of the log stand below what failed or stopped the run, row by row. */
#include "kernel/pixels.h"

#include <stdio.h>

#include "kernel/console/log.h"
#include "kernel/display/failures.h"

enum { LEFT = 16, TOP = 16, COLUMNS = 40, MOST_ROWS = 60 };

static char log_content[8192];

/* Returns the log in exactly as many bytes as it has, so that a look behind them is seen. */
const char *log_text(void)
{
    static void *exact;
    size_t bytes = strlen(log_content);
    free(exact);
    exact = malloc(bytes);
    return bytes ? memcpy(exact, log_content, bytes) : exact;
}

size_t log_length(void)
{
    return strlen(log_content);
}

static void say(const char *text)
{
    strcat(log_content, text);
}

static struct framebuffer screen;
static struct canvas canvas;

static int begin(void **state)
{
    (void)state;
    log_content[0] = '\0';
    say("# from before: a reason\n");
    failures_start();
    return 0;
}

static struct canvas_area area_of(unsigned columns, unsigned rows)
{
    return (struct canvas_area){LEFT, TOP, columns * GLYPH_WIDTH, rows * GLYPH_HEIGHT};
}

/* Returns what is drawn in an area, a line for each row, without blanks at its end. */
static const char *drawn(unsigned columns, unsigned rows)
{
    static char text[MOST_ROWS * 90];
    char row[512];
    text[0] = '\0';
    screen = make_framebuffer(640, (MOST_ROWS + 2) * GLYPH_HEIGHT, 640);
    assert_true(canvas_start(&canvas, &screen));
    canvas_fill(&canvas, (struct canvas_area){0, 0, screen.width, screen.height}, CANVAS_BLACK);
    failures_draw(&canvas, area_of(columns, rows));
    for (unsigned i = 0; i < MOST_ROWS + 2; i++) {
        read_row(&screen, 1, i, row);
        unsigned left = LEFT / GLYPH_WIDTH, end = left + columns;
        assert_int_equal(strspn(row, " "), strspn(row, " ") < left ? 0 : strspn(row, " "));
        assert_int_equal(strspn(row + end, " "), strlen(row + end));
        row[end] = '\0';
        while (end > 0 && row[end - 1] == ' ')
            row[--end] = '\0';
        bool is_inside = i >= TOP / GLYPH_HEIGHT && i < TOP / GLYPH_HEIGHT + rows;
        if (!is_inside)
            assert_int_equal(end, 0);
        else if (end > 0)
            sprintf(text + strlen(text), "%s\n", row + left);
    }
    return text;
}

/* Counting draws nothing. */
static unsigned rows_needed(void)
{
    canvas_fill(&canvas, (struct canvas_area){0, 0, screen.width, screen.height}, CANVAS_BLACK);
    unsigned rows = failures_rows(&canvas, area_of(COLUMNS, MOST_ROWS));
    for (size_t i = 0; i < (size_t)screen.stride * screen.height; i++)
        assert_int_equal(pixels[i], 0);
    return rows;
}

/* Asserts what is drawn where there is room enough, and how many rows that takes. */
static void assert_drawn(const char *expected)
{
    unsigned rows = 0;
    assert_string_equal(drawn(COLUMNS, MOST_ROWS), expected);
    for (const char *c = expected; *c; c++)
        rows += *c == '\n';
    assert_int_equal(rows_needed(), rows);
}

static void test_fails(unsigned number, const char *name, const char *reasons)
{
    failures_test(name);
    say(reasons);
    char result[64];
    sprintf(result, "not ok %u %s\n", number, name);
    say(result);
    failures_result(true, number, name);
}

/* ---- tests ---- */

static void nothing_failed(void **state)
{
    (void)state;
    failures_test("first");
    say("# a word\nok 1 first\n");
    failures_result(false, 1, "first");
    assert_drawn("");
}

/* Reasons are comments that are no facts, three at most; what was printed for another test is not one. */
static void reasons_stand_below(void **state)
{
    (void)state;
    failures_test("first");
    say("# not about the second\nok 1 first\n");
    failures_result(false, 1, "first");
    test_fails(2, "second",
               "# one\n# key_9=value\nnot a comment\n# two words=1\n#three\n# KEY=1\n# fourth\n# fifth\n");
    test_fails(3, "third", "# z=\n# r0=1\n# =1\n# {b=2\n");
    assert_drawn("not ok 2 second\n    one\n    two words=1\n    KEY=1\nnot ok 3 third\n    {b=2\n");
}

static void without_a_log_that_is_told(void **state)
{
    (void)state;
    failures_test("first");
    failures_result(true, 1, "first");
    assert_drawn("not ok 1 first (the log in memory is ful\n    l: why is not kept)\n");
}

/* A full log ends anywhere. */
static void a_reason_may_be_cut_off(void **state)
{
    (void)state;
    failures_test("first");
    say("# abc");
    failures_result(true, 1, "first");
    assert_drawn("not ok 1 first\n    abc\n");
}

/* What is too long goes on in the next row, a little further in. */
static void long_lines_go_on(void **state)
{
    (void)state;
    test_fails(1, "0123456789012345678901234567890",
               "# abcdefghijklmnopqrstuvwxyzABCDEFGHIJ\n"
               "# abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n");
    assert_drawn("not ok 1 0123456789012345678901234567890\n"
                 "    abcdefghijklmnopqrstuvwxyzABCDEFGHIJ\n"
                 "    abcdefghijklmnopqrstuvwxyzABCDEFGHIJ\n    K\n");
    test_fails(2, "01234567890123456789012345678901", "");
    assert_non_null(strstr(drawn(COLUMNS, MOST_ROWS), "not ok 2 0123456789012345678901234567890\n    1\n"));
}

/* A failure is drawn with all its reasons or not at all; those that are not are counted in the last row. */
static void what_has_no_room_is_counted(void **state)
{
    (void)state;
    test_fails(1, "a", "# why a\n");
    test_fails(2, "b", "# why b\n# and\n");
    assert_string_equal(drawn(COLUMNS, 5), "not ok 1 a\n    why a\nnot ok 2 b\n    why b\n    and\n");
    assert_string_equal(drawn(COLUMNS, 4), "not ok 1 a\n    why a\n1 more failed: see the log\n");
    assert_string_equal(drawn(COLUMNS, 3), "not ok 1 a\n    why a\n1 more failed: see the log\n");
    assert_string_equal(drawn(COLUMNS, 2), "2 more failed: see the log\n");
    assert_string_equal(drawn(COLUMNS, 1), "2 more failed: see the log\n");
    assert_string_equal(drawn(COLUMNS, 0), "");
}

static void sixteen_are_kept(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 16; i++)
        test_fails(i, "x", "# y\n");
    assert_int_equal(rows_needed(), 32);
    assert_non_null(strstr(drawn(COLUMNS, 32), "not ok 16 x\n    y\n"));
    assert_null(strstr(drawn(COLUMNS, 32), "more failed"));
    test_fails(17, "x", "# y\n");
    assert_int_equal(rows_needed(), 33);
    assert_non_null(strstr(drawn(COLUMNS, 33), "not ok 16 x\n    y\n1 more failed: see the log\n"));
    assert_null(strstr(drawn(COLUMNS, 33), "not ok 17"));
    failures_start(); /* a new round begins with none */
    assert_drawn("");
}

/* The explanation begins with the last line that is the exception's name, and has six lines at most. */
static void a_crash_comes_first(void **state)
{
    (void)state;
    test_fails(1, "a", "# why a\n");
    failures_test("b");
    say("# in b\n#XY bad\nthe first time\n\n#XY bad, error code 2\nl2\n# failed: a\nl3\n\n# selfmap: FAIL\n"
        "# stopped: #XY bad\nl4\nl5\nl6\nl7\n");
    failures_crash("#XY bad");
    assert_drawn(
        "stopped: #XY bad, in the test b\n    #XY bad, error code 2\n    l2\n    l3\n    l4\n    l5\n"
        "    l6\nnot ok 1 a\n    why a\n");
    assert_string_equal(drawn(COLUMNS, 2), "stopped: #XY bad, in the test b\n    #XY bad, error code 2\n");
}

/* Without an explanation, as of a test that gives up: what was printed since the last result. */
static void a_stop_in_words(void **state)
{
    (void)state;
    test_fails(1, "a", "");
    say("# last words\nend");
    failures_crash("no frames");
    assert_drawn("stopped: no frames\n    # last words\n    end\nnot ok 1 a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"failures: nothing failed", nothing_failed, begin, NULL, NULL},
        {"failures: reasons stand below, facts and other words do not", reasons_stand_below, begin, NULL,
         NULL},
        {"failures: a log that is full is told", without_a_log_that_is_told, begin, NULL, NULL},
        {"failures: a reason may be cut off", a_reason_may_be_cut_off, begin, NULL, NULL},
        {"failures: long lines go on in the next row", long_lines_go_on, begin, NULL, NULL},
        {"failures: what has no room is counted", what_has_no_room_is_counted, begin, NULL, NULL},
        {"failures: sixteen are kept", sixteen_are_kept, begin, NULL, NULL},
        {"failures: a crash comes first, with its explanation", a_crash_comes_first, begin, NULL, NULL},
        {"failures: a stop without an exception", a_stop_in_words, begin, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("failures", tests, NULL, NULL);
    free(pixels);
    return failed;
}
