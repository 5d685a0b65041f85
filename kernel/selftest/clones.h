/* SPDX-License-Identifier: MIT */
/*
 * clones.h - the tests of clones of the kernel's own space, which spaces.c lists, and what makes one.
 */
#ifndef KERNEL_SELFTEST_CLONES_H
#define KERNEL_SELFTEST_CLONES_H

#include "frames/frame_sharing.h"
#include <selfmap/space.h>

struct selftest_run;

/*
 * Begins to count the owners of the frames around this one, and of the whole run of 2 MiB that it lies in, in
 * front of the test's source. No other frames can be shared, so only pages of these are owned when a space is
 * cloned. There is one such source.
 */
struct frames_sharing *clones_count_owners(struct selftest_run *t, paging_frame_t frame);

/* Makes a clone of the kernel's space, with that source. If that fails, nothing is left of it. */
bool clones_open(struct selftest_run *t, struct paging_space *clone);

void clone_is_lived_in(struct selftest_run *t);
void clone_keeps_a_huge_page_whole(struct selftest_run *t);

#endif
