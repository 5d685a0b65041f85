/* SPDX-License-Identifier: MIT */
/* memory_audit: pages that somebody writes to are found, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/frames/memory_audit.h"

enum { PAGES = 24, PAGE = 4096, SUMS = 64 };

static _Alignas(PAGE) uint8_t memory[PAGES][PAGE];
static uint32_t sums[SUMS];
static struct memory_audit audit;

static uint64_t frame_of(unsigned page)
{
    return (uintptr_t)memory[page] / PAGE;
}

static struct memory_region region(unsigned start, unsigned end, enum memory_kind kind)
{
    return (struct memory_region){.start = {frame_of(start)}, .end = {frame_of(end)}, .kind = kind};
}

static void take(void)
{
    for (unsigned i = 0; i < audit.run_count; i++)
        memory_audit_take(&audit, &audit.runs[i]);
}

static void compare(const char *when)
{
    for (unsigned i = 0; i < audit.run_count; i++)
        memory_audit_compare(&audit, &audit.runs[i], when);
}

/* Two runs of boot services' memory, pages 2 to 9 and 12 to 19, with other memory around them. */
static void start(size_t capacity)
{
    const struct memory_region regions[] = {region(0, 2, MEMORY_CONVENTIONAL), region(2, 10, MEMORY_BOOT),
                                            region(10, 12, MEMORY_RUNTIME_DATA), region(12, 20, MEMORY_BOOT),
                                            region(20, 24, MEMORY_EXCLUDED)};
    for (unsigned i = 0; i < PAGES; i++)
        memset(memory[i], (int)(i * 37 + 1), PAGE);
    memory_audit_start(&audit, sums, capacity, regions, sizeof regions / sizeof regions[0]);
}

static void assert_change(unsigned i, unsigned first, unsigned pages, const char *when)
{
    assert_int_equal(audit.changes[i].frames.start, frame_of(first));
    assert_int_equal(audit.changes[i].frames.end, frame_of(first) + pages);
    assert_string_equal(audit.changes[i].noticed, when);
}

static void boot_memory_only(void **state)
{
    (void)state;
    start(SUMS);
    assert_int_equal(audit.run_count, 2);
    assert_int_equal(audit.pages, 16);
    take();
    assert_int_equal(audit.audited, 16);
    const unsigned others[] = {0, 1, 10, 11, 20, 23};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        memory[others[i]][0] ^= 1;
    compare("x");
    assert_int_equal(audit.change_count, 0);
    assert_int_equal(audit.changed_pages, 0);
}

/* Wherever it is, and whichever bit, in every ninth word; two words that change places, too. */
static void any_change(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < PAGE; byte += byte % 8 == 7 ? 65 : 1)
        for (unsigned bit = 0; bit < 8; bit++) {
            start(SUMS);
            take();
            memory[19][byte] ^= (uint8_t)(1 << bit);
            compare("x");
            assert_int_equal(audit.change_count, 1);
            assert_change(0, 19, 1, "x");
        }
    for (unsigned i = 0; i < PAGE / 8; i++) {
        start(SUMS);
        uint64_t *words = (uint64_t *)memory[2];
        words[i] = 5;
        take();
        words[i] = words[(i + 1) % (PAGE / 8)];
        words[(i + 1) % (PAGE / 8)] = 5;
        compare("x");
        assert_int_equal(audit.changed_pages, 1);
    }
}

/* The sum of the words, and their sum weighted by place, are mixed so that every bit of both counts. */
static void the_checksum(void **state)
{
    (void)state;
    enum { WORDS = PAGE / 8 };
    uint64_t *words = (uint64_t *)memory[0], sum = 0, weighted = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = (i + 3) * UINT64_C(0x123456789abcdef1);
        sum += words[i];
        weighted += (WORDS - i) * words[i];
    }
    uint64_t mixed = (weighted ^ weighted >> 29) * UINT64_C(0x9e3779b97f4a7c15);
    mixed += sum * UINT64_C(0xc2b2ae3d27d4eb4f);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
    assert_int_equal(memory_page_sum(words), mixed >> 32);
}

static void first_mib_is_left_out(void **state)
{
    (void)state;
    const struct memory_region low = {.start = {1}, .end = {256}, .kind = MEMORY_BOOT};
    memory_audit_start(&audit, sums, SUMS, &low, 1);
    assert_int_equal(audit.run_count, 0);
    assert_int_equal(audit.pages, 0);
}

/* Each is told once, when it was noticed first; neighbours noticed at the same time are one. */
static void runs_of_changes(void **state)
{
    (void)state;
    start(SUMS);
    take();
    memory[4][9] ^= 1;
    memory[5][0] ^= 1;
    memory[7][4095] ^= 1;
    compare("first");
    memory[8][1] ^= 1;
    compare("second");
    compare("third");
    assert_int_equal(audit.change_count, 3);
    assert_change(0, 4, 2, "first");
    assert_change(1, 7, 1, "first");
    assert_change(2, 8, 1, "second");
    assert_int_equal(audit.changed_pages, 4);
}

/* More than the list has room for are counted all the same. */
static void more_changes_than_fit(void **state)
{
    (void)state;
    start(SUMS);
    take();
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 2; i < 20; i += 2)
            memory[i][round] ^= 1;
        compare("x");
    }
    assert_int_equal(audit.change_count, MEMORY_AUDIT_CHANGES);
    assert_int_equal(audit.changed_pages, 4 * 8);
}

static void assert_runs(unsigned count, const unsigned (*expected)[3])
{
    assert_int_equal(audit.run_count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(audit.runs[i].frames.start, frame_of(expected[i][0]));
        assert_int_equal(audit.runs[i].frames.end, frame_of(expected[i][1]));
        assert_int_equal(audit.runs[i].quarantined, expected[i][2]);
    }
}

/* From the top, to the page; every part keeps its checksums. */
static void quarantine(void **state)
{
    (void)state;
    start(SUMS);
    take();
    memory_audit_quarantine(&audit, 3);
    assert_runs(3, (const unsigned[][3]){{2, 10, 0}, {12, 17, 0}, {17, 20, 1}});
    compare("x");
    assert_int_equal(audit.changed_pages, 0);
    start(SUMS);
    take();
    memory_audit_quarantine(&audit, 11);
    assert_runs(3, (const unsigned[][3]){{2, 7, 0}, {7, 10, 1}, {12, 20, 1}});
    compare("x");
    assert_int_equal(audit.changed_pages, 0);
    memory[7][0] ^= 1;
    memory_audit_compare(&audit, &audit.runs[1], "y");
    assert_change(0, 7, 1, "y");
    start(SUMS);
    memory_audit_quarantine(&audit, 16);
    assert_runs(2, (const unsigned[][3]){{2, 10, 1}, {12, 20, 1}});
    start(SUMS);
    memory_audit_quarantine(&audit, 0);
    assert_runs(2, (const unsigned[][3]){{2, 10, 0}, {12, 20, 0}});
    start(SUMS);
    memory_audit_quarantine(&audit, 1);
    assert_runs(3, (const unsigned[][3]){{2, 10, 0}, {12, 19, 0}, {19, 20, 1}});
    start(SUMS);
    memory_audit_quarantine(&audit, 9);
    assert_runs(3, (const unsigned[][3]){{2, 9, 0}, {9, 10, 1}, {12, 20, 1}});
}

/* Of two runs of 8 pages, so many of each: an eighth less, rounded up, until there are enough sums. */
static uint64_t longest_with(uint64_t capacity)
{
    uint64_t longest = capacity;
    while (2 * (longest < 8 ? longest : 8) > capacity)
        longest -= longest / 8 + (longest % 8 != 0);
    return longest;
}

/* With few sums the upper parts of long runs are audited, and nothing is written beyond the sums. */
static void fewer_sums(void **state)
{
    (void)state;
    for (unsigned capacity = 1; capacity < 16; capacity++) {
        memset(sums, 0xee, sizeof sums);
        start(capacity);
        take();
        assert_int_equal(audit.pages, 16);
        assert_int_equal(audit.run_count, longest_with(capacity) > 0 ? 2 : 0);
        assert_int_equal(audit.audited, 2 * longest_with(capacity));
        assert_true(audit.audited <= capacity);
        assert_true(audit.audited + 3 > capacity || capacity < 4);
        for (unsigned i = 0; i < audit.run_count; i++)
            assert_int_equal(audit.runs[i].frames.end, frame_of(i ? 20 : 10));
        for (unsigned i = capacity; i < SUMS; i++)
            assert_int_equal(sums[i], 0xeeeeeeee);
        compare("x");
        assert_int_equal(audit.changed_pages, 0);
    }
}

/* A short run is audited as a whole, and leaves more sums to a long one. */
static void fewer_sums_than_pages_of_a_long_run(void **state)
{
    (void)state;
    const struct memory_region regions[] = {region(2, 4, MEMORY_BOOT), region(12, 20, MEMORY_BOOT)};
    memory_audit_start(&audit, sums, 6, regions, 2);
    assert_runs(2, (const unsigned[][3]){{2, 4, 0}, {16, 20, 0}});
}

/* A run that could not be mapped has no checksums, and is not compared. */
static void never_looked_at(void **state)
{
    (void)state;
    start(SUMS);
    memset(sums, 0x5a, sizeof sums);
    compare("x");
    assert_int_equal(audit.changed_pages, 0);
    assert_int_equal(audit.audited, 0);
}

/*
 * As many runs as there can be: the others are counted, and not audited. None is cut then; what is left of
 * the quarantine goes to a lower run that is short enough.
 */
static void many_runs(void **state)
{
    (void)state;
    enum { MANY = MEMORY_AUDIT_RUNS + 5 };
    static struct memory_region regions[MANY];
    static uint32_t enough[2 * MANY];
    for (unsigned i = 0; i < MANY; i++)
        regions[i] = (struct memory_region){
            .start = {1000 + 4 * i}, .end = {(i == 1 ? 1001 : 1002) + 4 * i}, .kind = MEMORY_BOOT};
    memory_audit_start(&audit, enough, 2 * MANY, regions, MANY);
    assert_int_equal(audit.run_count, MEMORY_AUDIT_RUNS);
    assert_int_equal(audit.runs[0].frames.start, 1000);
    assert_int_equal(audit.pages, 2 * MANY - 1);
    memory_audit_quarantine(&audit, 3);
    assert_int_equal(audit.run_count, MEMORY_AUDIT_RUNS);
    for (unsigned i = 0; i < MEMORY_AUDIT_RUNS; i++)
        assert_int_equal(audit.runs[i].quarantined, i == 1 || i == MEMORY_AUDIT_RUNS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"memory audit: looks at memory of boot services, and no other", boot_memory_only, NULL, NULL, NULL},
        {"memory audit: notices every change of a bit, and words that change places", any_change, NULL, NULL,
         NULL},
        {"memory audit: the checksum counts every word, and its place", the_checksum, NULL, NULL, NULL},
        {"memory audit: the first MiB is left out", first_mib_is_left_out, NULL, NULL, NULL},
        {"memory audit: tells runs of changed pages, once, and when", runs_of_changes, NULL, NULL, NULL},
        {"memory audit: counts the changes that it has no room for", more_changes_than_fit, NULL, NULL, NULL},
        {"memory audit: the quarantine is taken from the top, to the page", quarantine, NULL, NULL, NULL},
        {"memory audit: few checksums are for the upper parts of long runs", fewer_sums, NULL, NULL, NULL},
        {"memory audit: a short run leaves more checksums to a long one", fewer_sums_than_pages_of_a_long_run,
         NULL, NULL, NULL},
        {"memory audit: what was never looked at is not compared", never_looked_at, NULL, NULL, NULL},
        {"memory audit: more runs than there is room for", many_runs, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("memory_audit", tests, NULL, NULL);
}
