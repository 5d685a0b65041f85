/* report.c - counting results. */
#include "report/report.h"
#include "boot/machine.h"
#include "console/console.h"

enum { REMEMBERED = 8 };

static struct {
    const struct handoff *handoff;
    unsigned planned, passed, failed, skipped;
    const char *failures[REMEMBERED];
    bool ended;
} report;

void report_use(const struct handoff *handoff)
{
    report.handoff = handoff;
}

void report_plan(unsigned tests)
{
    report.planned = tests;
    print("KTAP version 1\n1..%u\n", tests);
}

void report_result(bool passed, const char *name, const char *skip_reason)
{
    unsigned number = report.passed + report.failed + report.skipped + 1;
    print("%s %u %s%s%s\n", passed ? "ok" : "not ok", number, name, skip_reason ? " # SKIP " : "",
          skip_reason ? skip_reason : "");
    if (!passed && report.failed < REMEMBERED)
        report.failures[report.failed] = name;
    unsigned *count = !passed ? &report.failed : skip_reason ? &report.skipped : &report.passed;
    ++*count;
}

static bool summarise(const char *crash)
{
    unsigned results = report.passed + report.failed + report.skipped;
    bool passed = !crash && report.failed == 0 && results == report.planned && report.passed > 0;
    /* On a real screen the failures may have scrolled away: name them again beside the verdict. */
    for (unsigned i = 0; i < report.failed && i < REMEMBERED; i++)
        print("# failed: %s\n", report.failures[i]);
    if (crash)
        print("# stopped: %s\n", crash);
    print("# selfmap: %s tests=%u passed=%u failed=%u skipped=%u\n", passed ? "PASS" : "FAIL", report.planned,
          report.passed, report.failed, report.skipped);
    return passed;
}

static _Noreturn void end(const char *crash)
{
    /* A crash after the summary: what the options ask for as the end did not work. Once is enough. */
    if (report.ended) {
        print("# stopped after the report: %s\n", crash);
        machine_end(report.handoff, END_AUTO, false);
    }
    bool passed = summarise(crash);
    report.ended = true;
    machine_end(report.handoff, report.handoff->options.end, passed);
}

void report_end(void)
{
    end(NULL);
}

void report_crash(const char *why)
{
    end(why);
}
