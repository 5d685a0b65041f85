/* SPDX-License-Identifier: MIT */
/*
 * stop_test.h - a test whose checks have failed does not stop the run, and does not spoil the tests after it.
 *
 * A test goes on after a check that failed. If it then uses a test page that could not be mapped, the page
 * fault ends that test only. Any other exception, and a page fault in a test without a failed check, stops
 * the run as ever.
 */
#ifndef KERNEL_SELFTEST_STOP_TEST_H
#define KERNEL_SELFTEST_STOP_TEST_H

#include "selftest/selftest.h"

/*
 * Runs the test. If it failed, unmaps what it has left in test pages; frames that it took from the allocator
 * by itself are lost.
 */
void stop_test_run(struct selftest_run *t, void (*run)(struct selftest_run *t));

#endif
