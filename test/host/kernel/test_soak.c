/* SPDX-License-Identifier: MIT */
/* soak: rounds, sums, and the first failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/selftest/soak.h"

static void ends_by_time(void **state)
{
    (void)state;
    struct soak soak = soak_begin(600, true);
    assert_int_equal(soak.limit_rounds, 0);
    assert_false(soak_is_over(&soak, 10));
    assert_int_equal(soak.rounds, 2);
    assert_false(soak_is_over(&soak, 599));
    assert_int_equal(soak.rounds, 3);
    assert_true(soak_is_over(&soak, 600));
    assert_int_equal(soak.rounds, 3);
}

static void two_rounds_at_least(void **state)
{
    (void)state;
    struct soak soak = soak_begin(1, true);
    assert_false(soak_is_over(&soak, 1000));
    assert_true(soak_is_over(&soak, 2000));
    assert_int_equal(soak.rounds, 2);
}

static void ends_by_rounds(void **state)
{
    (void)state;
    struct soak soak = soak_begin(20, false);
    assert_int_equal(soak.limit_rounds, 4);
    for (unsigned i = 1; i < 4; i++)
        assert_false(soak_is_over(&soak, 0));
    assert_true(soak_is_over(&soak, 0));
    assert_int_equal(soak.rounds, 4);
    assert_int_equal(soak_begin(1, false).limit_rounds, 2);
}

static void sums_and_first_failure(void **state)
{
    (void)state;
    struct soak soak = soak_begin(600, true);
    soak_passed(&soak, false);
    soak_passed(&soak, true);
    assert_int_equal(soak.first_round, 0);
    assert_false(soak_is_over(&soak, 5));
    soak_failed(&soak, "map", "ranges.c:3: not true: x", 7);
    soak_failed(&soak, "unmap", "another", 8);
    assert_false(soak_is_over(&soak, 9));
    soak_failed(&soak, "unmap", "a third", 10);
    assert_int_equal(soak.passed, 1);
    assert_int_equal(soak.skipped, 1);
    assert_int_equal(soak.failed, 3);
    assert_int_equal(soak.first_round, 2);
    assert_int_equal(soak.first_seconds, 7);
    assert_string_equal(soak.first_test, "map");
    assert_string_equal(soak.first_reason, "ranges.c:3: not true: x");
}

static void reasons(void **state)
{
    (void)state;
    char reason[2 * SOAK_REASON_LIMIT];
    struct soak soak = soak_begin(600, true), other = soak;
    soak_failed(&soak, "map", "", 1);
    assert_string_equal(soak.first_reason, "the log says why");
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    soak_failed(&other, "map", reason, 1);
    assert_int_equal(strlen(other.first_reason), SOAK_REASON_LIMIT - 1);
}

/* Returns how many lines a soak of so many rounds prints, each of so many milliseconds. */
static unsigned count_lines(uint64_t rounds, uint64_t milliseconds)
{
    struct soak soak = soak_begin(1000 * 3600, true);
    unsigned lines = 0;
    for (uint64_t i = 1; i <= rounds; i++) {
        lines += soak_is_line_due(&soak, i * milliseconds / 1000);
        (void)soak_is_over(&soak, i * milliseconds / 1000);
    }
    return lines;
}

static void lines_are_few(void **state)
{
    (void)state;
    assert_int_equal(count_lines(2, 1), 2);    /* the first two rounds have one each */
    assert_int_equal(count_lines(1000, 1), 3); /* then one a second */
    assert_int_equal(count_lines(10, 5000), 10);
    assert_in_range(count_lines(3600, 1000), 250, 400);    /* an hour */
    assert_in_range(count_lines(86400, 1000), 1600, 1800); /* a day: one a minute at the end */
    struct soak soak = soak_begin(500, false);
    for (unsigned i = 0; i < 100; i++, (void)soak_is_over(&soak, 0))
        assert_true(soak_is_line_due(&soak, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"soak: it ends when its time is over", ends_by_time, NULL, NULL, NULL},
        {"soak: two rounds are done, however short the time", two_rounds_at_least, NULL, NULL, NULL},
        {"soak: without a clock it ends after rounds", ends_by_rounds, NULL, NULL, NULL},
        {"soak: sums, and the first failure is kept", sums_and_first_failure, NULL, NULL, NULL},
        {"soak: a reason that is missing or too long", reasons, NULL, NULL, NULL},
        {"soak: a day has few lines", lines_are_few, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
