/* SPDX-License-Identifier: MIT */
/* soak.c - counts rounds and keeps the first failure. */
#include "selftest/soak.h"
#include "console/format.h"

enum {
    SECONDS_PER_ROUND = 5, /* about what a round takes, where nothing tells the time */
    MOST_SECONDS_BETWEEN_LINES = 60,
    LINES_PER_DOUBLING = 64
};

struct soak soak_begin(uint64_t seconds, bool has_clock)
{
    uint64_t rounds = seconds / SECONDS_PER_ROUND;
    return (struct soak){
        .limit_seconds = seconds,
        .limit_rounds = has_clock    ? 0
                        : rounds < 2 ? 2
                                     : rounds,
        .rounds = 1,
    };
}

void soak_passed(struct soak *soak, bool skipped)
{
    if (skipped)
        soak->skipped++;
    else
        soak->passed++;
}

void soak_failed(struct soak *soak, const char *test, const char *reason, uint64_t seconds)
{
    soak->failed++;
    if (soak->first_round != 0)
        return;
    soak->first_round = soak->rounds;
    soak->first_seconds = seconds;
    soak->first_test = test;
    struct text_sink sink = text_sink(soak->first_reason, sizeof soak->first_reason);
    format(&sink.sink, "%s", reason[0] ? reason : "the log says why");
}

bool soak_is_over(struct soak *soak, uint64_t seconds)
{
    bool enough = soak->limit_rounds ? soak->rounds >= soak->limit_rounds : seconds >= soak->limit_seconds;
    if (enough && soak->rounds >= 2)
        return true;
    soak->rounds++;
    return false;
}

bool soak_is_line_due(struct soak *soak, uint64_t seconds)
{
    uint64_t between = seconds / LINES_PER_DOUBLING;
    if (between < 1)
        between = 1;
    if (between > MOST_SECONDS_BETWEEN_LINES)
        between = MOST_SECONDS_BETWEEN_LINES;
    bool due = soak->limit_rounds != 0 || soak->rounds <= 2 || seconds - soak->seconds_told >= between;
    if (due)
        soak->seconds_told = seconds;
    return due;
}
