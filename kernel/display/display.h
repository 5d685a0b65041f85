/*
 * display.h - what a person sees on the screen: progress, failures, pictures, and pages after the end.
 *
 * boot/ starts it, and registers the display_heard_* functions where they belong (report/report.h). Without a
 * screen, or with one that is too small, all of them do nothing, and text is printed as before.
 */
#ifndef KERNEL_DISPLAY_DISPLAY_H
#define KERNEL_DISPLAY_DISPLAY_H

#include "display/pages.h"
#include "display/picture.h"

struct display_setup {
    const char *version, *machine, *firmware;
    const struct paging_space *space;   /* the active one */
    const struct memory_region *memory; /* sorted and disjoint; all of these must stay where they are */
    size_t memory_count;
};

enum display_outcome { DISPLAY_PASSED, DISPLAY_FAILED, DISPLAY_SKIPPED };

/* Shows the dashboard. From then on, printed text stands in a part of the screen. */
void display_start(const struct display_setup *setup);

/* Say what happens. Each is called after it was printed. */
void display_heard_plan(unsigned tests);
void display_heard_test(const char *name);
void display_heard_result(enum display_outcome outcome, unsigned number, const char *name);
void display_heard_end(bool passed, const char *summary, const char *crash);

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
