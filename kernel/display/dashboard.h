/* SPDX-License-Identifier: MIT */
/*
 * dashboard.h - paints the page that is shown while the tests run.
 */
#ifndef KERNEL_DISPLAY_DASHBOARD_H
#define KERNEL_DISPLAY_DASHBOARD_H

#include "display/picture.h"

enum dashboard_state { DASHBOARD_RUNNING, DASHBOARD_PASSED, DASHBOARD_FAILED };

/* What it shows. */
struct dashboard {
    const struct canvas *canvas;
    const char *title;     /* version and firmware */
    const char *processor; /* its name */
    struct paging_cpu cpu;
    const struct memory_region *memory;
    size_t memory_count;

    enum dashboard_state state;
    unsigned planned, passed, failed, skipped;
    const char *sentence;      /* the test that runs; at the end the summary */
    uint64_t ticks, tick_rate; /* since the start; per second, 0: not known */
};

/* Returns whether the canvas is large enough. */
bool dashboard_fits(const struct canvas *canvas);

/* Paints everything. The log moves to its rows (console/screen.h). */
void dashboard_paint(const struct dashboard *dashboard);

/* Paints what has changed since: progress, counts, time, sentence; with `failures` also these. */
void dashboard_update(const struct dashboard *dashboard, bool failures);

/* Paint the first and the last line of any page, in full width. */
void paint_title(const struct dashboard *dashboard, const char *text);
void paint_footer(const struct canvas *canvas, const char *text);

/* Returns the area between these two lines. */
struct canvas_area page_area(const struct canvas *canvas);

#endif
