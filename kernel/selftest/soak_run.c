/* SPDX-License-Identifier: MIT */
/* soak_run.c - rounds of self-tests, and what is printed about them. */
#include "selftest/soak_run.h"
#include "console/console.h"
#include "console/format.h"
#include "cpu/instructions.h"
#include "cpu/tsc_rate.h"
#include "report/report.h"
#include "selftest/soak.h"

enum {
    HELD_BYTES = 4096,  /* of what one test prints */
    SHOWN_FAILURES = 16 /* whose lines are printed; the others are counted */
};

static struct soak soak;
static uint64_t start, hertz;

/* What a test prints, until it is known whether anybody wants to read it. */
static char held[HELD_BYTES];

static uint64_t seconds(void)
{
    return hertz ? (read_tsc() - start) / hertz : 0;
}

void soak_start(uint64_t limit)
{
    hertz = tsc_rate();
    start = read_tsc();
    soak = soak_begin(limit, hertz != 0);
    report_fact("tsc_hertz", "%lu", hertz);
    if (soak.limit_rounds)
        print("# soak: nothing tells the time here: %lu rounds instead of %lu s\n", soak.limit_rounds, limit);
    else
        print("# soak: the tests are repeated for %lu s\n", limit);
}

void soak_note(const struct selftest_run *t, const struct selftest *test)
{
    if (t->failed)
        soak_failed(&soak, test->name, t->reason, seconds());
    else
        soak_passed(&soak, t->skip != NULL);
}

void soak_test(struct selftest_run *t, const struct selftest *test,
               void (*run)(struct selftest_run *t, const struct selftest *test))
{
    struct text_sink sink = text_sink(held, sizeof held);
    console_divert(&sink.sink);
    run(t, test);
    console_divert(NULL);
    soak_note(t, test);
    if (!t->failed || soak.failed > SHOWN_FAILURES)
        return;
    print("# soak: round %lu, %lu s: FAILED: %s\n%s", t->round, seconds(), test->name, held);
    if (soak.failed == SHOWN_FAILURES)
        print("# soak: further failures are counted only\n");
}

bool soak_next_round(struct selftest_run *t)
{
    uint64_t now = seconds();
    if (soak_is_line_due(&soak, now))
        print("# soak: round %lu, %lu s: passed=%lu failed=%lu skipped=%lu\n", soak.rounds, now, soak.passed,
              soak.failed, soak.skipped);
    bool over = soak_is_over(&soak, now);
    t->round = soak.rounds;
    return !over;
}

void soak_every_round_passed(struct selftest_run *t)
{
    report_fact("soak", "rounds=%lu seconds=%lu passed=%lu failed=%lu skipped=%lu", soak.rounds, seconds(),
                soak.passed, soak.failed, soak.skipped);
    if (soak.failed == 0) {
        report_fact("soak_first_failure", "%s", "none");
        return;
    }
    report_fact("soak_first_failure", "round %lu after %lu s: %s: %s", soak.first_round, soak.first_seconds,
                soak.first_test, soak.first_reason);
    t->failed = true;
}
