/* SPDX-License-Identifier: MIT */
/* last_results: which lines of the log the first page shows at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/display/last_results.h"

static void each_line_is_in_one_of_two_kinds_or_in_none(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool is_skipped, is_other;
    } cases[] = {
        {"ok 3 a test # SKIP no 1 GiB pages", true, false},
        {"ok 3 # SKIP ", true, false},
        {"ok 3 a test # SKIP", false, true}, /* without a reason */
        {"ok 3 a test", false, true},
        {"not ok 3 a test # SKIP why", false, true},
        {"# ok 3 a test # SKIP why", false, false},
        {"# a fact=1", false, false},
        {"#no comment", false, true},
        {"# selfmap: PASS", false, true},
        {"# failed: a test", false, true},
        {"# soak round 2", false, true},
        {"# not used: fw_cfg", false, true},
        {"# not use", false, false},
        {"", false, true},
        {"1..83", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].line);
        assert_int_equal(is_skipped_result(cases[i].line, length), cases[i].is_skipped);
        assert_int_equal(is_other_result(cases[i].line, length), cases[i].is_other);
    }
}

/* Lines follow each other: what the next one says does not count. */
static void a_line_ends_where_it_ends(void **state)
{
    (void)state;
    static const char text[] = "ok 3 a test # SKIP why";
    assert_false(is_skipped_result(text, sizeof "ok 3 a test # SKIP" - 1));
    assert_true(is_skipped_result(text, sizeof "ok 3 a test # SKIP " - 1));
    assert_false(is_skipped_result(text, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"last results: what was skipped, other results, and the rest",
         each_line_is_in_one_of_two_kinds_or_in_none, NULL, NULL, NULL},
        {"last results: a line ends where it ends", a_line_ends_where_it_ends, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("last_results", tests, NULL, NULL);
}
