/* SPDX-License-Identifier: MIT */
/*
 * violations.h - tests that break the rules of the kernel's own memory, for the list in faults.c.
 */
#ifndef KERNEL_SELFTEST_VIOLATIONS_H
#define KERNEL_SELFTEST_VIOLATIONS_H

#include "selftest/selftest.h"

/* Each access is made, reported in words, and the run goes on. */
void violations_are_reported(struct selftest_run *t);

/* Each stack is used up, and the report says which one. */
void overflows_are_reported(struct selftest_run *t);

/* Returns whether the page is the guard page of one of the stacks in the image. */
bool is_stack_guard(paging_page_t page);

#endif
