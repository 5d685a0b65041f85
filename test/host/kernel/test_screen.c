/* screen: text on framebuffers of every shape, and not one byte beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/screen.h"

enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16, PSF_HEADER = 4 };
#define UNTOUCHED 0xdeadbeefu

extern const uint8_t font[] __asm__("_binary_font_psf_start");

static uint32_t
    *pixels; /* exactly as large as the framebuffer, so that the sanitiser sees a write beside it */

static struct framebuffer make(uint32_t width, uint32_t height, uint32_t stride)
{
    size_t count = (size_t)stride * height;
    free(pixels);
    pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = UNTOUCHED;
    return (struct framebuffer){
        .address = {(uintptr_t)pixels},
        .bytes = count * sizeof *pixels,
        .width = width,
        .height = height,
        .stride = stride,
        .red_mask = 0xff0000,
        .green_mask = 0xff00,
        .blue_mask = 0xff,
    };
}

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
    struct framebuffer framebuffer = make(640, 480, 640);
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
    struct framebuffer framebuffer = make(200, 100, 256);
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
    struct framebuffer framebuffer = make(160, 80, 160);
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
    struct framebuffer framebuffer = make(16 * GLYPH_WIDTH, 5 * GLYPH_HEIGHT, 16 * GLYPH_WIDTH);
    assert_true(screen_start(&framebuffer));
    put("0123456789abcdefX\n"); /* 17 characters: the last one on the second row */
    assert_true(shows(128, 0, 15, 'f', 0xbfbfbf));
    assert_true(shows(128, 1, 0, 'X', 0xbfbfbf));
    put("third\nfourth\nfifth\n"); /* by now the first row has gone */
    assert_true(shows(128, 0, 0, 'X', 0xbfbfbf));
    assert_true(shows(128, 3, 0, 'f', 0xbfbfbf) && shows(128, 3, 1, 'i', 0xbfbfbf));
    assert_true(shows(128, 4, 0, ' ', 0xbfbfbf));
}

static void no_screen(void **state)
{
    (void)state;
    struct framebuffer none = {0}, tiny = make(64, 16, 64);
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
    };
    int failed = cmocka_run_group_tests_name("screen", tests, NULL, NULL);
    free(pixels);
    return failed;
}
