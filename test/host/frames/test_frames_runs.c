/* SPDX-License-Identifier: MIT */
/*
 * test_frames_runs.c - the allocator as another kernel starts it: with plain runs of frames.
 */
#include "frames/frame_rig.h"

static struct frames_run run(uint64_t start, uint64_t end)
{
    return (struct frames_run){frame_at(start), frame_at(end)};
}

static uint64_t length(struct frames_run run)
{
    return run.end.number - run.start.number;
}

/* Runs of all lengths whose ends lie anywhere, without a common frame, the last one above 512 GiB. */
static size_t random_runs(struct frames_run *runs, size_t limit)
{
    uint64_t at = 256;
    size_t count = 1 + random_below(limit);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = at + random_below(SUPERBLOCK);
        at = start + 1 + random_below(i % 2 ? BLOCK : 3 * SUPERBLOCK);
        runs[i] = run(start, at);
    }
    return count;
}

static void shuffle(struct frames_run *runs, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(i);
        struct frames_run last = runs[i - 1];
        runs[i - 1] = runs[other];
        runs[other] = last;
    }
}

static void bookkeeping_is_enough_in_any_order(void **state)
{
    (void)state;
    struct frames_run runs[12];
    for (unsigned seed = 1; seed <= 100; seed++) {
        seed_random(seed);
        size_t count = random_runs(runs, 12);
        uint64_t total = 0, bytes = frames_bytes_for_runs(runs, count, 0);
        begin_with(bytes, JUNK_RANDOM);
        shuffle(runs, count);
        for (size_t i = 0; i < count; total += length(runs[i]), i++)
            assert_int_equal(frames_add_free(&frames, runs[i].start, runs[i].end), FRAMES_OK);
        assert_int_equal(frames_free_count(&frames), total);
        assert_int_equal(frames_bytes_for_runs(runs, count, 0), bytes);
        end_test(NULL);
    }
}

/* The slack for ends that are not aligned is 16 bytes; without more than that a run does not fit. */
static void bookkeeping_is_not_too_much(void **state)
{
    (void)state;
    struct frames_run runs[] = {run(GIB(1), GIB(2)), run(GIB(3) + 5, GIB(3) + 6)};
    begin_with(frames_bytes_for_runs(runs, 2, 0) - 24, JUNK_ONES);
    assert_int_equal(frames_add_free(&frames, runs[0].start, runs[0].end), FRAMES_OK);
    assert_int_equal(frames_add_free(&frames, runs[1].start, runs[1].end), FRAMES_NO_SPACE);
}

static void runs_may_be_added_in_pieces(void **state)
{
    (void)state;
    enum { PIECES = 5 };
    for (unsigned seed = 1; seed <= 100; seed++) {
        seed_random(seed);
        uint64_t start = GIB(510) + random_below(GIB(4)), end = start + PIECES + random_below(GIB(4)),
                 total = 0;
        struct frames_run whole = run(start, end), pieces[PIECES];
        for (unsigned i = 0; i < PIECES; i++) {
            uint64_t most = end - start - (PIECES - 1 - i);
            uint64_t frames_of_it = i == PIECES - 1 ? most : 1 + random_below(most);
            pieces[i] = run(start, start + frames_of_it);
            start += frames_of_it;
        }
        begin_with(frames_bytes_for_runs(&whole, 1, PIECES - 1), JUNK_RANDOM);
        shuffle(pieces, PIECES);
        for (unsigned i = 0; i < PIECES; total += length(pieces[i]), i++)
            assert_int_equal(frames_add_free(&frames, pieces[i].start, pieces[i].end), FRAMES_OK);
        assert_int_equal(total, length(whole));
        end_test(NULL);
    }
}

static void empty_runs_and_low_ones_cost_nothing(void **state)
{
    (void)state;
    struct frames_run runs[] = {run(GIB(1), GIB(2)), run(GIB(5), GIB(5)), run(0, 256), run(GIB(3), GIB(2))};
    assert_int_equal(frames_bytes_for_runs(runs, 4, 0), frames_bytes_for_runs(runs, 1, 0));
    assert_true(frames_bytes_for_runs(NULL, 0, 0) <= 16);
    struct frames_run low = run(0, GIB(2)), above = run(256, GIB(2));
    assert_int_equal(frames_bytes_for_runs(&low, 1, 0), frames_bytes_for_runs(&above, 1, 0));
}

static void a_memory_map_takes_what_its_runs_take(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1), GIB(2), MEMORY_CONVENTIONAL),
                                  region(GIB(4), GIB(5), MEMORY_BOOT)};
    struct frames_run runs[] = {run(GIB(1), GIB(2)), run(GIB(4), GIB(5))};
    for (uint64_t extra = 0; extra < 3; extra++)
        assert_int_equal(frames_bookkeeping_bytes(map, 2, extra), frames_bytes_for_runs(runs, 2, extra));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("runs: the bookkeeping memory is enough, in any order",
                   bookkeeping_is_enough_in_any_order),
        FRAME_TEST("runs: it is not more than needed", bookkeeping_is_not_too_much),
        FRAME_TEST("runs: each further piece is counted", runs_may_be_added_in_pieces),
        FRAME_TEST("runs: empty ones, and the first MiB, cost nothing", empty_runs_and_low_ones_cost_nothing),
        FRAME_TEST("runs: a memory map takes what its runs take", a_memory_map_takes_what_its_runs_take),
    };
    return cmocka_run_group_tests_name("frames: runs", tests, NULL, NULL);
}
