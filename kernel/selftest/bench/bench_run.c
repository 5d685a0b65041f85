/* SPDX-License-Identifier: MIT */
/* bench_run.c - runs rounds of measurements and compares them; prints the steps from the entry point. */
#include "selftest/bench/bench_run.h"
#include "console/console.h"
#include "cpu/instructions.h"
#include "cpu/tsc.h"
#include "report/report.h"

enum { ROUNDS = 3, OP_LIMIT = 64 };

static struct {
    uint64_t scale; /* of tsc_calibrate */
    unsigned round;
    unsigned operations;      /* measured so far in this round */
    uint64_t units[OP_LIMIT]; /* their cost in the round before */
} rounds;

static enum paging_status do_nothing(const struct bench_run *b, uint64_t n)
{
    (void)b;
    (void)n;
    return PAGING_OK;
}

/* Makes all measured calls, so that its own cost can be measured too. Returns PAGING_OK if each call does. */
static __attribute__((noinline)) enum paging_status loop(const struct bench_run *b, bench_call call,
                                                         uint64_t calls, uint64_t *ticks)
{
    enum paging_status worst = PAGING_OK;
    uint64_t start = read_tsc();
    for (uint64_t n = 0; n < calls; n++)
        worst |= call(b, n);
    *ticks = read_tsc() - start;
    return worst;
}

void bench_do(struct bench_run *b, bench_call call, uint64_t calls)
{
    uint64_t ticks;
    selftest_check(b->t, loop(b, call, calls, &ticks) == PAGING_OK, "each call succeeds", __FILE__, __LINE__);
}

/*
 * Checks that a count of instructions is the same as in the round before. Where frames are taken and given
 * back it may differ a little, because the allocator's lists change their order. Times are not compared.
 */
static void compare_with_last_round(struct bench_run *b, const char *operation, uint64_t units,
                                    bool took_frames)
{
    struct selftest_run *t = b->t;
    if (!CHECK(rounds.operations < OP_LIMIT))
        return;
    uint64_t before = rounds.units[rounds.operations];
    uint64_t apart = units > before ? units - before : before - units;
    rounds.units[rounds.operations++] = units;
    if (rounds.round != ROUNDS - 1 || rounds.scale == 0)
        return;
    if (!CHECK(units > 0 && apart <= (took_frames ? before / 256 : 0)))
        print("# %s: %lu instructions, and %lu in the round before\n", operation, units, before);
}

/* Returns the cost of the loop itself: the least of a few runs, because a clock also counts interruptions. */
static uint64_t empty_loop(struct bench_run *b, uint64_t calls)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t ticks;
        (void)loop(b, do_nothing, calls, &ticks);
        least = ticks < least ? ticks : least;
    }
    return least;
}

void bench_measure(struct bench_run *b, const char *operation, bench_call call, uint64_t calls,
                   uint64_t pages)
{
    struct selftest_run *t = b->t;
    const struct paging_counters before = paging_counted(b->space);
    uint64_t free = frames_free_count(t->frames), ticks;
    enum paging_status status = loop(b, call, calls, &ticks);
    uint64_t empty = empty_loop(b, calls);
    if (!CHECK(status == PAGING_OK))
        print("# %s: not each call succeeds\n", operation);
    uint64_t units = tsc_in_units(rounds.scale, ticks > empty ? ticks - empty : 0);
    compare_with_last_round(b, operation, units, frames_free_count(t->frames) != free);
    if (rounds.round != ROUNDS - 1)
        return;
    report_fact("bench_%s", "calls=%lu pages=%lu %s=%lu flushes=%lu full_flushes=%lu tables=%ld", operation,
                calls, calls * pages, tsc_unit(rounds.scale), units,
                paging_counted(b->space).flushes - before.flushes,
                paging_counted(b->space).full_flushes - before.full_flushes,
                (int64_t)(paging_counted(b->space).tables - before.tables));
}

/* Finds free memory in one piece. Nothing reads or writes it through the pages that are mapped to it. */
static bool find_memory(const struct selftest_run *t, paging_frame_t *to)
{
    uint64_t span = paging_level_pages(PAGING_2M);
    for (size_t i = 0; i < t->setup->memory_count; i++) {
        const struct memory_region *region = &t->setup->memory[i];
        to->number = (region->start.number + span) / span * span; /* never 0 */
        if (memory_kind_is_usable(region->kind) && to->number + BENCH_RANGE_PAGES + 1 <= region->end.number)
            return true;
    }
    return false;
}

static void measure_groups(struct bench_run *b, const bench_group *groups)
{
    struct selftest_run *t = b->t;
    uint64_t free = frames_free_count(t->frames), tables = paging_counted(t->space).tables;
    for (; *groups; groups++) {
        (*groups)(b);
        CHECK(frames_free_count(t->frames) == free);
        CHECK(paging_counted(t->space).tables == tables);
    }
}

static void operations(struct selftest_run *t)
{
    struct bench_run b = {.t = t, .space = t->space, .source = t->source, .flags = no_execute(t)};
    if (!find_memory(t, &b.to)) {
        t->skip = "no 64 MiB of memory in one piece";
        return;
    }
    b.first = test_page(t, 0);
    b.start = test_address(t, b.first);
    report_fact("bench_empty", "calls=%u %s=%lu", BENCH_PAGES, tsc_unit(rounds.scale),
                tsc_in_units(rounds.scale, empty_loop(&b, BENCH_PAGES)));
    for (rounds.round = 0; rounds.round < ROUNDS; rounds.round++) {
        rounds.operations = 0;
        measure_groups(&b, bench_page_groups);
        measure_groups(&b, bench_range_groups);
        measure_groups(&b, bench_heap_groups);
    }
}

static uint64_t units_between(uint64_t from, uint64_t to)
{
    return tsc_in_units(rounds.scale, to - from);
}

/* Makes the key of a fact out of a step's text, so that it stays the same when steps are added before it. */
static void make_key(const char *what, char *key, size_t capacity)
{
    size_t length = 0;
    for (; what[length] && length + 1 < capacity; length++) {
        char lower = (char)(what[length] | 0x20);
        bool is_letter = lower >= 'a' && lower <= 'z';
        key[length] = (char)(is_letter ? lower : '_');
    }
    key[length] = '\0';
}

/* Prints the steps from the first line of efi_main to the first line of kernel_main. */
static void steps_from_entry_point(struct selftest_run *t)
{
    const struct time_mark *marks = t->setup->marks;
    unsigned count = t->setup->mark_count;
    rounds.scale = tsc_calibrate();
    const char *unit = tsc_unit(rounds.scale);
    report_fact("bench_counter", "%s scale=%lu", unit, rounds.scale);
    if (!CHECK(count > 1 && count < t->setup->mark_limit))
        return;
    for (unsigned i = 0; i + 1 < count; i++) {
        CHECK(marks[i + 1].tsc > marks[i].tsc);
        char key[64];
        make_key(marks[i].what, key, sizeof key);
        report_fact("bench_step_%s", "%s=%lu console=%lu %s", key, unit,
                    units_between(marks[i].tsc, marks[i + 1].tsc),
                    units_between(marks[i].console, marks[i + 1].console), marks[i].what);
    }
    report_fact("bench_entry", "%s=%lu console=%lu", unit, units_between(marks[0].tsc, marks[count - 1].tsc),
                units_between(marks[0].console, marks[count - 1].console));
}

const struct selftest bench_tests[] = {
    {"bench: the steps from the entry point to the kernel's own tables", steps_from_entry_point},
    {"bench: every operation costs the same again, and leaves frames and tables as found", operations},
    {0},
};
