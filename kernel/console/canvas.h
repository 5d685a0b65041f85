/* SPDX-License-Identifier: MIT */
/*
 * canvas.h - draws rectangles and text on a framebuffer.
 *
 * Coordinates are pixels from the upper left corner. Whatever lies outside of the framebuffer is cut off, and
 * lines that it claims but has no bytes for count as outside. Pixels are written and never read: reading a
 * framebuffer is slow.
 *
 * Text is made of glyphs of 8 x 16 pixels, each pixel of which is drawn as a square of scale x scale pixels.
 * canvas->scale is the scale of ordinary text: about 100 to 180 of its columns fit on any screen that has
 * 800 pixels or more in a line, and at least 24 rows.
 */
#ifndef KERNEL_CONSOLE_CANVAS_H
#define KERNEL_CONSOLE_CANVAS_H

#include "console/framebuffer.h"
#include <stdbool.h>

enum { CANVAS_GLYPH_WIDTH = 8, CANVAS_GLYPH_HEIGHT = 16 };

/* In pixels: on less than 16 columns and 4 rows of text nothing can be told. */
enum { CANVAS_LEAST_WIDTH = 16 * CANVAS_GLYPH_WIDTH, CANVAS_LEAST_HEIGHT = 4 * CANVAS_GLYPH_HEIGHT };

/* Colours by what they are for. */
enum canvas_colour {
    CANVAS_BLACK,
    CANVAS_TEXT,         /* ordinary text, on a dark colour */
    CANVAS_WHITE,        /* text that stands out */
    CANVAS_DIM,          /* text that matters less */
    CANVAS_PANEL,        /* behind titles */
    CANVAS_LINE,         /* frames, empty parts of bars */
    CANVAS_GREEN,        /* behind white text: passed */
    CANVAS_RED,          /* behind white text: failed */
    CANVAS_BLUE,         /* behind white text: not decided yet */
    CANVAS_BRIGHT_GREEN, /* on a dark colour */
    CANVAS_BRIGHT_RED,
    CANVAS_BRIGHT_BLUE,
    CANVAS_YELLOW,
    CANVAS_ORANGE,
    CANVAS_PURPLE,
    CANVAS_CYAN,
    CANVAS_COLOURS
};

struct canvas {
    volatile uint32_t *pixels;
    uint32_t stride;                  /* pixels from the start of one line to the start of the next */
    unsigned width, height;           /* in pixels that are there */
    unsigned scale;                   /* of ordinary text */
    uint32_t colours[CANVAS_COLOURS]; /* as a pixel holds them */
};

/* Part of a canvas, in pixels. */
struct canvas_area {
    unsigned left, top, width, height;
};

struct canvas_style {
    unsigned scale;
    enum canvas_colour ink, paper;
};

/*
 * Prepares to draw on the framebuffer, and draws nothing. Returns false if there is none, or it is less
 * than CANVAS_LEAST_WIDTH x CANVAS_LEAST_HEIGHT.
 */
bool canvas_start(struct canvas *canvas, const struct framebuffer *framebuffer);

/* Fills a rectangle. */
void canvas_fill(const struct canvas *canvas, struct canvas_area area, enum canvas_colour colour);

/* Draws one character with its upper left corner at (left, top). */
void canvas_glyph(const struct canvas *canvas, unsigned left, unsigned top, struct canvas_style style,
                  char c);

/* Draws a line of text. Returns the pixel behind its last column. */
unsigned canvas_text(const struct canvas *canvas, unsigned left, unsigned top, struct canvas_style style,
                     const char *text);

/* Returns the number, or the limit if it is larger. */
static inline unsigned at_most(unsigned number, unsigned limit)
{
    return number < limit ? number : limit;
}

/* Return the size of a cell of ordinary text in pixels. */
static inline unsigned canvas_cell_width(const struct canvas *canvas)
{
    return CANVAS_GLYPH_WIDTH * canvas->scale;
}

static inline unsigned canvas_cell_height(const struct canvas *canvas)
{
    return CANVAS_GLYPH_HEIGHT * canvas->scale;
}

#endif
