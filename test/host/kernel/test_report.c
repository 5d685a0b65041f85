/* SPDX-License-Identifier: MIT */
/* report: what a run of any kind prints, whether it counts as passed, and what the observer hears. */
#include "kernel/child.h"

#include <string.h>

#include "kernel/console/log.h"
#include "kernel/report/report.h"

enum { LOG_BYTES = 8192, TEXT_BYTES = 16384 };

/* ---- a run in a process of its own, because it ends, and a report cannot begin anew ---- */

static void end_with(bool passed)
{
    child_ends(passed ? 0 : 1, log_text(), log_length());
}

static void (*body_of_run)(void);

static void begin_and_run(void)
{
    static char buffer[LOG_BYTES + LOG_TAIL_BYTES];
    log_start(buffer, sizeof buffer);
    report_set_end(end_with);
    body_of_run();
}

struct ending {
    bool passed;
    char text[TEXT_BYTES];
};

static const struct ending *run(void (*body)(void))
{
    static struct ending ending;
    body_of_run = body;
    int status = run_in_child(begin_and_run, ending.text, sizeof ending.text);
    assert_in_range(status, 0, 1);
    ending.passed = status == 0;
    return &ending;
}

static void assert_prints(void (*body)(void), bool passed, const char *text)
{
    const struct ending *ending = run(body);
    assert_string_equal(ending->text, text);
    assert_int_equal(ending->passed, passed);
}

/* ---- the runs ---- */

static void all_well(void)
{
    report_plan(2);
    report_begin("first");
    report_result(true, "first", NULL);
    report_fact("levels", "%u", 4);
    report_result(true, "second", "no 1 GiB pages");
    report_end();
}

static void a_pass_is_counted(void **state)
{
    (void)state;
    assert_prints(all_well, true,
                  "KTAP version 1\n1..2\nok 1 first\n# levels=4\nok 2 second # SKIP no 1 GiB pages\n"
                  "# selfmap: PASS tests=2 passed=1 failed=0 skipped=1\n");
}

static void one_failed(void)
{
    report_plan(3);
    report_result(true, "first", NULL);
    report_result(false, "second", NULL);
    report_result(true, "third", NULL);
    report_end();
}

static void a_failed_test_fails_the_run(void **state)
{
    (void)state;
    assert_prints(one_failed, false,
                  "KTAP version 1\n1..3\nok 1 first\nnot ok 2 second\nok 3 third\n# failed: second\n"
                  "# selfmap: FAIL tests=3 passed=2 failed=1 skipped=0\n");
}

/* A test that fails and gives a reason to be skipped has failed. */
static void failed_and_skipped(void)
{
    report_plan(2);
    report_result(true, "first", NULL);
    report_result(false, "second", "a reason");
    report_end();
}

static void one_missing(void)
{
    report_plan(2);
    report_result(true, "first", NULL);
    report_end();
}

static void one_too_many(void)
{
    report_plan(1);
    report_result(true, "first", NULL);
    report_result(true, "second", NULL);
    report_end();
}

static void none_planned(void)
{
    report_plan(0);
    report_end();
}

static void all_skipped(void)
{
    report_plan(1);
    report_result(true, "first", "nothing to see");
    report_end();
}

static void anything_less_is_no_pass(void **state)
{
    (void)state;
    static void (*const bodies[])(void) = {failed_and_skipped, one_missing, one_too_many, none_planned,
                                           all_skipped};
    static const char *const summaries[] = {
        "FAIL tests=2 passed=1 failed=1 skipped=0", "FAIL tests=2 passed=1 failed=0 skipped=0",
        "FAIL tests=1 passed=2 failed=0 skipped=0", "FAIL tests=0 passed=0 failed=0 skipped=0",
        "FAIL tests=1 passed=0 failed=0 skipped=1"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct ending *ending = run(bodies[i]);
        if (ending->passed || !strstr(ending->text, summaries[i]))
            fail_msg("run %zu says: %s", i, ending->text);
    }
}

static void crash_after_one(void)
{
    report_plan(2);
    report_result(true, "first", NULL);
    report_crash("#PF page fault");
}

static void crash_after_all(void)
{
    report_plan(1);
    report_result(true, "first", NULL);
    report_crash("#PF page fault");
}

static void a_crash_fails_the_run(void **state)
{
    (void)state;
    assert_prints(crash_after_one, false,
                  "KTAP version 1\n1..2\nok 1 first\n# stopped: #PF page fault\n"
                  "# selfmap: FAIL tests=2 passed=1 failed=0 skipped=0\n");
    assert_prints(crash_after_all, false,
                  "KTAP version 1\n1..1\nok 1 first\n# stopped: #PF page fault\n"
                  "# selfmap: FAIL tests=1 passed=1 failed=0 skipped=0\n");
}

static void crash_in_end(bool passed)
{
    static bool again;
    if (again)
        end_with(passed);
    again = true;
    report_crash("#GP general protection");
}

static void end_that_fails(void)
{
    report_set_end(crash_in_end);
    report_plan(1);
    report_result(true, "first", NULL);
    report_end();
}

static void one_summary_even_if_the_end_fails(void **state)
{
    (void)state;
    assert_prints(end_that_fails, false,
                  "KTAP version 1\n1..1\nok 1 first\n# selfmap: PASS tests=1 passed=1 failed=0 skipped=0\n"
                  "# stopped after the report: #GP general protection\n");
}

static void many_failures(void)
{
    static const char *const names[] = {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10"};
    report_plan(10);
    for (unsigned i = 0; i < 10; i++)
        report_result(false, names[i], NULL);
    report_end();
}

static void the_first_failures_are_named_again(void **state)
{
    (void)state;
    const struct ending *ending = run(many_failures);
    assert_non_null(strstr(ending->text, "# failed: t1\n"));
    assert_non_null(strstr(ending->text, "# failed: t8\n# selfmap: FAIL tests=10 passed=0 failed=10 "));
    assert_null(strstr(ending->text, "# failed: t9\n"));
}

/* ---- the observer ---- */

static void hears_plan(unsigned tests)
{
    print("[plan %u]", tests);
}
static void hears_begin(const char *name)
{
    print("[begin %s]", name);
}
static void hears_result(enum report_outcome outcome, unsigned number, const char *name)
{
    print("[%d %u %s]", (int)outcome, number, name);
}
static void hears_end(bool passed, const char *summary, const char *crash)
{
    print("[%d %s %s]", passed, summary, crash ? crash : "-");
}

static void observed(void)
{
    static const struct report_observer observer = {hears_plan, hears_begin, hears_result, hears_end};
    report_set_observer(&observer);
    report_plan(3);
    report_begin("a");
    report_result(true, "a", NULL);
    report_result(false, "b", NULL);
    report_result(true, "c", "why");
    report_end();
}

static void the_observer_hears_the_same(void **state)
{
    (void)state;
    assert_prints(observed, false,
                  "KTAP version 1\n1..3\n[plan 3][begin a]ok 1 a\n[0 1 a]not ok 2 b\n[1 2 b]"
                  "ok 3 c # SKIP why\n[2 3 c]# failed: b\n"
                  "# selfmap: FAIL tests=3 passed=1 failed=1 skipped=1\n"
                  "[0 # selfmap: FAIL tests=3 passed=1 failed=1 skipped=1 -]");
}

/* A report that no longer fits says so, and its end is kept. */
static void long_report(void)
{
    report_plan(1);
    report_result(true, "first", NULL);
    for (unsigned i = 0; i < 3 * LOG_BYTES; i++)
        print("x");
    report_end();
}

static void what_was_dropped_is_counted(void **state)
{
    (void)state;
    const struct ending *ending = run(long_report);
    const char *dropped = strstr(ending->text, "# log_dropped=");
    assert_non_null(dropped);
    assert_non_null(strstr(dropped, " characters are not in the kept report\n# selfmap: PASS tests=1 "));
    assert_true(ending->passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"report: a run without failures passes, and is counted", a_pass_is_counted, NULL, NULL, NULL},
        {"report: a failed test fails the run, in the summary and at its end", a_failed_test_fails_the_run,
         NULL, NULL, NULL},
        {"report: a result too few or too many, nothing planned and nothing passed are no pass",
         anything_less_is_no_pass, NULL, NULL, NULL},
        {"report: a crash fails the run, even after the last test", a_crash_fails_the_run, NULL, NULL, NULL},
        {"report: there is one summary, and a crash in the end is no pass", one_summary_even_if_the_end_fails,
         NULL, NULL, NULL},
        {"report: the first failures are named again beside the summary", the_first_failures_are_named_again,
         NULL, NULL, NULL},
        {"report: the observer hears the same", the_observer_hears_the_same, NULL, NULL, NULL},
        {"report: what the log had no room for is counted", what_was_dropped_is_counted, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
