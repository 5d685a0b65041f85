/* SPDX-License-Identifier: MIT */
/*
 * test_frames_random.c - random calls of the frame allocator, compared with an oracle.
 *
 * The map has holes, cut-off ends and zones of a single frame.
 */
#include "frames/frame_oracle.h"

#define MOST_LIVE 60000

static const struct memory_region oracle_map[] = {
    {{0}, {0x9f}, 0, MEMORY_CONVENTIONAL, 0},
    {{0x100}, {0x800}, 0, MEMORY_CONVENTIONAL, 0},
    {{0x800}, {0x1000}, 0, MEMORY_BOOT, 0},
    {{0x1001}, {0x1002}, 0, MEMORY_BOOT, 0},
    {{0x1003}, {0x15ff}, 0, MEMORY_BOOT, 0},
    {{0x1600}, {512 * 512 + 7}, 0, MEMORY_CONVENTIONAL, 0},
    {{512 * 512 + 9}, {4 * 512 * 512 + 3}, 0, MEMORY_CONVENTIONAL, 0},
    {{4 * 512 * 512 + 1024}, {4 * 512 * 512 + 2048}, 0, MEMORY_LOADER, 0}, /* adopted */
    {{5 * 512 * 512}, {6 * 512 * 512}, 0, MEMORY_BOOT, 0},
};
#define ORACLE_REGIONS (sizeof oracle_map / sizeof oracle_map[0])

static struct live {
    paging_frame_t frame;
    enum paging_size size;
} live[MOST_LIVE];
static size_t live_count;
static uint32_t live_at[ORACLE_FRAMES]; /* where in live a run is that starts there */

/* Runs that were split lately: only these have a chance to be joined. */
static struct live cut[8];
static unsigned cut_count;

static void live_add(uint64_t frame, enum paging_size size)
{
    assert_true(live_count < MOST_LIVE);
    live_at[frame] = (uint32_t)live_count;
    live[live_count++] = (struct live){{frame}, size};
}

static struct live live_remove(size_t chosen)
{
    struct live gone = live[chosen];
    live[chosen] = live[--live_count];
    live_at[live[chosen].frame.number] = (uint32_t)chosen;
    return gone;
}

static void own_map(size_t regions)
{
    oracle_clear();
    live_count = 0;
    cut_count = 0;
    for (size_t i = 0; i < regions; i++) {
        uint64_t start = oracle_map[i].start.number;
        uint64_t count = oracle_map[i].end.number - start;
        if (start >= 256)
            oracle_set(start, count, FREE, FREE);
        if (oracle_map[i].kind != MEMORY_LOADER)
            continue;
        for (uint64_t frame = start; frame < start + count; frame++) {
            oracle_set(frame, 1, TAKEN_4K, 0);
            live_add(frame, PAGING_4K);
        }
    }
}

static void allocate_and_compare(enum paging_size size)
{
    paging_frame_t frame = {77};
    bool expected = oracle_has(size);
    enum frames_status status = frames_allocate(&frames, size, &frame);
    assert_int_equal(status, expected ? FRAMES_OK : FRAMES_NONE);
    if (!expected)
        return;
    assert_int_equal(frame.number % pages_of(size), 0);
    for (uint64_t i = 0; i < pages_of(size); i++)
        if (owners[frame.number + i] != FREE)
            fail_msg("frame %lx was not free", frame.number + i);
    oracle_set(frame.number, pages_of(size), taken_as(size), TAKEN_INSIDE);
    live_add(frame.number, size);
}

static void free_and_compare(size_t chosen)
{
    struct live gone = live_remove(chosen);
    expect_free(gone.size, gone.frame);
    oracle_set(gone.frame.number, pages_of(gone.size), FREE, FREE);
}

static void split_and_compare(enum paging_size size, uint64_t frame)
{
    enum frames_status expected = oracle_split_status(size, frame);
    expect_no_split(size, frame, expected);
    if (expected != FRAMES_OK)
        return;
    uint64_t part = pages_of(size - 1);
    (void)live_remove(live_at[frame]);
    for (uint64_t i = 0; i < 512; i++) {
        oracle_set(frame + i * part, part, taken_as(size - 1), TAKEN_INSIDE);
        live_add(frame + i * part, size - 1);
    }
    cut[cut_count++ % 8] = (struct live){{frame}, size};
}

static void join_and_compare(enum paging_size size, uint64_t frame)
{
    enum frames_status expected = oracle_join_status(size, frame);
    expect_no_join(size, frame, expected);
    if (expected != FRAMES_OK)
        return;
    for (uint64_t i = 0; i < 512; i++)
        (void)live_remove(live_at[frame + i * pages_of(size - 1)]);
    oracle_set(frame, pages_of(size), taken_as(size), TAKEN_INSIDE);
    live_add(frame, size);
}

/* Splits a run that is handed out, if one is found; and joins one that was split. */
static void random_cut(void)
{
    enum paging_size size = random_below(4) == 0 ? PAGING_1G : PAGING_2M;
    uint64_t frame = live[random_below(live_count)].frame.number;
    for (unsigned tries = 0; tries < 400 && owners[frame] != taken_as(size); tries++)
        frame = live[random_below(live_count)].frame.number;
    if (live_count + 512 < MOST_LIVE)
        split_and_compare(size, frame - frame % pages_of(size));
    if (random_below(3) == 0)
        join_and_compare(size, frame - frame % pages_of(size));
    if (cut_count > 0 && random_below(2) == 0) {
        struct live before = cut[random_below(cut_count < 8 ? cut_count : 8)];
        join_and_compare(before.size, before.frame.number);
    }
}

static void misuse_and_compare(void)
{
    enum paging_size size = random_below(20) == 0 ? PAGING_1G : random_below(2) == 0 ? PAGING_2M : PAGING_4K;
    uint64_t frame = random_below(ORACLE_FRAMES + 2000);
    if (live_count > 0 && random_below(2) == 0)
        frame = live[random_below(live_count)].frame.number + random_below(3);
    if (random_below(2) == 0)
        frame -= frame % pages_of(size);
    enum frames_status expected = oracle_free_status(size, frame);
    if (expected != FRAMES_OK)
        expect_refused(size, frame, expected);
    if (oracle_split_status(size, frame) != FRAMES_OK)
        split_and_compare(size, frame);
    if (oracle_join_status(size, frame) != FRAMES_OK)
        join_and_compare(size, frame);
}

/* Asks for the first free frame from somewhere on. */
static void ask_and_compare(void)
{
    paging_frame_t found = {77};
    uint64_t start = random_below(ORACLE_FRAMES), end = start + random_below(3000), expected = start;
    while (expected < end && (expected >= ORACLE_FRAMES || owners[expected] != FREE))
        expected++;
    struct frames_run run = {frame_at(start), frame_at(end)};
    assert_int_equal(frames_first_free(&frames, run, &found), expected < end);
    assert_int_equal(found.number, expected < end ? expected : 77);
}

/* Gives all back, and takes the largest runs first: every run that can be there is there. */
static void recover_completely(void)
{
    while (live_count > 0)
        free_and_compare(random_below(live_count));
    for (enum paging_size size = PAGING_1G; size >= PAGING_2M; size--)
        while (oracle_has(size))
            allocate_and_compare(size);
    expect_none(PAGING_1G);
    expect_none(PAGING_2M);
    while (free_frames > 0)
        allocate_and_compare(PAGING_4K);
    expect_none(PAGING_4K);
    assert_int_equal(frames_free_count(&frames), 0);
    while (live_count > 0)
        free_and_compare(random_below(live_count));
}

/* Mostly takes for a while, then mostly gives back, so that clusters fill and empty. */
static void random_work(unsigned steps)
{
    uint64_t greed = 5;
    for (unsigned step = 0; step < steps; step++) {
        if (step % 4000 == 0)
            greed = 2 + random_below(7);
        if (step % 16 == 0)
            misuse_and_compare();
        if (step % 64 == 0)
            ask_and_compare();
        if (live_count > 0 && random_below(100) == 0)
            random_cut();
        if (random_below(10) < greed && live_count < MOST_LIVE - 1) {
            uint64_t dice = random_below(2000);
            allocate_and_compare(dice == 0 ? PAGING_1G : dice < 60 ? PAGING_2M : PAGING_4K);
        } else if (live_count > 0) {
            free_and_compare(random_below(live_count));
        }
        assert_int_equal(frames_free_count(&frames), free_frames);
    }
}

static void compare_with_oracle(size_t regions, unsigned steps)
{
    for (enum junk junk = JUNK_ZERO; junk < JUNK_COUNT; junk++) {
        seed_random(0x9e3779b9 + junk);
        own_map(regions);
        begin(oracle_map, regions, junk);
        for (size_t i = 0; i < regions; i++)
            if (oracle_map[i].kind == MEMORY_LOADER)
                assert_int_equal(frames_add_taken(&frames, oracle_map[i].start, oracle_map[i].end),
                                 FRAMES_OK);
        uint64_t total = frames_total(&frames);
        for (unsigned round = 0; round < 3; round++) {
            random_work(steps);
            recover_completely();
        }
        assert_int_equal(frames_free_count(&frames), free_frames);
        assert_int_equal(frames_total(&frames), total);
        assert_int_equal(frames_handed_out(&frames), 0);
    }
}

static void random_work_equals_an_oracle(void **state)
{
    (void)state;
    compare_with_oracle(ORACLE_REGIONS, 60000);
}

/* 5,000 frames only: all tiers become empty again and again. */
static void scarce_memory_equals_an_oracle(void **state)
{
    (void)state;
    compare_with_oracle(5, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("frames: random work equals an oracle, and all comes back", random_work_equals_an_oracle),
        FRAME_TEST("frames: the same where memory runs out all the time", scarce_memory_equals_an_oracle),
    };
    return cmocka_run_group_tests_name("frames: random", tests, NULL, NULL);
}
