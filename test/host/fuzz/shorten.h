/*
 * shorten.h - make a case that fails as short and as plain as it can be, so that a person can follow it.
 */
#ifndef HOST_FUZZ_SHORTEN_H
#define HOST_FUZZ_SHORTEN_H

#include "fuzz/test_case.h"

/*
 * A case begins: if it takes too many seconds of the processor's time, the process ends by SIGPROF. (Of the
 * clock's it may take more on a busy machine.)
 */
void case_watch(void);

/*
 * Does the case fail when it is done once more? Each time in a process of its own: a failure may be a crash,
 * or stand still. With `aloud` one hears what is wrong.
 */
bool case_fails(const struct test_case *test, bool aloud);

/*
 * Take steps out, then make what is left plainer, as long as the case fails; for so many seconds at most.
 * Which failure it is may change on the way.
 */
void case_shorten(struct test_case *test, unsigned seconds);

#endif
