/*
 * watch.h - is every address, after every single store, as before the call or as after it?
 *
 * Probes are pages, each in one of the rig's spaces. After each store and flush of the core, all of them are
 *
 *   walked     Where does it lead, with what rights and memory type? That may change once in a call, and
 *              never back: so there is no third state. Accessed and dirty bits are not lost on the way.
 *   loaded     into the TLB, as a processor may at any time. What was loaded must be forgotten by the end of
 *              the call; the rig's audit says whether it is.
 *   accessed   if it is a page of the live space: read, and called if that was allowed before. This goes
 *              through the TLB, and so may change once too: when it was flushed.
 *
 * Not watched is the scratch page, which shows one unlinked table after the other.
 */
#ifndef HOST_RIG_WATCH_H
#define HOST_RIG_WATCH_H

#include "rig/rig.h"

/* Forget all probes. */
void watch_nothing(void);
/*
 * A page of the space, by number; and the windows of its tables, if the space can be reached. Without those
 * of P1s while a 1 GiB page is cut, or put together, in more than one step: through the window of a P1 that
 * is not there shows the 1 GiB page, then a 2 MiB page, which may change too, then the P1 (CAVEATS.md).
 */
void watch_page(const struct rig_side *side, uint64_t page, bool p1_windows);

/* From here on every store is looked at, until the judge says what came of it. */
void watch_start(void);
/* Fails the test if there was a third state. Answers how many probes have changed. */
unsigned watch_judge(void);

/* Over all tests of the program: stores looked at, and probes looked at. */
struct watch_totals {
    unsigned long stores, looks;
};
struct watch_totals watch_totals(void);

#endif
