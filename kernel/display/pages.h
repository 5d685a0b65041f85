/* SPDX-License-Identifier: MIT */
/*
 * pages.h - the pages that can be looked at after the end of the run, one after the other.
 *
 * A part that has something to show registers a page before the run ends, with display_add_page:
 *
 *     static void draw_code(const struct display_page *page, const struct canvas *canvas,
 *                           struct canvas_area area, unsigned sheet) { ... canvas_fill(...) ... }
 *     static const struct display_page code_page = {"QR code", draw_code, NULL};
 *     display_add_page(&code_page);
 *
 * A page may have several sheets. All sheets of all pages are numbered from 0 on.
 */
#ifndef KERNEL_DISPLAY_PAGES_H
#define KERNEL_DISPLAY_PAGES_H

#include "console/canvas.h"
#include "console/scancode.h"

struct display_page {
    const char *title; /* stands in the line at the top */

    /* Draws one sheet, from 0 on, into the area, which is black before that. */
    void (*draw)(const struct display_page *page, const struct canvas *canvas, struct canvas_area area,
                 unsigned sheet);

    /* Returns how many sheets the page has in an area of this size; 0 leaves it out. NULL: always one. */
    unsigned (*sheets)(const struct display_page *page, const struct canvas *canvas, struct canvas_area area);
};

/*
 * Adds a page behind those that are there, unless it is one of them. The page must stay where it is. Beyond
 * 32 pages it is left out.
 */
void display_add_page(const struct display_page *page);

/* Returns how many sheets there are in all. */
unsigned pages_count(const struct canvas *canvas, struct canvas_area area);

/* One sheet of one page. */
struct page_place {
    const struct display_page *page; /* NULL: there is no such sheet */
    unsigned sheet, sheets;          /* of this page */
};

/* Finds a sheet by its number. */
struct page_place pages_find(const struct canvas *canvas, struct canvas_area area, unsigned number);

/* Who turns the pages: nobody but time, until a key was pressed. */
struct page_turner {
    unsigned number, count; /* the sheet that is shown, and how many there are */
    bool by_hand;           /* a key was pressed, so time turns no more pages */
    uint64_t turned_at, period;
};

/* Turns to the next or the last sheet if the key or the time says so. Returns whether it has. */
bool page_turn(struct page_turner *turner, enum key key, uint64_t now);

#endif
