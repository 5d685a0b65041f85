/* SPDX-License-Identifier: MIT */
/* screen: text on framebuffers of every shape, and not one byte beside them. */
#include "kernel/pixels.h"

#include "kernel/console/screen.h"

static void put(const char *text)
{
    while (*text)
        screen_put(*text++);
}

/* Does this cell show the glyph in ink on black? */
static bool shows(uint32_t stride, unsigned row, unsigned column, char c, uint32_t ink)
{
    const uint8_t *glyph = font + PSF_HEADER + (size_t)(uint8_t)c * GLYPH_HEIGHT;
    for (unsigned y = 0; y < GLYPH_HEIGHT; y++)
        for (unsigned x = 0; x < GLYPH_WIDTH; x++) {
            uint32_t pixel = pixels[(size_t)(row * GLYPH_HEIGHT + y) * stride + column * GLYPH_WIDTH + x];
            if (pixel != (glyph[y] >> (7 - x) & 1 ? ink : 0))
                return false;
        }
    return true;
}

static void text_stands_where_it_should(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(640, 480, 640);
    assert_true(screen_start(&framebuffer));
    put("Ab\nc");
    assert_true(shows(640, 0, 0, 'A', 0xbfbfbf));
    assert_true(shows(640, 0, 1, 'b', 0xbfbfbf));
    assert_true(shows(640, 1, 0, 'c', 0xbfbfbf));
    assert_true(shows(640, 0, 2, ' ', 0xbfbfbf));
}

static void stride_is_not_width(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(200, 100, 256);
    assert_true(screen_start(&framebuffer));
    for (unsigned i = 0; i < 1000; i++)
        screen_put((char)('!' + i % 90));
    for (uint32_t y = 0; y < 100; y++) {
        for (uint32_t x = 200; x < 256; x++)
            assert_int_equal(pixels[y * 256 + x], UNTOUCHED);
        for (uint32_t x = 0; x < 200; x++)
            assert_int_not_equal(pixels[y * 256 + x], UNTOUCHED);
    }
}

static void pixel_formats(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(160, 80, 160);
    framebuffer.red_mask = 0x3ff00000;
    framebuffer.green_mask = 0xffc00;
    framebuffer.blue_mask = 0; /* odd, but no reason to divide by zero */
    assert_true(screen_start(&framebuffer));
    put("M");
    uint32_t three_quarters = 0x3ff * 0xbf / 0xff;
    assert_true(shows(160, 0, 0, 'M', three_quarters << 20 | three_quarters << 10));
}

static void long_lines_wrap_and_scroll(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(16 * GLYPH_WIDTH, 5 * GLYPH_HEIGHT, 16 * GLYPH_WIDTH);
    assert_true(screen_start(&framebuffer));
    put("0123456789abcdefX\n"); /* 17 characters: the last one on the second row */
    assert_true(shows(128, 0, 15, 'f', 0xbfbfbf));
    assert_true(shows(128, 1, 0, 'X', 0xbfbfbf));
    put("third\nfourth\nfifth\n"); /* by now half of the rows have gone */
    assert_true(shows(128, 0, 0, 'f', 0xbfbfbf) && shows(128, 0, 1, 'o', 0xbfbfbf));
    assert_true(shows(128, 1, 0, 'f', 0xbfbfbf) && shows(128, 1, 1, 'i', 0xbfbfbf));
    assert_true(shows(128, 2, 0, ' ', 0xbfbfbf) && shows(128, 4, 0, ' ', 0xbfbfbf));
}

/* A cell is left as it is if it shows that character already, whatever the next one shows. */
static void a_cell_is_drawn_beside_its_like(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(16 * GLYPH_WIDTH, 5 * GLYPH_HEIGHT, 16 * GLYPH_WIDTH);
    assert_true(screen_start(&framebuffer));
    put("xb\n\n\nbb\n\n"); /* the row moves up by three */
    assert_true(shows(128, 0, 0, 'b', 0xbfbfbf) && shows(128, 0, 1, 'b', 0xbfbfbf));
}

static void large_screen(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(2560, 1600, 2560);
    assert_true(screen_start(&framebuffer));
    put("4K and more\nsecond");
    assert_int_equal(find_row_with(&framebuffer, 2, "4K and more"), 0);
    assert_int_equal(find_row_with(&framebuffer, 2, "second"), 1);
}

/*
 * The largest screens that people have, with lines far apart: text in each corner, every pixel of the lines
 * that are there, and none beside or behind them.
 */
static void huge_screens(void **state)
{
    (void)state;
    static const struct {
        unsigned width, height, stride, lines;
    } sizes[] = {{3840, 2160, 4096, 2160},
                 {3840, 2160, 3840, 1999},
                 {5120, 1440, 5120, 1440},
                 {5120, 1440, 8192, 1300}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct framebuffer framebuffer = make_framebuffer(sizes[i].width, sizes[i].height, sizes[i].stride);
        cut_framebuffer(&framebuffer, sizes[i].lines);
        assert_true(screen_start(&framebuffer));
        const struct canvas *canvas = screen_canvas();
        unsigned scale = canvas->scale, columns = sizes[i].width / (GLYPH_WIDTH * scale);
        unsigned rows = sizes[i].lines / (GLYPH_HEIGHT * scale);
        assert_int_equal(scale, 3);
        assert_int_equal(canvas->height, sizes[i].lines);
        put("first");
        for (unsigned row = 1; row < rows; row++)
            put("\n");
        for (unsigned column = 0; column < columns - 1; column++)
            screen_put('.');
        screen_put('#');
        framebuffer.height = sizes[i].lines;
        assert_int_equal(find_row_with(&framebuffer, scale, "first "), 0);
        assert_int_equal(read_cell(framebuffer.stride, scale, 0, rows - 1), '.');
        assert_int_equal(read_cell(framebuffer.stride, scale, columns - 1, rows - 1), '#');
        for (uint32_t y = 0; y < sizes[i].lines; y++) {
            const uint32_t *line = pixels + (size_t)y * sizes[i].stride;
            assert_int_not_equal(line[0], UNTOUCHED);
            assert_int_not_equal(line[sizes[i].width - 1], UNTOUCHED);
            if (y + 1 < sizes[i].lines && sizes[i].stride > sizes[i].width)
                assert_true(line[sizes[i].width] == UNTOUCHED && line[sizes[i].stride - 1] == UNTOUCHED);
        }
    }
}

/* The rows around the text belong to others. */
static void confined_to_rows(void **state)
{
    (void)state;
    char text[100];
    struct framebuffer framebuffer = make_framebuffer(640, 400, 640);
    assert_true(screen_start(&framebuffer));
    put("gone\nstays\nlast");
    memset(pixels, 0x55, (size_t)640 * 400 * 4);
    screen_confine(10, 12, 1);
    read_row(&framebuffer, 1, 10, text);
    assert_int_equal(strncmp(text + 1, "stays ", 6), 0);
    put(" one\n");
    for (unsigned i = 0; i < 50; i++)
        put("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n");
    read_row(&framebuffer, 1, 10, text);
    assert_int_equal(strncmp(text + 1, "901234567890 ", 13), 0); /* 79 columns beside the margin, then 12 */
    for (unsigned y = 0; y < 400; y++)
        if (y < 160 || y >= 192)
            for (unsigned x = 0; x < 640; x++)
                assert_int_equal(pixels[y * 640 + x], 0x55555555);
    screen_confine(2, 20, 0);
    assert_int_equal(find_row_with(&framebuffer, 1, "901234567890 "), 2);
}

static bool is_second_or_short(const char *line, size_t length)
{
    return (length == 6 && !strncmp(line, "second", length)) || (length == 5 && line[0] != 'f');
}

/* At the end there is time to fill all rows. */
static void end_of_a_text(void **state)
{
    (void)state;
    static const char words[] = "first\nsecond\n0123456789abcdefG\nlast\n";
    struct framebuffer framebuffer = make_framebuffer(16 * GLYPH_WIDTH, 6 * GLYPH_HEIGHT, 16 * GLYPH_WIDTH);
    assert_true(screen_start(&framebuffer));
    put("something else");
    screen_clear();
    assert_int_equal(find_row_with(&framebuffer, 1, "something else"), -1);
    screen_put_end_of(words, sizeof words - 1, NULL, 2);
    assert_int_equal(find_row_with(&framebuffer, 1, "second"), 0);
    assert_int_equal(find_row_with(&framebuffer, 1, "0123456789abcdef"), 1);
    assert_int_equal(find_row_with(&framebuffer, 1, "G  "), 2);
    assert_int_equal(find_row_with(&framebuffer, 1, "last"), 3);
    put("next");
    assert_int_equal(find_row_with(&framebuffer, 1, "next"), 4);
    screen_clear();
    screen_put_end_of("short", 5, NULL, 2);
    assert_int_equal(find_row_with(&framebuffer, 1, "short"), 0);
    assert_int_equal(find_row_with(&framebuffer, 1, "next"), -1);
    screen_put_end_of("too little room", 15, NULL, 6);
    assert_int_equal(find_row_with(&framebuffer, 1, "short"), 0);
    screen_put_end_of(words, sizeof words - 1, is_second_or_short, 2);
    assert_int_equal(find_row_with(&framebuffer, 1, "short"), 0);
    assert_int_equal(find_row_with(&framebuffer, 1, "second"), 1);
    assert_int_equal(find_row_with(&framebuffer, 1, "last"), -1);
}

static void hidden(void **state)
{
    (void)state;
    struct framebuffer framebuffer = make_framebuffer(640, 400, 640);
    assert_true(screen_start(&framebuffer));
    screen_hide(true);
    put("kept");
    assert_int_equal(find_row_with(&framebuffer, 1, "kept"), -1);
    screen_hide(false);
    assert_int_equal(find_row_with(&framebuffer, 1, "kept"), 0);
    screen_hide(true);
    assert_true(screen_start(&framebuffer)); /* starts visible */
    put("again");
    assert_int_equal(find_row_with(&framebuffer, 1, "again"), 0);
}

static void no_screen(void **state)
{
    (void)state;
    struct framebuffer none = {0}, tiny = make_framebuffer(64, 16, 64);
    assert_false(screen_start(&none));
    assert_false(screen_start(&tiny));
    for (unsigned i = 0; i < 64 * 16; i++)
        assert_int_equal(pixels[i], UNTOUCHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"screen: without a framebuffer that holds text nothing is drawn", no_screen, NULL, NULL, NULL},
        {"screen: text stands where it should", text_stands_where_it_should, NULL, NULL, NULL},
        {"screen: a stride larger than the width is left alone", stride_is_not_width, NULL, NULL, NULL},
        {"screen: colours are where the masks say", pixel_formats, NULL, NULL, NULL},
        {"screen: long lines wrap, and the top scrolls away", long_lines_wrap_and_scroll, NULL, NULL, NULL},
        {"screen: a cell is drawn beside its like", a_cell_is_drawn_beside_its_like, NULL, NULL, NULL},
        {"screen: on a screen with many pixels text is larger", large_screen, NULL, NULL, NULL},
        {"screen: the largest screens, with lines far apart and with fewer than claimed", huge_screens, NULL,
         NULL, NULL},
        {"screen: text keeps to the rows it is given, and takes the last lines along", confined_to_rows, NULL,
         NULL, NULL},
        {"screen: the end of a text fills the rows", end_of_a_text, NULL, NULL, NULL},
        {"screen: what is printed while hidden is painted later", hidden, NULL, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("screen", tests, NULL, NULL);
    free(pixels);
    return failed;
}
