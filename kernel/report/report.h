/* SPDX-License-Identifier: MIT */
/*
 * report.h - the report of a run: KTAP results, facts, and the line that sums it up.
 *
 *   KTAP version 1
 *   1..57
 *   ok 1 unmap: the next access faults
 *   not ok 2 ...
 *   ok 3 ... # SKIP reason
 *   # key=value
 *   # selfmap: PASS tests=57 passed=56 failed=0 skipped=1
 *
 * tools/verdict.py reads it.
 */
#ifndef KERNEL_REPORT_REPORT_H
#define KERNEL_REPORT_REPORT_H

#include "console/console.h"
#include <stdbool.h>

/* Sets the function that ends the run. It does not return. Called before anything that may end the run. */
void report_set_end(void (*end)(bool passed));

enum report_outcome { REPORT_PASSED, REPORT_FAILED, REPORT_SKIPPED };

/* Hears of what is reported, after it was printed. */
struct report_observer {
    void (*planned)(unsigned tests);
    void (*begun)(const char *name);
    void (*result)(enum report_outcome outcome, unsigned number, const char *name);
    void (*ended)(bool passed, const char *summary, const char *crash); /* crash: why it stopped, or NULL */
};

/* Sets the one observer. */
void report_set_observer(const struct report_observer *observer);

/* Prints how many results will follow. */
void report_plan(unsigned tests);

/* Tells the observer that a test begins. Prints nothing. */
void report_begin(const char *name);

/* Prints one result. skip_reason is NULL for a test that ran. */
void report_result(bool passed, const char *name, const char *skip_reason);

/* Prints "# key=" and the formatted value. */
#define report_fact(key, format, ...) print("# " key "=" format "\n", __VA_ARGS__)

/* Prints the summary and ends the run. It has passed if all planned tests gave a result and none failed. */
_Noreturn void report_end(void);

/* Prints why the run cannot continue and a summary that says FAIL, and ends the run. */
_Noreturn void report_crash(const char *why);

#endif
