/* SPDX-License-Identifier: MIT */
/* measure.c - one work in one world: is it right, how long does it take, how many instructions. */
#define _GNU_SOURCE
#include "bench.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <valgrind/callgrind.h>

#define MOST_ROUNDS 101u

static const char *const side_names[SIDES] = {"core", "limit", "loop", "vector"};

/*
 * Four levels have 128 TiB below the gap. With five, the P1s of the first 128 TiB would be shown where
 * programs are, so the next 128 TiB are used.
 */
static uint64_t start_of(const struct work *work, const struct world *world)
{
    const uint64_t low = (uint64_t)1 << 47;
    uint64_t start = work->random ? 0 : work->start;
    return world->levels == 5 && !work->identity ? low + start : start;
}

static bool begin(struct bench *bench, const struct work *work, const struct world *world, struct size size)
{
    if (world->mode == PAGING_MODE_RECURSIVE && work->most_in_window > 0 && size.count > work->most_in_window)
        size.count = work->most_in_window;
    *bench = (struct bench){.world = world, .work = work, .size = size, .start = start_of(work, world)};
    bench->units = size.count * (size.bytes / paging_level_bytes(work->leaf));
    bench->numbers = calloc(bench->units, sizeof(*bench->numbers));
    bench->to = calloc(bench->units, sizeof(*bench->to));
    return bench->numbers != NULL && bench->to != NULL;
}

/* Do the work by direct map, to learn which tables and leaves it is about. */
static void rehearse(struct bench *bench)
{
    struct survey after;
    memory_restart(bench);
    survey_take(&bench->survey, &bench->space, bench->world->mode == PAGING_MODE_RECURSIVE);
    bench->work->sides[CORE](bench, &core_operations);
    survey_take(&after, &bench->space, bench->world->mode == PAGING_MODE_RECURSIVE);
    bench->after = survey_signature(&after);
    if (after.leaves != bench->units * bench->work->leaves_after) {
        fprintf(stderr, "bench: %s left %" PRIu64 " leaves\n", bench->work->name, after.leaves);
        bench->failures++;
    }
    if (after.leaves >= bench->survey.leaves) {
        struct survey before = bench->survey;
        bench->survey = after;
        after = before;
    }
    survey_free(&after);
    if (bench->world->mode == PAGING_MODE_RECURSIVE)
        memory_show(bench, &bench->survey);
    survey_sort_by_frame(&bench->survey);
}

static void end(struct bench *bench)
{
    memory_hide();
    survey_free(&bench->survey);
    free(bench->numbers);
    free(bench->to);
}

static const struct operations *operations_of(const struct bench *bench, enum side side)
{
    if (side == LIMIT)
        return bare_operations(&bench->space);
    return side == LOOP ? &empty_operations : &core_operations;
}

/* After the core has worked in its world: does the memory show what it showed by direct map? */
static void check(struct bench *bench)
{
    struct survey survey;
    survey_take(&survey, &bench->space, false);
    if (survey_signature(&survey) != bench->after) {
        fprintf(stderr, "bench: %s in %s did something else than by direct map\n", bench->work->name,
                bench->world->name);
        bench->failures++;
    }
    survey_free(&survey);
}

static bool succeeded(const struct bench *bench)
{
    if (bench->failures > 0 || bench->frames.refused_releases > 0)
        fprintf(stderr, "bench: %s in %s failed\n", bench->work->name, bench->world->name);
    return bench->failures == 0 && bench->frames.refused_releases == 0;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Everything as it is before the work is done; the tally begins. */
static const struct operations *get_ready(struct bench *bench, enum side side)
{
    bench->failures += (unsigned)bench->frames.refused_releases; /* of the run before */
    memory_restart(bench);
    memory_enter_world(bench);
    bench_tally = (struct bench_tally){0};
    return operations_of(bench, side);
}

static uint64_t run_once(struct bench *bench, enum side side)
{
    const struct operations *operations = get_ready(bench, side);
    uint64_t start = now();
    bench->work->sides[side](bench, operations);
    return now() - start;
}

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void print_names(const struct bench *bench, struct bench_tally tally)
{
    const struct work *work = bench->work;
    printf("{\"work\": \"%s\", \"world\": \"%s\", \"title\": \"%s\", \"unit\": \"%s\"", work->name,
           work->once ? "any" : bench->world->name, work->title, work->unit);
    printf(", \"units\": %" PRIu64 ", \"most_percent\": %u, \"most_instructions\": %u", bench->units,
           work->most_percent, work->most_instructions);
    printf(", \"tables\": %" PRIu64 ", \"minimum\": %" PRIu64, survey_used(&bench->survey),
           bench->survey.minimum);
    printf(", \"zeroed\": %" PRIu64 ", \"page_flushes\": %" PRIu64 ", \"full_flushes\": %" PRIu64,
           tally.zeroed_tables, tally.page_flushes, tally.full_flushes);
}

static uint64_t median(uint64_t *values, unsigned count)
{
    qsort(values, count, sizeof(values[0]), by_value);
    return values[count / 2];
}

/* Of the rounds' ratios, because a round that was slow was slow for both. */
static uint64_t median_permille(const uint64_t *times, const uint64_t *limits, unsigned count)
{
    uint64_t ratios[MOST_ROUNDS];
    for (unsigned round = 0; round < count; round++)
        ratios[round] = times[round] * 1000 / (limits[round] ? limits[round] : 1);
    return median(ratios, count);
}

/* The sides take turns, so that whatever disturbs the machine disturbs all of them. */
bool measure_time(const struct work *work, const struct world *world, unsigned rounds)
{
    static uint64_t times[SIDES][MOST_ROUNDS];
    struct bench bench;
    if (!begin(&bench, work, world, work->full))
        return false;
    rehearse(&bench);
    rounds = rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    (void)run_once(&bench, CORE);
    struct bench_tally tally = bench_tally;
    check(&bench);
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned side = 0; side < SIDES; side++)
            if (work->sides[side])
                times[side][round] = run_once(&bench, side);
    print_names(&bench, tally);
    if (work->sides[LIMIT])
        printf(", \"permille\": %" PRIu64, median_permille(times[CORE], times[LIMIT], rounds));
    for (unsigned side = 0; side < SIDES; side++)
        if (work->sides[side])
            printf(", \"%s_ps\": %" PRIu64, side_names[side],
                   median(times[side], rounds) * 1000 / bench.units);
    printf("}\n");
    end(&bench);
    return succeeded(&bench);
}

/* Under callgrind: one dump per side, named work/world/side. The time of anything means nothing here. */
bool measure_counts(const struct work *work, const struct world *world)
{
    struct bench bench;
    struct bench_tally tally = {0};
    char name[80];
    if (!begin(&bench, work, world, work->small))
        return false;
    rehearse(&bench);
    for (enum side side = CORE; side <= LOOP; side++) {
        if (!work->sides[side])
            continue;
        const struct operations *operations = get_ready(&bench, side);
        CALLGRIND_START_INSTRUMENTATION;
        work->sides[side](&bench, operations);
        CALLGRIND_STOP_INSTRUMENTATION;
        snprintf(name, sizeof(name), "%s/%s/%s", work->name, work->once ? "any" : world->name,
                 side_names[side]);
        CALLGRIND_DUMP_STATS_AT(name);
        if (side == CORE) {
            tally = bench_tally;
            check(&bench);
        }
    }
    print_names(&bench, tally);
    printf("}\n");
    end(&bench);
    return succeeded(&bench);
}
