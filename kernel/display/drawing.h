/* SPDX-License-Identifier: MIT */
/*
 * drawing.h - what all pages are drawn with: rows of text, legends, sizes in words.
 */
#ifndef KERNEL_DISPLAY_DRAWING_H
#define KERNEL_DISPLAY_DRAWING_H

#include "console/canvas.h"
#include "console/format.h"

/* Returns the style of ordinary text in this colour, on black. */
struct canvas_style ordinary(const struct canvas *canvas, enum canvas_colour ink);

/* Returns `count` rows of text of the area, from row `first` on; fewer, or none, where the area ends. */
struct canvas_area area_rows(const struct canvas *canvas, struct canvas_area area, unsigned first,
                             unsigned count);

/* Returns how many whole rows and columns of text fit into the area. */
unsigned area_row_count(const struct canvas *canvas, struct canvas_area area);
unsigned area_column_count(const struct canvas *canvas, struct canvas_area area);

/* Draws one row of text at the upper left corner of the area, cut off where the area ends. */
__attribute__((format(printf, 4, 5))) void draw_row(const struct canvas *canvas, struct canvas_area area,
                                                    struct canvas_style style, const char *text, ...);

/* Stores bytes as in "502.4 MiB". Returns the text. */
enum { SIZE_TEXT_BYTES = 16 };
const char *size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes);

/* Coloured squares with words beside them, in as many rows as it takes. */
struct legend {
    const struct canvas *canvas;
    struct canvas_area area;
    unsigned row, column;
};

/* Adds an item; what no longer fits into the area is left out. */
__attribute__((format(printf, 3, 4))) void legend_add(struct legend *legend, enum canvas_colour colour,
                                                      const char *text, ...);

#endif
