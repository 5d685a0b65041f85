/* SPDX-License-Identifier: MIT */
/*
 * test_frames_add.c - how zones are added, and what a zone costs.
 */
#include "frames/frame_rig.h"
#include <stdlib.h>
#include <sys/mman.h>

static void runs_that_cannot_be_added_are_refused(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1), GIB(2), MEMORY_CONVENTIONAL),
                                  region(GIB(4), GIB(4) + 9, MEMORY_CONVENTIONAL)};
    begin_with(frames_bookkeeping_bytes(map, 2, 2), JUNK_ONES);
    assert_int_equal(add_usable(map, 2), FRAMES_OK);
    static const uint64_t overlaps[][2] = {
        {GIB(1), GIB(2)},         {GIB(2) - 1, GIB(2) + 1},  {GIB(1) - 1, GIB(1) + 1}, {0, GIB(9)},
        {GIB(1) + 7, GIB(1) + 8}, {GIB(4) + 8, GIB(4) + 10}, {GIB(3), GIB(4) + 1}};
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        paging_frame_t start = frame_at(overlaps[i][0]);
        paging_frame_t end = frame_at(overlaps[i][1]);
        assert_int_equal(frames_add_free(&frames, start, end), FRAMES_OVERLAP);
        assert_int_equal(frames_add_taken(&frames, start, end), FRAMES_OVERLAP);
    }
    assert_int_equal(add_usable(map + 1, 1), FRAMES_OVERLAP);
    paging_frame_t limit = frame_at((uint64_t)1 << 40);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(5)), frame_at(limit.number + 1)), FRAMES_TOO_HIGH);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(5)), frame_at(GIB(6))), FRAMES_NO_SPACE);
    assert_int_equal(frames_total(&frames), GIB(1) + 9);
    assert_int_equal(frames.zone_count, 2);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(2)), frame_at(GIB(2) + 1)), FRAMES_OK);
    assert_int_equal(frames_add_free(&frames, frame_at(limit.number - 1), limit), FRAMES_OK);
    assert_int_equal(frames_total(&frames), GIB(1) + 11);
}

static void reversed_runs_are_refused(void **state)
{
    (void)state;
    static const uint64_t reversed[][2] = {{GIB(2), GIB(2) - 1}, {GIB(2), 0}, {256, 255}, {9, 8}, {1, 0},
                                           {UINT64_MAX, GIB(1)}};
    begin_with(4096, JUNK_ONES);
    for (size_t i = 0; i < sizeof reversed / sizeof reversed[0]; i++) {
        paging_frame_t start = frame_at(reversed[i][0]);
        paging_frame_t end = frame_at(reversed[i][1]);
        assert_int_equal(frames_add_free(&frames, start, end), FRAMES_REVERSED);
        assert_int_equal(frames_add_taken(&frames, start, end), FRAMES_REVERSED);
        struct memory_region map[] = {region(GIB(1), GIB(1) + 1, MEMORY_CONVENTIONAL),
                                      region(start.number, end.number, MEMORY_CONVENTIONAL)};
        assert_int_equal(add_usable(map, 2), FRAMES_REVERSED);
        assert_int_equal(add_usable(map + 1, 1), FRAMES_REVERSED);
        map[1].kind = MEMORY_RESERVED;
        assert_int_equal(add_usable(map + 1, 1), FRAMES_OK); /* it is not used */
    }
    assert_int_equal(frames_total(&frames), 0);
    assert_int_equal(frames.zone_count, 0);
}

/* Also one that is empty only because the first MiB is left out. */
static void empty_runs_add_nothing(void **state)
{
    (void)state;
    static const uint64_t empty[][2] = {{0, 0}, {9, 9}, {256, 256}, {GIB(2), GIB(2)}, {0, 256}, {255, 256}};
    begin_with(4096, JUNK_ONES);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        paging_frame_t start = frame_at(empty[i][0]);
        paging_frame_t end = frame_at(empty[i][1]);
        assert_int_equal(frames_add_free(&frames, start, end), FRAMES_OK);
        assert_int_equal(frames_add_taken(&frames, start, end), FRAMES_OK);
        struct memory_region map[] = {region(start.number, end.number, MEMORY_CONVENTIONAL)};
        assert_int_equal(add_usable(map, 1), FRAMES_OK);
    }
    assert_int_equal(frames.zone_count, 0);
}

/* A run is added above others, below them, and between them. */
static void runs_may_touch(void **state)
{
    (void)state;
    static const uint64_t runs[][2] = {{GIB(2), GIB(2) + 9},
                                       {GIB(2) + 10, GIB(2) + 11},
                                       {GIB(2) - 1, GIB(2)},
                                       {GIB(2) + 9, GIB(2) + 10},
                                       {GIB(2) - 9, GIB(2) - 1}};
    begin_with(4096, JUNK_ONES);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        assert_int_equal(frames_add_free(&frames, frame_at(runs[i][0]), frame_at(runs[i][1])), FRAMES_OK);
    assert_int_equal(frames_total(&frames), 20);
    assert_int_equal(frames.zone_count, 5);
}

/* Returns the least memory with which `zones` zones of one frame can be added. */
static uint64_t least_bytes(uint64_t zones)
{
    for (uint64_t bytes = 8;; bytes += 8) {
        uint64_t added = 0;
        begin_with(bytes, JUNK_RANDOM);
        while (added < zones && frames_add_free(&frames, frame_at((added + 1) * BLOCK),
                                                frame_at((added + 1) * BLOCK + 1)) == FRAMES_OK)
            added++;
        if (added == zones)
            return bytes;
    }
}

/* So no zone gets memory that an earlier one has. Eight bytes may be lost where the memory begins. */
static void each_zone_takes_what_the_first_took(void **state)
{
    (void)state;
    const uint64_t first = least_bytes(1);
    for (uint64_t zones = 2; zones <= 5; zones++)
        assert_in_range(least_bytes(zones), zones * (first - 8), zones * first + 8);
}

/*
 * Nothing is lost in silence: what is added and what is left out is all there is, and less room leaves out
 * more.
 */
static void what_does_not_fit_is_left_out_and_counted(void **state)
{
    (void)state;
    struct memory_region map[] = {region(BLOCK, 2 * BLOCK, MEMORY_BOOT),
                                  region(3 * BLOCK, 4 * BLOCK, MEMORY_BOOT)};
    uint64_t bytes = frames_bookkeeping_bytes(map, 2, 0);
    uint64_t before = 2 * BLOCK;
    for (uint64_t less = 32; less < bytes; less += 40) {
        begin_with(bytes - less, JUNK_RANDOM);
        assert_int_equal(add_usable(map, 2), FRAMES_OK);
        assert_int_equal(frames_total(&frames) + left_out, 2 * BLOCK);
        assert_true(frames_total(&frames) <= before);
        before = frames_total(&frames);
        assert_true(before > 0 || less > bytes / 2);
        paging_frame_t frame;
        for (uint64_t i = 0; i < before; i++)
            expect_allocate(PAGING_4K, &frame);
        expect_none(PAGING_4K);
    }
    assert_int_equal(before, 0);
}

/* A map whose regions were cut up afterwards, as loaders do, fits into what was asked for before. */
static void an_earlier_map_plus_slack_is_enough(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct memory_region before = region(256 + random_below(GIB(1)), 0, MEMORY_CONVENTIONAL);
        before.end.number = before.start.number + 30 + random_below(GIB(1));
        uint64_t cuts = random_below(12);
        begin_with(frames_bookkeeping_bytes(&before, 1, 2 * cuts), JUNK_ZERO);
        uint64_t at = before.start.number;
        for (uint64_t cut = 0; cut < cuts; cut++) {
            uint64_t middle = at + random_below(before.end.number - at + 1);
            uint64_t end = middle + random_below((before.end.number - middle) / 8 + 1) % 999;
            assert_int_equal(frames_add_free(&frames, frame_at(at), frame_at(middle)), FRAMES_OK);
            assert_int_equal(frames_add_taken(&frames, frame_at(middle), frame_at(end)), FRAMES_OK);
            at = end;
        }
        assert_int_equal(frames_add_free(&frames, frame_at(at), before.end), FRAMES_OK);
        assert_int_equal(frames_total(&frames), before.end.number - before.start.number);
    }
}

static void an_adopted_run_comes_back_frame_by_frame(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1) - 700, GIB(2) + 700, MEMORY_LOADER),
                                  region(GIB(3), GIB(3) + 1, MEMORY_CONVENTIONAL)};
    begin(map, 2, JUNK_ONES);
    assert_int_equal(frames_add_taken(&frames, map[0].start, map[0].end), FRAMES_OK);
    assert_int_equal(frames_handed_out(&frames), GIB(1) + 1400);
    assert_int_equal(frames_free_count(&frames), 1);
    expect_refused(PAGING_1G, GIB(1), FRAMES_WRONG_SIZE);
    expect_refused(PAGING_2M, GIB(1), FRAMES_WRONG_SIZE);
    expect_none(PAGING_2M);
    for (uint64_t number = map[0].start.number; number < map[0].end.number; number++)
        expect_free(PAGING_4K, frame_at(number));
    assert_int_equal(frames_handed_out(&frames), 0);
    paging_frame_t giant;
    expect_allocate(PAGING_1G, &giant);
    assert_int_equal(giant.number, GIB(1));
    expect_none(PAGING_1G);
}

/* Beyond what a zone knows from the start, clusters are junk that looks as if some frames were handed out. */
static void open_superblocks(enum junk junk)
{
    struct memory_region map[] = {region(GIB(1) - 5, GIB(40), MEMORY_CONVENTIONAL),
                                  region(GIB(41), GIB(80) + 3 * BLOCK + 5, MEMORY_CONVENTIONAL)};
    begin(map, 2, junk);
    paging_frame_t block; /* the end cuts off the superblock that it is in */
    expect_allocate(PAGING_2M, &block);
    assert_true(block.number >= GIB(80));
    expect_refused(PAGING_4K, block.number + 3, FRAMES_WRONG_SIZE);
    expect_free(PAGING_2M, block);
    static paging_frame_t giants[78];
    for (unsigned got = 0; got <= 78; got++) {
        for (unsigned at = 0; at < 39; at++) {
            bool taken[] = {false, false};
            for (unsigned i = 0; i < got; i++)
                taken[giants[i].number > GIB(40)] |= giants[i].number % GIB(40) == GIB(at + 1);
            for (unsigned zone = 0; zone < 2; zone++) {
                uint64_t start = GIB(at + 1) + GIB(40) * zone;
                enum frames_status expected = taken[zone] ? FRAMES_WRONG_SIZE : FRAMES_DOUBLE_FREE;
                expect_refused(PAGING_4K, start + 3, expected);
                expect_refused(PAGING_2M, start + BLOCK, expected);
            }
        }
        expect_refused(PAGING_4K, GIB(40), FRAMES_FOREIGN);
        expect_refused(PAGING_4K, GIB(80) + 3, FRAMES_DOUBLE_FREE);
        expect_refused(PAGING_4K, GIB(80) + BLOCK + 3, FRAMES_DOUBLE_FREE);
        if (got < 78)
            expect_allocate(PAGING_1G, &giants[got]);
    }
    expect_none(PAGING_1G);
    for (unsigned got = 0; got < 78; got++) {
        assert_int_equal(frames_split(&frames, PAGING_1G, giants[got]), FRAMES_OK);
        expect_refused(PAGING_4K, giants[got].number + 3, FRAMES_WRONG_SIZE);
        assert_int_equal(frames_join(&frames, PAGING_1G, giants[got]), FRAMES_OK);
    }
    for (unsigned zone = 0; zone < 2; zone++) /* all is initialised, and nothing beyond */
        assert_int_equal(frames.zones[zone].start + frames.zones[zone].initialised, map[zone].end.number);
    for (unsigned got = 0; got < 78; got++)
        expect_free(PAGING_1G, giants[got]);
    assert_int_equal(frames_handed_out(&frames), 0);
}

static void superblocks_open_from_junk(void **state)
{
    (void)state;
    for (enum junk junk = JUNK_ZERO; junk < JUNK_COUNT; junk++)
        open_superblocks(junk);
}

/* Then every free in it takes the fast path. */
static void a_zone_of_a_few_gib_is_initialised_at_once(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1) - 5, GIB(15) + 5, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    assert_int_equal(frames.zones[0].start + frames.zones[0].initialised, map.end.number);
}

static uint64_t resident_pages(void *memory, uint64_t bytes)
{
    uint64_t pages = (bytes + 4095) / 4096;
    unsigned char *resident = malloc(pages);
    assert_non_null(resident);
    assert_int_equal(mincore(memory, bytes, resident), 0);
    uint64_t count = 0;
    for (uint64_t i = 0; i < pages; i++)
        count += resident[i] & 1;
    free(resident);
    return count;
}

static void four_tib_touch_a_few_pages_of_bookkeeping(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(4) - 77, GIB(4100) + 77, MEMORY_CONVENTIONAL);
    uint64_t bytes = frames_bookkeeping_bytes(&map, 1, 0);
    assert_true(bytes < (GIB(4096) + 154) * 15 / 100);
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED);
    frames_init(&frames, memory, bytes);
    assert_int_equal(add_usable(&map, 1), FRAMES_OK);
    uint64_t started = resident_pages(memory, bytes);
    paging_frame_t frame;
    for (unsigned i = 0; i < 154 + 600; i++)
        expect_allocate(PAGING_4K, &frame);
    expect_free(PAGING_4K, frame);
    uint64_t used = resident_pages(memory, bytes);
    for (uint64_t i = 0; i < 4095; i++) /* single frames have split one of the 4096 */
        expect_allocate(PAGING_1G, &frame);
    expect_none(PAGING_1G);
    print_message("# 4 TiB: %lu MiB of bookkeeping, %lu pages touched, %lu after 754 frames\n", bytes >> 20,
                  started, used);
    assert_true(started <= 160); /* nine for each superblock that is initialised from the start */
    assert_true(used <= started + 8);
    munmap(memory, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAME_TEST("frames: runs that overlap, are too high or do not fit are refused",
                   runs_that_cannot_be_added_are_refused),
        FRAME_TEST("frames: a run that ends before it starts is refused", reversed_runs_are_refused),
        FRAME_TEST("frames: a run that is empty adds nothing", empty_runs_add_nothing),
        FRAME_TEST("frames: runs may touch each other", runs_may_touch),
        FRAME_TEST("frames: each zone takes what the first one took", each_zone_takes_what_the_first_took),
        FRAME_TEST("frames: what the bookkeeping has no room for is left out, and counted",
                   what_does_not_fit_is_left_out_and_counted),
        FRAME_TEST("frames: bookkeeping for an earlier map plus slack is enough",
                   an_earlier_map_plus_slack_is_enough),
        FRAME_TEST("frames: an adopted run comes back frame by frame",
                   an_adopted_run_comes_back_frame_by_frame),
        FRAME_TEST("frames: superblocks open from junk", superblocks_open_from_junk),
        FRAME_TEST("frames: a zone of a few GiB is initialised at once",
                   a_zone_of_a_few_gib_is_initialised_at_once),
        FRAME_TEST("frames: 4 TiB touch a few pages of bookkeeping",
                   four_tib_touch_a_few_pages_of_bookkeeping),
    };
    return cmocka_run_group_tests_name("frames: adding", tests, NULL, NULL);
}
