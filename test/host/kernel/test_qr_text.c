/* SPDX-License-Identifier: MIT */
/* qr_text: the parts of a report, one after the other, are the report; the summary has what matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/display/qr_text.h"

/*
 * Joins all parts without their first lines, and compares. The copies are as long as the texts, for the
 * sanitiser.
 */
static void assert_joins(const char *report, size_t bytes)
{
    char *copy = malloc(bytes + 1), *joined = malloc(bytes + QR_PART_BYTES), header[32];
    memcpy(copy, report, bytes);
    copy = realloc(copy, bytes ? bytes : 1);
    size_t length = 0;
    unsigned count = qr_part_count(copy, bytes);
    for (unsigned i = 1; i <= count; i++) {
        char *part = malloc(QR_PART_BYTES);
        size_t got = qr_part(copy, bytes, i, part);
        size_t first = (size_t)snprintf(header, sizeof header, "SELFMAP %u/%u\n", i, count);
        assert_true(got > first && got <= QR_PART_BYTES);
        assert_memory_equal(part, header, first);
        assert_true(length + got - first <= bytes);
        memcpy(joined + length, part + first, got - first);
        length += got - first;
        free(part);
    }
    assert_int_equal(length, bytes);
    assert_memory_equal(joined, report, bytes);
    assert_int_equal(qr_part(copy, bytes, 0, joined), 0);
    assert_int_equal(qr_part(copy, bytes, count + 1, joined), 0);
    free(copy);
    free(joined);
}

enum { LONG = 5000 };
static char text[LONG];

static void parts_join(void **state)
{
    for (size_t line = 1; line < 1200; line += 37)
        for (size_t bytes = 0; bytes < LONG; bytes += 211) {
            for (size_t i = 0; i < LONG; i++)
                text[i] = i % line == line - 1 ? '\n' : (char)('a' + i % 26);
            assert_joins(text, bytes);
        }
}

static void parts_end_with_lines(void **state)
{
    char part[QR_PART_BYTES];
    for (size_t i = 0; i < LONG; i++)
        text[i] = i % 50 == 49 ? '\n' : 'x';
    unsigned count = qr_part_count(text, LONG);
    assert_int_equal(count, 6);
    for (unsigned i = 1; i <= count; i++) {
        size_t length = qr_part(text, LONG, i, part);
        assert_int_equal(part[length - 1], '\n');
        assert_true(i == count || length > QR_PART_BYTES - 70);
    }
}

static void report_ends_with_the_summary(void **state)
{
    static const char log[] = "ok 1 a\n# selfmap: PASS tests=1\nIn 60 seconds ...\n";
    assert_int_equal(qr_report_bytes(log, sizeof log - 1), 31);
    assert_int_equal(qr_report_bytes(log, 20), 20);
    assert_int_equal(qr_report_bytes("no end", 6), 6);
    assert_int_equal(qr_report_bytes("x # selfmap: y\nz", 16), 16);
    assert_int_equal(qr_report_bytes("", 0), 0);
}

static void assert_summary(const char *report, const char *expected)
{
    char summary[QR_SUMMARY_BYTES];
    size_t length = qr_summary(report, strlen(report), summary);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(summary, expected, length);
}

static void summary_has_what_matters(void **state)
{
    assert_summary("Selfmap: a step\n# version=1\n# firmware=F\n# cr0=8\n# processor=P\nKTAP version 1\n"
                   "not ok 1 a\n# failed: a\n# selfmap: FAIL tests=1\n",
                   "# selfmap: FAIL tests=1\n# version=1\n# firmware=F\n# processor=P\n# failed: a\n");
    assert_summary("nothing of it\n", "");
}

/* Each line that fits is there as a whole, and none is cut. */
static void long_summary(void **state)
{
    char report[4000] = "", expected[QR_SUMMARY_BYTES + 100] = "# selfmap: FAIL\n";
    for (unsigned i = 0; i < 20; i++) {
        char line[64];
        snprintf(line, sizeof line, "# failed: test number %u of quite a lot of tests\n", 10 + i);
        strcat(report, line);
        if (strlen(expected) + strlen(line) <= QR_SUMMARY_BYTES)
            strcat(expected, line);
    }
    strcat(report, "# selfmap: FAIL\n");
    assert_summary(report, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"qr_text: the parts, joined, are the report", parts_join, NULL, NULL, NULL},
        {"qr_text: a part ends with a line, and is nearly full", parts_end_with_lines, NULL, NULL, NULL},
        {"qr_text: the report ends with the line that sums it up", report_ends_with_the_summary, NULL, NULL,
         NULL},
        {"qr_text: the summary has the result, failures and the machine", summary_has_what_matters, NULL,
         NULL, NULL},
        {"qr_text: a long summary leaves out whole lines", long_summary, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("qr_text", tests, NULL, NULL);
}
