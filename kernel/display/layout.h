/* SPDX-License-Identifier: MIT */
/*
 * layout.h - which rows of the screen show what.
 *
 *   +----------------------------------------------------+
 *   | title: version, firmware                           |
 *   | machine: processor, levels                         |
 *   | verdict: 57%, PASS or FAIL in large letters, bar,  |
 *   |          counts and time, the test that runs       |
 *   | pictures of memory (on a screen with enough rows)  |
 *   | failures, and why (none: no rows)                  |
 *   | log: its last lines                                |
 *   | footer                                             |
 *   +----------------------------------------------------+
 */
#ifndef KERNEL_DISPLAY_LAYOUT_H
#define KERNEL_DISPLAY_LAYOUT_H

#include "console/canvas.h"

/* Rows first to end, end not included. */
struct layout_rows {
    unsigned first, end;
};

struct layout {
    struct layout_rows title, machine, verdict, pictures, failures, log, footer;
    unsigned word_rows; /* of the large letters, which are as many times larger than text */
};

/* Returns whether the screen has enough columns and rows for this layout. */
bool layout_fits(unsigned columns, unsigned rows);

/* Divides the rows of such a screen. The failures get what they need, up to half of the rows of the log. */
struct layout layout_make(unsigned rows, unsigned failure_rows);

#endif
