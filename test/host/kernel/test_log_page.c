/* SPDX-License-Identifier: MIT */
/* log_page: the log on sheets, row by row, to the last character. */
#include "kernel/pixels.h"

#include <stdio.h>

#include "kernel/console/log.h"
#include "kernel/display/log_page.h"

enum { LEFT = 16, TOP = 32, COLUMNS = 10, ROWS = 4 };

static char log_content[256];

const char *log_text(void)
{
    return log_content;
}

size_t log_length(void)
{
    return strlen(log_content);
}

static struct framebuffer screen;
static struct canvas canvas;
static const struct canvas_area area = {LEFT, TOP, COLUMNS *GLYPH_WIDTH + 3, ROWS *GLYPH_HEIGHT + 5};

static unsigned sheets(void)
{
    return log_page.sheets(&log_page, &canvas, area);
}

/* Asserts the rows of a sheet, and that the rows around it and what is beside it are black. */
static void assert_sheet(unsigned sheet, const char *const rows[ROWS])
{
    screen = make_framebuffer(160, 160, 160);
    assert_true(canvas_start(&canvas, &screen));
    canvas_fill(&canvas, (struct canvas_area){0, 0, 160, 160}, CANVAS_BLACK);
    log_page.draw(&log_page, &canvas, area, sheet);
    for (unsigned row = 0; row < 160 / GLYPH_HEIGHT; row++) {
        char text[32], expected[32];
        bool is_inside = row >= TOP / GLYPH_HEIGHT && row < TOP / GLYPH_HEIGHT + ROWS;
        snprintf(expected, sizeof expected, "  %-18s", is_inside ? rows[row - TOP / GLYPH_HEIGHT] : "");
        read_row(&screen, 1, row, text);
        assert_string_equal(text, expected);
    }
}

static int begin(void **state)
{
    (void)state;
    screen = make_framebuffer(160, 160, 160);
    assert_true(canvas_start(&canvas, &screen));
    return 0;
}

static void an_empty_log_has_no_sheet(void **state)
{
    (void)state;
    log_content[0] = '\0';
    assert_int_equal(sheets(), 0);
    assert_sheet(0, (const char *const[ROWS]){"", "", "", ""});
}

static void lines_are_cut_into_rows(void **state)
{
    (void)state;
    strcpy(log_content, "one\n0123456789\n0123456789a\n\nlast\n");
    assert_int_equal(sheets(), 2);
    assert_sheet(0, (const char *const[ROWS]){"one", "0123456789", "0123456789", "a"});
    assert_sheet(1, (const char *const[ROWS]){"", "last", "", ""});
    assert_sheet(2, (const char *const[ROWS]){"", "", "", ""});
}

static void a_sheet_may_be_full(void **state)
{
    (void)state;
    strcpy(log_content, "a\nb\nc\nd");
    assert_int_equal(sheets(), 1);
    assert_sheet(0, (const char *const[ROWS]){"a", "b", "c", "d"});
    strcpy(log_content, "a\nb\nc\nd\ne");
    assert_int_equal(sheets(), 2);
    assert_sheet(1, (const char *const[ROWS]){"e", "", "", ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"log page: an empty log has no sheet", an_empty_log_has_no_sheet, begin, NULL, NULL},
        {"log page: lines are cut into rows, rows into sheets", lines_are_cut_into_rows, begin, NULL, NULL},
        {"log page: a sheet may be full", a_sheet_may_be_full, begin, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("log_page", tests, NULL, NULL);
    free(pixels);
    return failed;
}
