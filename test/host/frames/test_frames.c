/* SPDX-License-Identifier: MIT */
/*
 * test_frames.c - what the frame allocator hands out, takes back, and refuses to take back.
 */
#include "frames/frame_rig.h"
#include <string.h>

static void nothing_to_hand_out(void **state)
{
    (void)state;
    begin_with(0, JUNK_ONES);
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++) {
        expect_none(size);
        expect_refused(size, 0, FRAMES_FOREIGN);
    }
    assert_int_equal(add_usable(NULL, 0), FRAMES_OK);
    assert_int_equal(frames_total(&frames), 0);
}

static void the_first_mib_stays_out(void **state)
{
    (void)state;
    struct memory_region map[] = {region(0, 0x9f, MEMORY_CONVENTIONAL), region(0xa0, 0x102, MEMORY_BOOT)};
    begin(map, 2, JUNK_ONES);
    assert_int_equal(frames_total(&frames), 2);
    paging_frame_t one;
    paging_frame_t other;
    expect_allocate(PAGING_4K, &one);
    expect_allocate(PAGING_4K, &other);
    assert_int_equal(one.number + other.number, 0x100 + 0x101);
    expect_none(PAGING_4K);
    for (uint64_t number = 0; number < 0x100; number++)
        expect_refused(PAGING_4K, number, FRAMES_FOREIGN);
    assert_int_equal(frames_add_free(&frames, frame_at(0), frame_at(256)), FRAMES_OK);
    assert_int_equal(frames_add_taken(&frames, frame_at(9), frame_at(9)), FRAMES_OK);
    assert_int_equal(frames_total(&frames), 2);
}

static void only_usable_kinds_are_taken_and_neighbours_are_one_zone(void **state)
{
    (void)state;
    struct memory_region map[MEMORY_KIND_COUNT + 1];
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++)
        map[kind] = region(BLOCK + kind * 256, BLOCK + kind * 256 + 256, (enum memory_kind)kind);
    map[MEMORY_KIND_COUNT] = region(BLOCK * 64, BLOCK * 64 + 3, MEMORY_BOOT);
    begin(map, MEMORY_KIND_COUNT + 1, JUNK_RANDOM);
    assert_int_equal(frames_total(&frames), 512 + 3);
    assert_int_equal(frames.zone_count, 2);
    paging_frame_t block;
    expect_allocate(PAGING_2M, &block);
    assert_int_equal(block.number, BLOCK);
}

/*
 * Takes everything as single frames, gives it back in random order, and counts the larger runs there are
 * then.
 */
static void drain_and_refill(uint64_t start, uint64_t count)
{
    static paging_frame_t taken[3 * 512];
    static unsigned char seen[3 * 512];
    memset(seen, 0, sizeof seen);
    for (uint64_t i = 0; i < count; i++) {
        expect_allocate(PAGING_4K, &taken[i]);
        assert_in_range(taken[i].number, start, start + count - 1);
        assert_int_equal(seen[taken[i].number - start]++, 0);
        if (i % 100 == 0) {
            expect_refused(PAGING_4K, start + count, FRAMES_FOREIGN);
            expect_refused(PAGING_4K, start - 1, FRAMES_FOREIGN);
        }
    }
    expect_none(PAGING_4K);
    assert_int_equal(frames_free_count(&frames), 0);
    expect_refused(PAGING_4K, start + count, FRAMES_FOREIGN);
    expect_refused(PAGING_4K, start - 1, FRAMES_FOREIGN);
    for (uint64_t left = count; left > 0; left--) {
        uint64_t chosen = random_below(left);
        expect_free(PAGING_4K, taken[chosen]);
        taken[chosen] = taken[left - 1];
    }
    uint64_t first_block = (start + BLOCK - 1) / BLOCK;
    uint64_t last_block = (start + count) / BLOCK;
    uint64_t blocks = last_block > first_block ? last_block - first_block : 0;
    for (uint64_t i = 0; i < blocks; i++)
        expect_allocate(PAGING_2M, &taken[i]);
    expect_none(PAGING_2M);
    for (uint64_t i = 0; i < blocks; i++)
        expect_free(PAGING_2M, taken[i]);
    assert_int_equal(frames_free_count(&frames), count);
}

static void zones_of_every_small_size_give_all_they_have(void **state)
{
    (void)state;
    static const uint64_t starts[] = {256, GIB(1) - 511, GIB(1) - 1, GIB(1), GIB(1) + 1, GIB(512) - 700};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (uint64_t count = 1; count <= 1100; count += count < 20 || count % 512 > 505 ? 1 : 7) {
            struct memory_region map = region(starts[i], starts[i] + count, MEMORY_CONVENTIONAL);
            begin(&map, 1, (enum junk)random_below(JUNK_COUNT));
            assert_int_equal(frames_total(&frames), count);
            drain_and_refill(starts[i], count);
            drain_and_refill(starts[i], count);
        }
    }
}

static void bad_frees_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1) - 3, GIB(3) + 5, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    paging_frame_t giant;
    paging_frame_t block;
    paging_frame_t single;
    expect_allocate(PAGING_1G, &giant);
    expect_allocate(PAGING_2M, &block);
    for (unsigned edge = 0; edge < 8 + 1; edge++) /* the cut-off blocks at the ends come first */
        expect_allocate(PAGING_4K, &single);
    expect_refused(PAGING_2M, giant.number, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_4K, giant.number + 5, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_1G, block.number - block.number % SUPERBLOCK, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_4K, block.number, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_2M, single.number - single.number % BLOCK, FRAMES_WRONG_SIZE);
    expect_refused(PAGING_2M, block.number + 1, FRAMES_MISALIGNED);
    expect_refused(PAGING_1G, giant.number + BLOCK, FRAMES_MISALIGNED);
    expect_refused(PAGING_4K, single.number + 1, FRAMES_DOUBLE_FREE);
    expect_refused(PAGING_2M, GIB(3), FRAMES_FOREIGN);
    expect_refused(PAGING_1G, GIB(3), FRAMES_FOREIGN);
    expect_refused(PAGING_4K, GIB(3) + 5, FRAMES_FOREIGN);
    expect_refused(PAGING_4K, GIB(1) - 4, FRAMES_FOREIGN);
    expect_refused(PAGING_4K, UINT64_MAX, FRAMES_FOREIGN);
    expect_refused((enum paging_size)0, single.number, FRAMES_WRONG_SIZE);
    expect_refused((enum paging_size)4, single.number, FRAMES_WRONG_SIZE);
    expect_free(PAGING_4K, single);
    expect_refused(PAGING_4K, single.number, FRAMES_DOUBLE_FREE);
    expect_free(PAGING_2M, block);
    expect_refused(PAGING_2M, block.number, FRAMES_DOUBLE_FREE);
    expect_free(PAGING_1G, giant);
    expect_refused(PAGING_1G, giant.number, FRAMES_DOUBLE_FREE);
    paging_frame_t unused;
    assert_int_equal(frames_allocate(&frames, (enum paging_size)4, &unused), FRAMES_WRONG_SIZE);
}

static void a_frame_freed_in_a_full_block_comes_back(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    paging_frame_t frame;
    for (uint64_t i = 0; i < BLOCK; i++)
        expect_allocate(PAGING_4K, &frame);
    for (uint64_t i = 0; i < 2000; i++) {
        paging_frame_t chosen = frame_at(BLOCK + random_below(BLOCK));
        expect_none(PAGING_4K);
        expect_free(PAGING_4K, chosen);
        expect_refused(PAGING_4K, chosen.number, FRAMES_DOUBLE_FREE);
        expect_allocate(PAGING_4K, &frame);
        assert_int_equal(frame.number, chosen.number);
    }
}

/* The list names a block that is handed out as a whole, then one that does not exist. */
static void a_damaged_free_list_hands_nothing_out_twice(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 3 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ZERO);
    paging_frame_t whole;
    paging_frame_t frame;
    expect_allocate(PAGING_2M, &whole);
    for (unsigned i = 0; i < BLOCK; i++)
        expect_allocate(PAGING_4K, &frame);
    expect_none(PAGING_4K);
    struct frames_tier *tier = &frames.zones[0].tiers[0];
    const uint32_t wrong[] = {(uint32_t)((whole.number - tier->first) / BLOCK), tier->cluster_count,
                              FRAMES_CLUSTER_FULL};
    for (unsigned i = 0; i < 3; i++) {
        tier->head = wrong[i];
        frame.number = 77;
        assert_int_equal(frames_allocate(&frames, PAGING_4K, &frame), FRAMES_CORRUPT);
        assert_int_equal(frame.number, 77);
        assert_int_equal(frames_free_count(&frames), 0);
    }
    tier->head = FRAMES_LIST_END;
    expect_free(PAGING_2M, whole);
    expect_allocate(PAGING_4K, &frame);
}

static void a_frame_source_counts_what_it_refuses(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, BLOCK + 2, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    struct paging_frame_source *source = &frames.source;
    paging_frame_t one;
    paging_frame_t two;
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &one));
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &two));
    paging_frame_t none = {77};
    assert_false(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &none));
    assert_int_equal(none.number, 77);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, one);
    assert_int_equal(frames.refused_releases, 0);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, one);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, frame_at(BLOCK));
    assert_int_equal(frames.refused_releases, 2);
    assert_int_equal(frames.refused_cuts, 0);
    source->split(source, NULL, PAGING_2M, frame_at(BLOCK));
    assert_int_equal(frames.refused_cuts, 1);
    source->join(source, NULL, PAGING_2M, frame_at(BLOCK));
    assert_int_equal(frames.refused_cuts, 2);
    assert_int_equal(frames_free_count(&frames), 1);
}

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (unsigned status = 0; status < FRAMES_STATUS_COUNT; status++)
        assert_string_not_equal(frames_status_name((enum frames_status)status), "unknown");
    assert_string_equal(frames_status_name((enum frames_status)999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("frames: without memory there is nothing to hand out", nothing_to_hand_out),
        FRAME_TEST("frames: the first MiB stays out", the_first_mib_stays_out),
        FRAME_TEST("frames: only usable kinds are taken, and neighbours are one zone",
                   only_usable_kinds_are_taken_and_neighbours_are_one_zone),
        FRAME_TEST("frames: zones of every small size give all they have, twice",
                   zones_of_every_small_size_give_all_they_have),
        FRAME_TEST("frames: double, foreign, misaligned and wrongly sized frees are refused",
                   bad_frees_are_refused_and_change_nothing),
        FRAME_TEST("frames: a frame freed in a full block comes back",
                   a_frame_freed_in_a_full_block_comes_back),
        FRAME_TEST("frames: a damaged free list hands nothing out twice",
                   a_damaged_free_list_hands_nothing_out_twice),
        FRAME_TEST("frames: a frame source counts what it refuses", a_frame_source_counts_what_it_refuses),
        FRAME_TEST("frames: every status has a name", every_status_has_a_name),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
