/* SPDX-License-Identifier: MIT */
/*
 * test_frames_split.c - runs that are handed out as one, split into 512, and joined again.
 */
#include "frames/frame_rig.h"

static void expect_split(enum paging_size size, uint64_t number)
{
    expect_no_split(size, number, FRAMES_OK);
}

static void expect_join(enum paging_size size, uint64_t number)
{
    expect_no_join(size, number, FRAMES_OK);
}

/* Returns 0 to 511 in an order that jumps about: 211 and 512 have no common factor. */
static uint64_t shuffled(uint64_t i)
{
    return i * 211 % 512;
}

static void a_split_block_comes_back_frame_by_frame(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    for (enum junk junk = JUNK_ZERO; junk < JUNK_COUNT; junk++) {
        begin(&map, 1, junk);
        paging_frame_t block;
        expect_allocate(PAGING_2M, &block);
        expect_refused(PAGING_4K, block.number + 3, FRAMES_WRONG_SIZE);
        expect_split(PAGING_2M, block.number);
        expect_refused(PAGING_2M, block.number, FRAMES_WRONG_SIZE);
        expect_none(PAGING_4K);
        for (uint64_t i = 0; i < BLOCK; i++) {
            expect_none(PAGING_2M);
            expect_free(PAGING_4K, frame_at(block.number + shuffled(i)));
            assert_int_equal(frames_free_count(&frames), i + 1);
            expect_refused(PAGING_4K, block.number + shuffled(i), FRAMES_DOUBLE_FREE);
        }
        expect_allocate(PAGING_2M, &block);
        assert_int_equal(block.number, BLOCK);
    }
}

/* A frame that was freed in a split block is handed out again like any other. */
static void a_split_block_is_used_in_part(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    paging_frame_t frame;
    expect_allocate(PAGING_2M, &frame);
    expect_split(PAGING_2M, BLOCK);
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t chosen = BLOCK + random_below(BLOCK);
        expect_free(PAGING_4K, frame_at(chosen));
        expect_no_join(PAGING_2M, BLOCK, FRAMES_INCOMPLETE);
        expect_allocate(PAGING_4K, &frame);
        assert_int_equal(frame.number, chosen);
        expect_none(PAGING_4K);
        if (i % 3 == 0) {
            expect_join(PAGING_2M, BLOCK);
            expect_refused(PAGING_4K, chosen, FRAMES_WRONG_SIZE);
            expect_none(PAGING_4K);
            expect_split(PAGING_2M, BLOCK);
        }
    }
}

/* Splits 1 GiB, 2 MiB of it, and joins them again; in superblocks that are initialised and in others. */
static void splits_nest(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1) - 5, GIB(20) + 7, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    paging_frame_t giant;
    uint64_t total = frames_total(&frames);
    for (unsigned i = 0; i < 19; i++)
        expect_allocate(PAGING_1G, &giant);
    for (uint64_t start = GIB(19); start >= GIB(1); start -= GIB(1)) {
        uint64_t block = start + BLOCK * (start / GIB(1) * 27 % 512);
        uint64_t before = frames_free_count(&frames);
        expect_no_split(PAGING_2M, block, FRAMES_WRONG_SIZE);
        expect_split(PAGING_1G, start);
        expect_refused(PAGING_1G, start, FRAMES_WRONG_SIZE);
        expect_refused(PAGING_4K, block + 9, FRAMES_WRONG_SIZE);
        expect_split(PAGING_2M, block);
        expect_refused(PAGING_2M, block, FRAMES_WRONG_SIZE);
        expect_free(PAGING_4K, frame_at(block + 9));
        expect_no_join(PAGING_1G, start, FRAMES_INCOMPLETE);
        expect_no_join(PAGING_2M, block, FRAMES_INCOMPLETE);
        for (uint64_t at = start; at < start + SUPERBLOCK; at += BLOCK)
            if (at != block)
                expect_free(PAGING_2M, frame_at(at));
        for (uint64_t i = 0; i < BLOCK; i++)
            if (i != 9)
                expect_free(PAGING_4K, frame_at(block + i));
        assert_int_equal(frames_free_count(&frames), before + SUPERBLOCK);
        expect_allocate(PAGING_1G, &giant);
        assert_int_equal(giant.number, start);
    }
    for (unsigned i = 0; i < 19; i++)
        expect_free(PAGING_1G, frame_at(GIB(i + 1)));
    assert_int_equal(frames_free_count(&frames), total);
}

static void join_reverses_split(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1), GIB(2), MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_RANDOM);
    paging_frame_t giant;
    expect_allocate(PAGING_1G, &giant);
    expect_split(PAGING_1G, giant.number);
    for (uint64_t block = GIB(1); block < GIB(2); block += BLOCK) {
        expect_split(PAGING_2M, block);
        expect_no_join(PAGING_1G, giant.number, FRAMES_INCOMPLETE);
        expect_join(PAGING_2M, block);
        expect_no_join(PAGING_2M, block, FRAMES_WRONG_SIZE);
        expect_refused(PAGING_4K, block + 511, FRAMES_WRONG_SIZE);
    }
    expect_join(PAGING_1G, giant.number);
    expect_no_join(PAGING_1G, giant.number, FRAMES_WRONG_SIZE);
    expect_no_join(PAGING_2M, giant.number + BLOCK, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_2M, giant.number + BLOCK, FRAMES_WRONG_SIZE);
    expect_free(PAGING_1G, giant);
    expect_no_join(PAGING_1G, giant.number, FRAMES_DOUBLE_FREE);
    expect_no_join(PAGING_2M, giant.number, FRAMES_DOUBLE_FREE);
}

/* Also in a zone of which each frame was adopted as in use. */
static void singles_are_joined(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1) - 3, GIB(2) + 3, MEMORY_LOADER),
                                  region(3 * BLOCK, 4 * BLOCK, MEMORY_CONVENTIONAL)};
    begin(map, 2, JUNK_ONES);
    paging_frame_t frame;
    for (uint64_t i = 0; i < BLOCK; i++) {
        expect_no_join(PAGING_2M, 3 * BLOCK, i ? FRAMES_INCOMPLETE : FRAMES_DOUBLE_FREE);
        expect_allocate(PAGING_4K, &frame);
    }
    expect_join(PAGING_2M, 3 * BLOCK);
    expect_none(PAGING_4K);
    expect_free(PAGING_2M, frame_at(3 * BLOCK));
    assert_int_equal(frames_add_taken(&frames, map[0].start, map[0].end), FRAMES_OK);
    for (uint64_t block = GIB(1); block < GIB(2); block += BLOCK) {
        expect_no_join(PAGING_1G, GIB(1), FRAMES_INCOMPLETE);
        expect_join(PAGING_2M, block);
    }
    expect_join(PAGING_1G, GIB(1));
    expect_free(PAGING_1G, frame_at(GIB(1)));
    expect_free(PAGING_4K, frame_at(GIB(1) - 1));
    expect_free(PAGING_4K, frame_at(GIB(2)));
    assert_int_equal(frames_handed_out(&frames), 4);
}

/* 512 frames need not be in one zone to be neighbours. */
static void runs_across_zones_are_joined(void **state)
{
    (void)state;
    static const uint64_t ends[] = {GIB(1), GIB(1) + 700, GIB(1) + 701, GIB(2)};
    struct memory_region all = region(ends[0], ends[3], MEMORY_LOADER);
    begin_with(frames_bookkeeping_bytes(&all, 1, 4), JUNK_RANDOM);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(frames_add_taken(&frames, frame_at(ends[i]), frame_at(ends[i + 1])), FRAMES_OK);
    uint64_t block = GIB(1) + BLOCK; /* in all three */
    expect_free(PAGING_4K, frame_at(block + 511));
    expect_no_join(PAGING_2M, block, FRAMES_FOREIGN);
    expect_no_split(PAGING_2M, block, FRAMES_FOREIGN);
    expect_refused(PAGING_2M, block, FRAMES_FOREIGN);
    paging_frame_t frame;
    expect_allocate(PAGING_4K, &frame);
    expect_no_join(PAGING_1G, GIB(1), FRAMES_FOREIGN);
    for (uint64_t at = GIB(1); at < GIB(2); at += BLOCK)
        expect_join(PAGING_2M, at);
    expect_join(PAGING_1G, GIB(1));
    expect_split(PAGING_1G, GIB(1));
    expect_split(PAGING_2M, block);
    expect_free(PAGING_4K, frame_at(block));
    expect_no_join(PAGING_2M, block, FRAMES_FOREIGN);
    expect_allocate(PAGING_4K, &frame);
    expect_join(PAGING_2M, block);
    expect_free(PAGING_1G, frame_at(GIB(1)));
    assert_int_equal(frames_handed_out(&frames), 0);
    expect_refused(PAGING_1G, GIB(1), FRAMES_FOREIGN);
    expect_refused(PAGING_4K, block, FRAMES_DOUBLE_FREE);
}

static void what_is_not_such_a_run_is_refused(void **state)
{
    (void)state;
    struct memory_region map[] = {region(256, 3 * BLOCK + 256, MEMORY_CONVENTIONAL),
                                  region(GIB(1) - 3, GIB(2) + BLOCK + 3, MEMORY_CONVENTIONAL)};
    begin(map, 2, JUNK_RANDOM);
    paging_frame_t block;
    paging_frame_t giant;
    paging_frame_t single;
    expect_allocate(PAGING_2M, &block);
    expect_allocate(PAGING_1G, &giant);
    expect_allocate(PAGING_4K, &single);
    static const uint64_t foreign[] = {0, 3 * BLOCK, 4 * BLOCK, GIB(1) - BLOCK, GIB(2) + BLOCK, GIB(512)};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        expect_no_split(PAGING_2M, foreign[i], FRAMES_FOREIGN);
        expect_no_join(PAGING_2M, foreign[i], FRAMES_FOREIGN);
    }
    expect_no_split(PAGING_1G, GIB(2), FRAMES_FOREIGN);
    expect_no_join(PAGING_1G, 0, FRAMES_FOREIGN);
    expect_no_split(PAGING_2M, block.number + 1, FRAMES_MISALIGNED);
    expect_no_join(PAGING_1G, giant.number + BLOCK, FRAMES_MISALIGNED);
    expect_no_split(PAGING_1G, giant.number + BLOCK, FRAMES_MISALIGNED);
    expect_no_split(PAGING_4K, single.number, FRAMES_WRONG_SIZE);
    expect_no_join(PAGING_4K, single.number, FRAMES_WRONG_SIZE);
    expect_no_split((enum paging_size)0, block.number, FRAMES_WRONG_SIZE);
    expect_no_join((enum paging_size)4, giant.number, FRAMES_WRONG_SIZE);
    expect_free(PAGING_2M, block);
    expect_no_split(PAGING_2M, block.number, FRAMES_DOUBLE_FREE);
    expect_free(PAGING_1G, giant);
    expect_no_split(PAGING_1G, giant.number, FRAMES_DOUBLE_FREE);
    expect_no_split(PAGING_2M, giant.number, FRAMES_DOUBLE_FREE);
}

/* The block of the hot word becomes full, joined, split and free, and no frame is handed out twice. */
static void the_block_of_the_hot_word_may_be_split(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ZERO);
    paging_frame_t frame;
    for (unsigned round = 0; round < 50; round++) {
        for (uint64_t i = 0; i < BLOCK; i++)
            expect_allocate(PAGING_4K, &frame);
        expect_join(PAGING_2M, BLOCK); /* with the last frame taken the fast path */
        expect_none(PAGING_4K);
        expect_split(PAGING_2M, BLOCK);
        expect_none(PAGING_4K);
        uint64_t freed = random_below(BLOCK - 1) + 1;
        for (uint64_t i = 0; i < freed; i++)
            expect_free(PAGING_4K, frame_at(BLOCK + shuffled(i)));
        for (uint64_t i = 0; i < freed; i++)
            expect_allocate(PAGING_4K, &frame);
        expect_none(PAGING_4K);
        for (uint64_t i = 0; i < BLOCK; i++)
            expect_free(PAGING_4K, frame_at(BLOCK + shuffled(i)));
        expect_allocate(PAGING_2M, &frame);
        expect_none(PAGING_4K);
        expect_free(PAGING_2M, frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("frames: a split block comes back frame by frame",
                   a_split_block_comes_back_frame_by_frame),
        FRAME_TEST("frames: a split block is used in part", a_split_block_is_used_in_part),
        FRAME_TEST("frames: 1 GiB is split, then 2 MiB of it, then frames come back", splits_nest),
        FRAME_TEST("frames: join reverses split", join_reverses_split),
        FRAME_TEST("frames: single frames are joined", singles_are_joined),
        FRAME_TEST("frames: a run across zones is joined, split and freed", runs_across_zones_are_joined),
        FRAME_TEST("frames: split and join refuse what is not such a run", what_is_not_such_a_run_is_refused),
        FRAME_TEST("frames: the block that single frames come from may be split and joined",
                   the_block_of_the_hot_word_may_be_split),
    };
    return cmocka_run_group_tests_name("frames: split and join", tests, NULL, NULL);
}
