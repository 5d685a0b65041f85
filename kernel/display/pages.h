/*
 * pages.h - the pages that can be looked at after the end of the run, one after the other.
 *
 * A part that has something to show registers a page before the run ends, with display_add_page:
 *
 *     static void draw_code(const struct display_page *page, const struct canvas *canvas,
 *                           struct canvas_area area, unsigned number) { ... canvas_fill(...) ... }
 *     static const struct display_page code_page = {"QR code", draw_code, NULL};
 *     display_add_page(&code_page);
 */
#ifndef KERNEL_DISPLAY_PAGES_H
#define KERNEL_DISPLAY_PAGES_H

#include "console/canvas.h"

struct display_page {
    const char *title; /* stands in the line at the top */

    /* Draws sheet `number` (from 0) into the area, which is black before that. */
    void (*draw)(const struct display_page *page, const struct canvas *canvas, struct canvas_area area,
                 unsigned number);

    /* Returns how many sheets the page has in an area of this size; 0 leaves it out. NULL: always one. */
    unsigned (*sheets)(const struct display_page *page, const struct canvas *canvas, struct canvas_area area);
};

/* Adds a page behind those that are there. The page must stay where it is. Beyond 32 pages it is left out. */
void display_add_page(const struct display_page *page);

#endif
