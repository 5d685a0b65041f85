/* SPDX-License-Identifier: MIT */
/*
 * display.h - what a person sees on the screen: progress, failures, pictures, and pages after the end.
 *
 * boot/ starts it, and connects it with the report. Without a screen, or with one that is too small, nothing
 * here does anything, and text is printed as before.
 */
#ifndef KERNEL_DISPLAY_DISPLAY_H
#define KERNEL_DISPLAY_DISPLAY_H

#include "display/pages.h"
#include "display/picture.h"
#include "report/report.h"

struct display_setup {
    const char *version, *machine, *firmware;
    const struct paging_space *space;   /* the active one */
    const struct memory_region *memory; /* sorted and disjoint; all of these must stay where they are */
    size_t memory_count;
};

/* Shows the dashboard. From then on, printed text stands in a part of the screen. */
void display_start(const struct display_setup *setup);

/* Keeps the dashboard up to date with what is reported. */
extern const struct report_observer display_observer;

/*
 * Shows the pages, one after the other: with the keys Page Up and Page Down of a PS/2 keyboard, and every 10
 * seconds as long as no key was pressed. Returns only if there is no dashboard.
 */
void display_after_end(void);

/*
 * Does so for some seconds. Returns false if there is no dashboard, true when the time is over. A key stops
 * the time: then it does not return.
 */
bool display_for(unsigned seconds);

#endif
