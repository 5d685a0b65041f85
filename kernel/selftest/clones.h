/* SPDX-License-Identifier: MIT */
/*
 * clones.h - the tests of clones of the kernel's own space, which spaces.c lists.
 */
#ifndef KERNEL_SELFTEST_CLONES_H
#define KERNEL_SELFTEST_CLONES_H

struct selftest_run;

void clone_is_lived_in(struct selftest_run *t);
void clone_keeps_a_huge_page_whole(struct selftest_run *t);

#endif
