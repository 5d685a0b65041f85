/* SPDX-License-Identifier: MIT */
/*
 * watch.h - is every address, after every single store, as before the call or as after it?
 *
 * Watched are pages, each in one of the rig's spaces. After each store and flush of the core, all of them are
 *
 *   walked     Where does it lead, with what rights and memory type? That may change once in a call, and
 *              never back: otherwise there is a torn state. Accessed and dirty bits are not lost on the way.
 *   loaded     into the TLB, as a processor may at any time. What was loaded must be forgotten by the end of
 *              the call: the audit of rig_check says whether it is.
 *   accessed   if it is a page of the active space: read, and called if that was allowed before. This goes
 *              through the TLB, and so may change once too: when it was flushed.
 *
 * The scratch page is not watched: it shows one unlinked table after the other.
 */
#ifndef HOST_RIG_WATCH_H
#define HOST_RIG_WATCH_H

#include "rig/rig.h"

/* Forgets all watched pages. */
void watch_nothing(void);
/*
 * Adds a page of the space, by number, and the windows of its tables if the space can be reached. Leave out
 * those of P1s where a 1 GiB page is split, or merged, in more than one step: through the window of a
 * missing P1 appears the 1 GiB page, then a 2 MiB page, which may change too, then the P1 (CAVEATS.md).
 */
void watch_page(const struct rig_side *side, uint64_t page, bool p1_windows);

/* Looks at every store from here on, until watch_judge. `clears`: accessed and dirty bits may go. */
void watch_start(bool clears);
/* Fails the test if there was a torn state. Returns how many watched pages have changed. */
unsigned watch_judge(void);

/* Over all tests of the program: stores, and looks at one page each. */
struct watch_totals {
    unsigned long stores, looks;
};
struct watch_totals watch_totals(void);

#endif
