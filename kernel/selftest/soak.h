/* SPDX-License-Identifier: MIT */
/*
 * soak.h - the book of a soak: how many rounds there were, what they found, and what failed first.
 *
 * It knows no clock: the caller says how many seconds have passed.
 */
#ifndef KERNEL_SELFTEST_SOAK_H
#define KERNEL_SELFTEST_SOAK_H

#include <stdbool.h>
#include <stdint.h>

enum { SOAK_REASON_LIMIT = 160 };

struct soak {
    uint64_t limit_seconds;
    uint64_t limit_rounds; /* instead of the seconds where nothing tells the time; else 0 */
    uint64_t rounds;       /* the one that runs, from 1 */
    uint64_t passed, failed, skipped;
    uint64_t seconds_told; /* when the last line about a round came */

    uint64_t first_round; /* of the first failure; 0: none has failed */
    uint64_t first_seconds;
    const char *first_test;
    char first_reason[SOAK_REASON_LIMIT];
};

/* Begins a soak of so many seconds. has_clock: there will be a time to tell. */
struct soak soak_begin(uint64_t seconds, bool has_clock);

/* Notes what a test of the round did. `reason` says why it failed, in the words of the check. */
void soak_passed(struct soak *soak, bool skipped);
void soak_failed(struct soak *soak, const char *test, const char *reason, uint64_t seconds);

/* Returns whether the rounds so far are enough, and if not, begins the next one. At least two are done. */
bool soak_is_over(struct soak *soak, uint64_t seconds);

/*
 * Returns whether a line about the round is due: at first often, later once a minute, so that the log of a
 * day can still be read. Where nothing tells the time every round has one.
 */
bool soak_is_line_due(struct soak *soak, uint64_t seconds);

#endif
