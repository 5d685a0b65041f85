/* SPDX-License-Identifier: MIT */
/*
 * groups.h - the groups of self-tests, in the order in which they run. The option tests= and the menu before
 * the exit name them.
 */
#ifndef KERNEL_SELFTEST_GROUPS_H
#define KERNEL_SELFTEST_GROUPS_H

#include <stdbool.h>

struct selftest;

struct selftest_group {
    const char *name;             /* a word */
    const char *what;             /* what its tests are about, in at most 30 characters */
    const struct selftest *tests; /* ends with a test without a name */
    bool needs_pages;             /* its tests map test pages */
};

enum {
    SELFTEST_GROUPS = 17,
    SELFTEST_BENCH_GROUP = SELFTEST_GROUPS - 1 /* measures, and checks little else: only with bench=yes */
};

extern const struct selftest_group selftest_groups[SELFTEST_GROUPS] __attribute__((visibility("hidden")));

#endif
