/* SPDX-License-Identifier: MIT */
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

/*
 * Takes the memory behind these lines away, and what is beside the last of them: some firmware has bytes for
 * fewer lines than it claims.
 */
static inline void cut_framebuffer(struct framebuffer *framebuffer, uint32_t lines)
{
    framebuffer->bytes = ((uint64_t)framebuffer->stride * (lines - 1) + framebuffer->width) * sizeof *pixels;
    pixels = realloc(pixels, framebuffer->bytes);
    framebuffer->address.value = (uintptr_t)pixels;
}

static inline bool glyph_bit(char c, unsigned x, unsigned y)
{
    return font[PSF_HEADER + (size_t)(uint8_t)c * GLYPH_HEIGHT + y] >> (GLYPH_WIDTH - 1 - x) & 1;
}

/* What a cell shows: which of its squares have another colour than the one at its upper left. */
struct cell_squares {
    uint8_t lines[GLYPH_HEIGHT];
    bool is_readable; /* each square has one colour, and there are two colours at most */
};

static inline struct cell_squares read_squares(const uint32_t *cell, uint32_t stride, unsigned scale)
{
    struct cell_squares found = {{0}, true};
    uint32_t first = cell[0], other = first;
    for (unsigned y = 0; y < GLYPH_HEIGHT; y++) {
        const uint32_t *line = cell + (size_t)y * scale * stride;
        for (unsigned x = 0; x < GLYPH_WIDTH; x++) {
            uint32_t pixel = line[x * scale];
            other = other == first ? pixel : other;
            found.is_readable &= pixel == first || pixel == other;
            found.lines[y] |= (uint8_t)((pixel != first) << (GLYPH_WIDTH - 1 - x));
            for (unsigned i = 1; i < scale; i++)
                found.is_readable &= line[x * scale + i] == pixel;
        }
        for (unsigned i = 1; i < scale; i++)
            found.is_readable &= !memcmp(line + (size_t)i * stride, line, sizeof *line * GLYPH_WIDTH * scale);
        if (!found.is_readable)
            break;
    }
    return found;
}

/* Returns whether the squares are the glyph's: ink on paper, or paper on ink. */
static inline bool is_glyph(const struct cell_squares *squares, char c)
{
    const uint8_t *glyph = font + PSF_HEADER + (size_t)(uint8_t)c * GLYPH_HEIGHT;
    uint8_t inverse = (glyph[0] ^ squares->lines[0]) & 0x80 ? 0xff : 0;
    for (unsigned y = 0; y < GLYPH_HEIGHT; y++)
        if (glyph[y] != (squares->lines[y] ^ inverse))
            return false;
    return true;
}

/* Returns the character that a cell shows in two colours, a blank for one colour, or 0. */
static inline char read_cell(uint32_t stride, unsigned scale, unsigned column, unsigned row)
{
    struct cell_squares squares = read_squares(
        pixels + (size_t)row * GLYPH_HEIGHT * scale * stride + column * GLYPH_WIDTH * scale, stride, scale);
    for (int c = ' '; c <= '~' && squares.is_readable; c++)
        if (is_glyph(&squares, (char)c))
            return (char)c;
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
