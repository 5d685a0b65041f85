/* SPDX-License-Identifier: MIT */
/*
 * soak_run.h - tests that are repeated for some time (option soak=).
 *
 * The first round is reported as any run is, and told to the soak as well. Of later rounds the log gets one
 * line now and then, and all that a test printed if it failed.
 */
#ifndef KERNEL_SELFTEST_SOAK_RUN_H
#define KERNEL_SELFTEST_SOAK_RUN_H

#include "selftest/selftest.h"

/* Starts the clock. */
void soak_start(uint64_t seconds);

/* Notes the result of a test that has just run. */
void soak_note(const struct selftest_run *t, const struct selftest *test);

/* Runs a test of a later round, with `run`, and notes its result. */
void soak_test(struct selftest_run *t, const struct selftest *test,
               void (*run)(struct selftest_run *t, const struct selftest *test));

/* Ends a round. Returns whether another one begins, which t->round is set to. */
bool soak_next_round(struct selftest_run *t);

/* The last test of a soak: no test failed in any round. Prints the sums as facts. */
void soak_every_round_passed(struct selftest_run *t);

#endif
