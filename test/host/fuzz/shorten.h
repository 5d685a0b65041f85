/* SPDX-License-Identifier: MIT */
/*
 * shorten.h - makes a failing case as short and as plain as possible, so that a person can follow it.
 */
#ifndef HOST_FUZZ_SHORTEN_H
#define HOST_FUZZ_SHORTEN_H

#include "fuzz/test_case.h"

/*
 * Called when a case begins: ends the process by SIGPROF if it takes too many seconds of processor time. (The
 * clock's time says nothing on a busy machine.)
 */
void case_watch(void);

/*
 * Does the case once more, and returns whether it fails. Each time in a process of its own, because a failure
 * may be a crash or an endless loop. `aloud`: prints what is wrong.
 */
bool case_fails(const struct test_case *test, bool aloud);

/*
 * Takes steps out, then makes what is left plainer, as long as the case fails, and for this many seconds at
 * most. It may become another failure on the way.
 */
void case_shorten(struct test_case *test, unsigned seconds);

#endif
