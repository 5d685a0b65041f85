/* SPDX-License-Identifier: MIT */
/*
 * stores.h - after every single store of the core, each page translates as before or as after the call.
 *
 * At each of these moments the processor loads everything that it finds into its TLB. The audit after the
 * call notices what it should not have kept.
 */
#ifndef EXPLORE_STORES_H
#define EXPLORE_STORES_H

#include "rig/rig.h"

/* Looks at every store from here on. What each page translates to now is its state before the call. */
void stores_watch(void);
/* Called after each call. Ends the test if a page was torn. */
void stores_judge(void);

#endif
