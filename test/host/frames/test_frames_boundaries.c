/* SPDX-License-Identifier: MIT */
/*
 * test_frames_boundaries.c - the frame allocator where one byte, one frame or one refusal more would matter.
 */
#include "frames/frame_rig.h"
#include <stdlib.h>

/* Returns the size of a zone: the struct, and for each cluster 512 bits and a place in a list. */
static uint64_t bytes_of(uint64_t clusters)
{
    return sizeof(struct frames_zone) + clusters * (512 / 8 + sizeof(struct frames_cluster));
}

static enum frames_status add_with(unsigned char *memory, uint64_t bytes)
{
    frames_init(&frames, memory, bytes);
    return frames_add_free(&frames, frame_at(GIB(4)), frame_at(GIB(5)));
}

static void bookkeeping_is_used_to_the_byte(void **state)
{
    (void)state;
    uint64_t bytes = bytes_of(512 + 1 + 1);
    unsigned char *memory = aligned_alloc(8, bytes + 16);
    assert_non_null(memory);
    assert_int_equal(add_with(memory, bytes), FRAMES_OK);
    assert_int_equal(add_with(memory, bytes - 1), FRAMES_NO_SPACE);
    for (unsigned skipped = 1; skipped < 8; skipped++) {
        unsigned char *unaligned = memory + 8 - skipped;
        assert_int_equal(add_with(unaligned, skipped + bytes), FRAMES_OK);
        assert_int_equal(add_with(unaligned, skipped + bytes - 1), FRAMES_NO_SPACE);
        assert_int_equal(add_with(unaligned, skipped), FRAMES_NO_SPACE);
        assert_int_equal(add_with(unaligned, skipped - 1), FRAMES_NO_SPACE);
    }
    assert_int_equal(frames_total(&frames), 0);
    free(memory);
}

/* If one region cannot be added, the regions before it are not added either. */
static void a_map_that_overlaps_adds_nothing(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1), GIB(2), MEMORY_CONVENTIONAL),
                                  region(GIB(3), GIB(4), MEMORY_CONVENTIONAL),
                                  region(GIB(5), GIB(6), MEMORY_CONVENTIONAL)};
    begin_with(frames_bookkeeping_bytes(map, 3, 4), JUNK_RANDOM);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(4) - 1), frame_at(GIB(4))), FRAMES_OK);
    assert_int_equal(add_usable(map, 2), FRAMES_OVERLAP);
    assert_int_equal(add_usable(map, 3), FRAMES_OVERLAP);
    assert_int_equal(frames_total(&frames), 1);
    map[1].end.number = ((uint64_t)1 << 40) + 1;
    assert_int_equal(add_usable(map, 2), FRAMES_TOO_HIGH);
    assert_int_equal(frames_total(&frames), 1);
    map[1] = region(GIB(2) - 1, GIB(3), MEMORY_CONVENTIONAL); /* with one another */
    assert_int_equal(add_usable(map, 3), FRAMES_OVERLAP);
    assert_int_equal(frames_total(&frames), 1);
}

/* Behind the words of the frames are those of the blocks, which must not be taken for more frames. */
static void after_the_last_block_comes_another(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1), GIB(1) + 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_RANDOM);
    paging_frame_t run[2];
    expect_allocate(PAGING_2M, &run[0]);
    expect_allocate(PAGING_2M, &run[1]);
    unsigned last = run[1].number > run[0].number;
    expect_free(PAGING_2M, run[last]);
    paging_frame_t frame;
    for (uint64_t i = 0; i < BLOCK; i++)
        expect_allocate(PAGING_4K, &frame);
    expect_free(PAGING_2M, run[!last]);
    expect_allocate(PAGING_4K, &frame);
    assert_int_equal(frame.number / BLOCK, run[!last].number / BLOCK);
}

/*
 * Superblocks are initialised when they are first needed. The frames in the last one, which the end of the
 * zone cuts off, are free from the start, and stay free while the superblocks before it are initialised.
 */
static void frames_at_the_end_stay_free(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(41), GIB(60) + 5, MEMORY_CONVENTIONAL);
    for (enum junk junk = JUNK_ZERO; junk < JUNK_COUNT; junk++) {
        begin(&map, 1, junk);
        paging_frame_t frame;
        for (unsigned i = 0; i < 19; i++)
            expect_allocate(PAGING_1G, &frame);
        expect_none(PAGING_1G);
        assert_int_equal(frame.number, GIB(59));
        expect_free(PAGING_1G, frame);
        expect_allocate(PAGING_2M, &frame); /* splits it */
        assert_int_equal(frame.number / SUPERBLOCK, 59);
        for (unsigned i = 0; i < 5; i++) {
            expect_allocate(PAGING_4K, &frame);
            assert_int_equal(frame.number, GIB(60) + i);
        }
        assert_int_equal(frames_free_count(&frames), GIB(1) - BLOCK);
    }
}

/* Clusters of the top tier never become an item: there is no tier above. */
static void half_a_tebibyte_comes_back_whole(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(512), GIB(1024), MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    paging_frame_t frame;
    for (unsigned round = 0; round < 2; round++) {
        expect_allocate(PAGING_1G, &frame);
        expect_free(PAGING_1G, frame);
        assert_int_equal(frames_free_count(&frames), GIB(512));
    }
    expect_allocate(PAGING_4K, &frame);
    expect_free(PAGING_4K, frame);
    expect_allocate(PAGING_1G, &frame);
}

/* The bytes behind a zone look like a fourth tier here, of runs of 512 GiB. */
static void a_zone_has_three_tiers(void **state)
{
    (void)state;
    uint64_t bytes = bytes_of(512 * 512 + 512 + 1) + sizeof(struct frames_tier);
    unsigned char *memory = aligned_alloc(8, bytes);
    assert_non_null(memory);
    uint64_t words[512 / 64] = {0};
    struct frames_cluster place = {0, 0};
    *(struct frames_tier *)(memory + sizeof(struct frames_zone)) =
        (struct frames_tier){.free = words, .clusters = &place, .cluster_count = 1};
    frames_init(&frames, memory, bytes);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(512)), frame_at(GIB(1024))), FRAMES_OK);
    for (unsigned i = 0; i < 512 / 64; i++)
        assert_int_equal(words[i], 0);
    assert_int_equal(place.before + place.after, 0);
    free(memory);
}

/* The list names no cluster, so there is nothing to split. */
static void a_damaged_list_is_not_split(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1), GIB(3), MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_RANDOM);
    struct frames_tier *top = &frames.zones[0].tiers[FRAMES_TIERS - 1];
    top->head = top->cluster_count;
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++) {
        paging_frame_t frame = {77};
        assert_int_equal(frames_allocate(&frames, size, &frame), FRAMES_CORRUPT);
        assert_int_equal(frame.number, 77);
    }
    assert_int_equal(frames_handed_out(&frames), 0);
    assert_int_equal(top[-1].head, FRAMES_LIST_END);
}

/* The functions of a frame source return no status, so the allocator counts what it refuses. */
static void the_source_counts_what_it_refuses(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1), GIB(1) + BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    struct paging_frame_source *source = &frames.source;
    paging_frame_t frame;
    assert_true(source->reserve(source, NULL, BLOCK, 0));
    assert_false(source->reserve(source, NULL, BLOCK + 1, 0));
    source->unreserve(source, NULL);
    assert_int_equal(frames_free_count(&frames), BLOCK);
    assert_false(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_1G, &frame));
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, &frame));
    assert_false(source->reserve(source, NULL, 1, 0));
    assert_false(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    source->split(source, NULL, PAGING_2M, frame);
    source->join(source, NULL, PAGING_2M, frame);
    assert_int_equal(frames.refused_cuts, 0);
    source->join(source, NULL, PAGING_2M, frame);
    assert_int_equal(frames.refused_cuts, 1);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, frame);
    assert_int_equal(frames.refused_releases, 0);
    source->split(source, NULL, PAGING_2M, frame);
    assert_int_equal(frames.refused_cuts, 2);
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, &frame));
    source->split(source, NULL, PAGING_2M, frame);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame_at(frame.number + 1));
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, frame); /* no frame of it comes back */
    assert_int_equal(frames.refused_releases, 1);
    assert_int_equal(frames_free_count(&frames), 1);
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &(paging_frame_t){0}));
    source->join(source, NULL, PAGING_2M, frame);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, frame);
    frames.refused_releases = 0;
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, frame);
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
    assert_int_equal(frames.refused_releases, 2);
    assert_int_equal(frames_free_count(&frames), BLOCK);
    for (unsigned i = 0; i < 64; i++)
        assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    for (unsigned i = 0; i < 64; i++) /* between the first and the last of a word, the fast path */
        source->release(source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame_at(frame.number - i));
    assert_int_equal(frames_free_count(&frames), BLOCK);
    assert_int_equal(frames.refused_releases, 2);
}

static void sizes_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1), GIB(2), MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_RANDOM);
    paging_frame_t frame = {77};
    static const enum paging_size wrong[] = {0, PAGING_1G + 1};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(frames_allocate(&frames, wrong[i], &frame), FRAMES_WRONG_SIZE);
        assert_int_equal(frame.number, 77);
        expect_refused(wrong[i], GIB(1), FRAMES_WRONG_SIZE);
        expect_no_split(wrong[i], GIB(1), FRAMES_WRONG_SIZE);
        expect_no_join(wrong[i], GIB(1), FRAMES_WRONG_SIZE);
    }
    assert_int_equal(frames_handed_out(&frames), 0);
}

/* The first MiB is never handed out, so the loader's memory there costs nothing. */
static void low_memory_costs_no_bookkeeping(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1), GIB(2), MEMORY_CONVENTIONAL), region(0, 256, MEMORY_LOADER)};
    uint64_t without = frames_bookkeeping_bytes(map, 1, 0);
    assert_int_equal(frames_bookkeeping_bytes(map, 2, 0), without);
    map[1].kind = MEMORY_CONVENTIONAL;
    assert_int_equal(frames_bookkeeping_bytes(map, 2, 0), without);
    map[1] = region(0, 257, MEMORY_LOADER);
    assert_int_equal(frames_bookkeeping_bytes(map, 2, 0), without + bytes_of(3));
}

/* Two frames have two clusters in each tier if an item of every tier ends between them. */
static void slack_is_for_the_worst_zones(void **state)
{
    (void)state;
    uint64_t none = frames_bookkeeping_bytes(NULL, 0, 0);
    assert_true(none <= 16); /* what may be lost where both ends are unaligned */
    assert_int_equal(frames_bookkeeping_bytes(NULL, 0, 3), none + 3 * bytes_of(6));
    begin_with(none + 3 * bytes_of(6), JUNK_ONES);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(frames_add_free(&frames, frame_at(GIB(512 * i) - 1), frame_at(GIB(512 * i) + 1)),
                         FRAMES_OK);
}

static void names_of_statuses(void **state)
{
    (void)state;
    const char *unknown = frames_status_name((enum frames_status) - 1);
    assert_string_equal(frames_status_name(FRAMES_STATUS_COUNT), unknown);
    for (unsigned status = 0; status < FRAMES_STATUS_COUNT; status++)
        for (unsigned other = 0; other < status; other++)
            assert_string_not_equal(frames_status_name((enum frames_status)status),
                                    frames_status_name((enum frames_status)other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("frames: when the last block of a zone is used up, another one is taken",
                   after_the_last_block_comes_another),
        FRAME_TEST("frames: bookkeeping memory is used to the byte, one less is refused",
                   bookkeeping_is_used_to_the_byte),
        FRAME_TEST("frames: of a map that overlaps a zone or is too high, no region is added",
                   a_map_that_overlaps_adds_nothing),
        FRAME_TEST("frames: those at a zone's end stay free while superblocks before them are initialised",
                   frames_at_the_end_stay_free),
        FRAME_TEST("frames: the last GiB of 512 comes back like the first", half_a_tebibyte_comes_back_whole),
        FRAME_TEST("frames: what lies behind a zone is not a tier of it", a_zone_has_three_tiers),
        FRAME_TEST("frames: a run that a damaged list does not name is not split either",
                   a_damaged_list_is_not_split),
        FRAME_TEST("frames: the source counts the releases and cuts it had to refuse",
                   the_source_counts_what_it_refuses),
        FRAME_TEST("frames: runs of a size that does not exist are refused",
                   sizes_that_do_not_exist_are_refused),
        FRAME_TEST("frames: the loader's memory below 1 MiB costs no bookkeeping",
                   low_memory_costs_no_bookkeeping),
        FRAME_TEST("frames: slack is enough for zones that are costly", slack_is_for_the_worst_zones),
        FRAME_TEST("frames: each status has a name of its own", names_of_statuses),
    };
    return cmocka_run_group_tests_name("frames: edges", tests, NULL, NULL);
}
