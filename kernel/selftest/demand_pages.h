/* SPDX-License-Identifier: MIT */
/* demand_pages.h - tests of the page fault handler (faults/areas.h), for the list in faults.c. */
#ifndef KERNEL_SELFTEST_DEMAND_PAGES_H
#define KERNEL_SELFTEST_DEMAND_PAGES_H

#include "selftest/selftest.h"

void demand_fills_touched_pages(struct selftest_run *t);
void demand_copies_on_write(struct selftest_run *t);
void demand_copies_huge_pages(struct selftest_run *t);
void demand_stack_grows(struct selftest_run *t);
void demand_refuses_with_reasons(struct selftest_run *t);

#endif
