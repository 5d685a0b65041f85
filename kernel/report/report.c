/* SPDX-License-Identifier: MIT */
/* report.c - counts results and sums them up. */
#include "report/report.h"
#include "console/format.h"
#include "console/kept.h"
#include "console/log.h"
#include "cpu/instructions.h"

enum { REMEMBERED = 8, SUMMARY_BYTES = 96 };

static struct {
    void (*end)(bool passed);
    const struct report_observer *observer; /* or NULL */
    unsigned planned, passed, failed, skipped;
    const char *failures[REMEMBERED];
    bool ended;
} report;

/* Prints why the run failed, and the line that sums it up. Tells the observer. */
static bool summarise(const char *crash)
{
    char summary[SUMMARY_BYTES];
    struct text_sink sink = text_sink(summary, sizeof summary);
    unsigned results = report.passed + report.failed + report.skipped;
    bool passed = !crash && report.failed == 0 && results == report.planned && report.passed > 0;
    log_begin_tail();
    /* On a real screen the failures may have scrolled away, so they are named again beside the verdict. */
    for (unsigned i = 0; i < report.failed && i < REMEMBERED; i++)
        print("# failed: %s\n", report.failures[i]);
    if (crash)
        print("# stopped: %s\n", crash);
    if (log_dropped() > 0)
        report_fact("log_dropped", "%lu characters are not in the kept report", (uint64_t)log_dropped());
    format(&sink.sink, "# selfmap: %s tests=%u passed=%u failed=%u skipped=%u", passed ? "PASS" : "FAIL",
           report.planned, report.passed, report.failed, report.skipped);
    print("%s\n", summary);
    kept_set_state(KEPT_ENDED);
    report.ended = true;
    if (report.observer)
        report.observer->ended(passed, summary, crash);
    return passed;
}

static _Noreturn void finish(const char *crash)
{
    bool passed = false;
    if (report.ended) {
        /* The way to end that was asked for has failed. There is no second summary. */
        print("# stopped after the report: %s\n", crash);
    } else {
        passed = summarise(crash);
    }
    report.end(passed);
    cpu_halt();
}

void report_set_end(void (*end)(bool passed))
{
    report.end = end;
}

void report_set_observer(const struct report_observer *observer)
{
    report.observer = observer;
}

void report_plan(unsigned tests)
{
    report.planned = tests;
    print("KTAP version 1\n1..%u\n", tests);
    if (report.observer)
        report.observer->planned(tests);
}

void report_begin(const char *name)
{
    kept_step(name);
    if (report.observer)
        report.observer->begun(name);
}

void report_result(bool passed, const char *name, const char *skip_reason)
{
    unsigned number = report.passed + report.failed + report.skipped + 1;
    print("%s %u %s%s%s\n", passed ? "ok" : "not ok", number, name, skip_reason ? " # SKIP " : "",
          skip_reason ? skip_reason : "");
    if (!passed && report.failed < REMEMBERED)
        report.failures[report.failed] = name;
    enum report_outcome outcome = !passed ? REPORT_FAILED : skip_reason ? REPORT_SKIPPED : REPORT_PASSED;
    unsigned *count = !passed ? &report.failed : skip_reason ? &report.skipped : &report.passed;
    ++*count;
    if (report.observer)
        report.observer->result(outcome, number, name);
}

void report_end(void)
{
    finish(NULL);
}

void report_crash(const char *why)
{
    finish(why);
}
