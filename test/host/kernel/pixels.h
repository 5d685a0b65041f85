/*
 * pixels.h - a framebuffer in a process, and how a person would read it.
 *
 * It has exactly as many bytes as it claims, so that the sanitiser sees a write behind it.
 */
#ifndef HOST_KERNEL_PIXELS_H
#define HOST_KERNEL_PIXELS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/framebuffer.h"

enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16, PSF_HEADER = 4 };
#define UNTOUCHED 0xdeadbeefu

extern const uint8_t font[] __asm__("_binary_font_psf_start");

static uint32_t *pixels;

static inline struct framebuffer make_framebuffer(uint32_t width, uint32_t height, uint32_t stride)
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

static inline bool glyph_bit(char c, unsigned x, unsigned y)
{
    return font[PSF_HEADER + (size_t)(uint8_t)c * GLYPH_HEIGHT + y] >> (GLYPH_WIDTH - 1 - x) & 1;
}

/* Returns the character that a cell shows in two colours, a blank for one colour, or 0. */
static inline char read_cell(uint32_t stride, unsigned scale, unsigned column, unsigned row)
{
    const uint32_t *cell =
        pixels + (size_t)row * GLYPH_HEIGHT * scale * stride + column * GLYPH_WIDTH * scale;
    for (int c = ' '; c <= '~'; c++) {
        uint32_t colours[2] = {0, 0};
        bool known[2] = {false, false}, fits = true;
        for (unsigned y = 0; y < GLYPH_HEIGHT * scale && fits; y++)
            for (unsigned x = 0; x < GLYPH_WIDTH * scale && fits; x++) {
                unsigned bit = glyph_bit((char)c, x / scale, y / scale);
                uint32_t pixel = cell[(size_t)y * stride + x];
                fits = !known[bit] || colours[bit] == pixel;
                colours[bit] = pixel;
                known[bit] = true;
            }
        if (fits && !(known[0] && known[1] && colours[0] == colours[1]))
            return (char)c;
    }
    return 0;
}

/* Stores a row of the screen as text; cells that show no character become '?'. */
static inline void read_row(const struct framebuffer *framebuffer, unsigned scale, unsigned row, char *text)
{
    unsigned columns = framebuffer->width / (GLYPH_WIDTH * scale);
    for (unsigned column = 0; column < columns; column++) {
        char c = read_cell(framebuffer->stride, scale, column, row);
        text[column] = c ? c : '?';
    }
    text[columns] = '\0';
}

/* Returns the first row that contains the text, or -1. */
static inline int find_row_with(const struct framebuffer *framebuffer, unsigned scale, const char *part)
{
    char text[512];
    for (unsigned row = 0; row < framebuffer->height / (GLYPH_HEIGHT * scale); row++) {
        read_row(framebuffer, scale, row, text);
        if (strstr(text, part))
            return (int)row;
    }
    return -1;
}

/* Asserts that the pixels between the end of each line and the next line are as they were. */
static inline void assert_stride_untouched(const struct framebuffer *framebuffer)
{
    for (uint32_t y = 0; y < framebuffer->height; y++)
        for (uint32_t x = framebuffer->width; x < framebuffer->stride; x++)
            assert_int_equal(pixels[(size_t)y * framebuffer->stride + x], UNTOUCHED);
}

#endif
