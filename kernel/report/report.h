/*
 * report.h - what the run says: KTAP results, facts, and the line that sums it up.
 *
 *   KTAP version 1
 *   1..57
 *   ok 1 unmap: the next access faults
 *   not ok 2 ...
 *   ok 3 ... # SKIP reason
 *   # key=value
 *   # selfmap: PASS tests=57 passed=56 failed=0 skipped=1
 */
#ifndef KERNEL_REPORT_REPORT_H
#define KERNEL_REPORT_REPORT_H

#include "boot/handoff.h"
#include <stdbool.h>

/* Before anything else: how the run will end. */
void report_use(const struct handoff *handoff);

void report_plan(unsigned tests);
void report_result(bool passed, const char *name, const char *skip_reason); /* skip_reason NULL: it ran */

/* "# key=" and then the value, formatted. */
#define report_fact(key, format, ...) print("# " key "=" format "\n", __VA_ARGS__)

/* Print the summary and end the run. */
_Noreturn void report_end(void);

/* The run cannot go on: a summary that says so, and the end. */
_Noreturn void report_crash(const char *why);

#endif
