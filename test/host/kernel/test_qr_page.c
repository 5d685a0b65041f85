/* SPDX-License-Identifier: MIT */
/* qr_page: each module of a made-up code, pixel by pixel, and what is said beside it. */
#include "kernel/pixels.h"

#include <stdio.h>

#include "kernel/console/log.h"
#include "kernel/display/pages.h"
#include "kernel/display/qr.h"
#include "kernel/display/qr_page.h"
#include "kernel/display/qr_text.h"

enum { QUIET = 4, LEFT = 16, TOP = 32, BLACK = 0, WHITE = 0xffffff };

/* ---- a code of so many modules a side, which keeps the text that it was made for ---- */

static char encoded[QR_PART_BYTES + 1];
static bool encodes;
static unsigned size;

bool qr_encode(const char *text, size_t bytes, struct qr_code *code)
{
    (void)code;
    assert_true(bytes <= QR_PART_BYTES);
    memcpy(encoded, text, bytes);
    encoded[bytes] = '\0';
    return encodes;
}

unsigned qr_size(const struct qr_code *code)
{
    (void)code;
    return size;
}

bool qr_module(const struct qr_code *code, unsigned x, unsigned y)
{
    (void)code;
    assert_true(x < size && y < size);
    return (x * x + 3 * y + x * y) % 5 < 2 || y == 2;
}

/* ---- a log ---- */

static char log_content[4000];

const char *log_text(void)
{
    return log_content;
}

size_t log_length(void)
{
    return strlen(log_content);
}

/* Makes a log of a line of summary and so many lines before it, and one that is not part of the report. */
static void make_log(unsigned lines)
{
    char *at = log_content;
    for (unsigned i = 0; i < lines; i++)
        at += sprintf(at, "ok %u some test that passes\n", i + 1);
    sprintf(at, "# selfmap: PASS tests=1\nbehind it\n");
}

static struct framebuffer screen;
static struct canvas canvas;
static struct canvas_area area;

/* An area of this size on a black screen that is larger. */
static void make_area(unsigned width, unsigned height)
{
    area = (struct canvas_area){LEFT, TOP, width, height};
    screen = make_framebuffer(LEFT + width + 40, TOP + height + 24, LEFT + width + 40);
    assert_true(canvas_start(&canvas, &screen));
    canvas_fill(&canvas, (struct canvas_area){0, 0, screen.width, screen.height}, CANVAS_BLACK);
}

static int begin(void **state)
{
    (void)state;
    encodes = true;
    size = 21;
    make_log(2);
    return 0;
}

static uint32_t pixel(unsigned x, unsigned y)
{
    return pixels[(size_t)y * screen.stride + x];
}

static bool is_dark(int column, int row)
{
    bool is_inside = column >= 0 && row >= 0 && column < (int)size && row < (int)size;
    return is_inside && qr_module(NULL, (unsigned)column, (unsigned)row);
}

/* Asserts that the code is in the upper left corner of the area, and that all around it is black. */
static void assert_code(unsigned scale)
{
    unsigned side = (size + 2 * QUIET) * scale;
    for (unsigned y = 0; y < side; y++)
        for (unsigned x = 0; x < side; x++) {
            bool dark = is_dark((int)(x / scale) - QUIET, (int)(y / scale) - QUIET);
            if (pixel(LEFT + x, TOP + y) != (dark ? BLACK : WHITE))
                fail_msg("pixel %u of line %u is wrong", x, y);
        }
    for (unsigned y = 0; y < screen.height; y++)
        for (unsigned x = 0; x < screen.width; x++)
            if (x < LEFT || y < TOP || (x < LEFT + side + 8 && (x >= LEFT + side || y >= TOP + side)))
                assert_int_equal(pixel(x, y), BLACK);
}

/* Asserts that a row of text stands this many rows below the top, beside a code that takes so many pixels. */
static void assert_row(unsigned row, unsigned side, const char *expected)
{
    char text[512];
    unsigned first = (LEFT + side + 8 + 7) / 8;
    assert_int_equal((LEFT + side) % 8, 0);
    read_row(&screen, 1, TOP / 16 + row, text);
    if (strncmp(text + first, expected, strlen(expected)) != 0)
        fail_msg("row %u is \"%s\" instead of \"%s\"", row, text + first, expected);
    assert_int_equal(strspn(text + first + strlen(expected), " "), strlen(text + first + strlen(expected)));
}

static void the_summary_comes_first(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "Summary",
                                       "",
                                       "The result, and",
                                       "what machine it was.",
                                       "",
                                       "The next codes are",
                                       "the whole report.",
                                       ""};
    make_area(800, 256);
    qr_page.draw(&qr_page, &canvas, area, 0);
    assert_string_equal(encoded, "# selfmap: PASS tests=1\n");
    assert_code(8); /* 256 / 29 */
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_row(i, 29 * 8, rows[i]);
}

static void then_the_report_in_parts(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "SELFMAP 2/3",
                                       "",
                                       "The report consists of",
                                       "the texts of all codes,",
                                       "in the order of their",
                                       "numbers, without their",
                                       "first lines.",
                                       ""};
    make_log(90);
    make_area(800, 256);
    assert_int_equal(qr_page.sheets(&qr_page, &canvas, area), 4);
    qr_page.draw(&qr_page, &canvas, area, 2);
    assert_int_equal(strncmp(encoded, "SELFMAP 2/3\nok 3", 16), 0);
    assert_code(8);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_row(i, 29 * 8, rows[i]);
    qr_page.draw(&qr_page, &canvas, area, 3);
    static const char last[] =
        "# selfmap: PASS tests=1\n"; /* what was printed behind it is not the report's */
    assert_string_equal(encoded + strlen(encoded) - strlen(last), last);
}

/* The largest code, 117 modules and the white ones around it, with two pixels each. */
static void a_small_area_has_no_codes(void **state)
{
    (void)state;
    make_area(250, 250);
    assert_int_equal(qr_page.sheets(&qr_page, &canvas, area), 2);
    size = 117;
    qr_page.draw(&qr_page, &canvas, area, 1); /* nothing can be said beside it */
    assert_code(2);
    size = 21;
    make_area(29 * 8 + 8 + 72, 29 * 8);
    qr_page.draw(&qr_page, &canvas, area, 1); /* nine columns, and not one pixel more */
    assert_code(8);
    assert_row(1, 29 * 8, "SELFMAP 1");
    make_area(29 * 8 + 8, 29 * 8);
    qr_page.draw(&qr_page, &canvas, area, 1);
    assert_row(1, 29 * 8, "");
    make_area(249, 300);
    assert_int_equal(qr_page.sheets(&qr_page, &canvas, area), 0);
    make_area(300, 249);
    assert_int_equal(qr_page.sheets(&qr_page, &canvas, area), 0);
}

static void a_text_that_is_too_long_is_told(void **state)
{
    (void)state;
    encodes = false;
    make_area(640, 320);
    qr_page.draw(&qr_page, &canvas, area, 1);
    assert_int_equal(find_row_with(&screen, 1, "  This part of the report is too long for a code."),
                     TOP / 16);
    for (unsigned y = TOP + 16; y < screen.height; y++)
        for (unsigned x = 0; x < screen.width; x++)
            assert_int_equal(pixel(x, y), BLACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"qr page: the code of the summary comes first", the_summary_comes_first, begin, NULL, NULL},
        {"qr page: then the report in parts", then_the_report_in_parts, begin, NULL, NULL},
        {"qr page: without room for the largest code there is none", a_small_area_has_no_codes, begin, NULL,
         NULL},
        {"qr page: a text that is too long is told", a_text_that_is_too_long_is_told, begin, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("qr_page", tests, NULL, NULL);
    free(pixels);
    return failed;
}
