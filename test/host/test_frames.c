/*
 * test_frames.c - the frame allocator against an oracle that knows the owner of every frame.
 *
 * Bookkeeping memory is always handed in full of junk, and the map has holes, cut-off ends and zones of a
 * single frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/frames.h"

#define BLOCK      ((uint64_t)512)
#define SUPERBLOCK (512 * BLOCK)
#define GIB(n)     ((n)*SUPERBLOCK)

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static uint64_t pages_of(enum page_size size)
{
    return size == PAGE_4K ? 1 : size == PAGE_2M ? BLOCK : SUPERBLOCK;
}

static frame_t frame_at(uint64_t number)
{
    return (frame_t){number};
}

static struct memory_region region(uint64_t start, uint64_t end, enum memory_kind kind)
{
    return (struct memory_region){.start = {start}, .end = {end}, .attributes = 0, .kind = kind};
}

enum junk { JUNK_ZERO, JUNK_ONES, JUNK_RANDOM, JUNK_COUNT };

static struct frames frames;
static unsigned char *bookkeeping;

static void begin_with(uint64_t bytes, enum junk junk)
{
    uint64_t unaligned = random_below(8);
    free(bookkeeping);
    bookkeeping = malloc(bytes + unaligned);
    assert_non_null(bookkeeping);
    memset(bookkeeping, junk == JUNK_ONES ? 0xff : 0, bytes + unaligned);
    for (uint64_t i = 0; junk == JUNK_RANDOM && i < bytes; i++)
        bookkeeping[unaligned + i] = (unsigned char)random_below(256);
    memset(&frames, 0xa5, sizeof frames);
    frames_init(&frames, bookkeeping + unaligned, bytes);
}

/* Exactly as much memory as frames_bookkeeping_bytes asks for: the sanitizer watches its ends. */
static void begin(const struct memory_region *regions, size_t count, enum junk junk)
{
    begin_with(frames_bookkeeping_bytes(regions, count, 0), junk);
    assert_int_equal(frames_add_usable(&frames, regions, count), FRAMES_OK);
}

static int end_test(void **state)
{
    (void)state;
    free(bookkeeping);
    bookkeeping = NULL;
    return 0;
}

static void expect_allocate(enum page_size size, frame_t *frame)
{
    assert_int_equal(frames_allocate(&frames, size, frame), FRAMES_OK);
}

static void expect_free(enum page_size size, frame_t frame)
{
    assert_int_equal(frames_free(&frames, size, frame), FRAMES_OK);
}

static void expect_none(enum page_size size)
{
    frame_t frame = {77};
    assert_int_equal(frames_allocate(&frames, size, &frame), FRAMES_NONE);
    assert_int_equal(frame.number, 77);
}

static void expect_refused(enum page_size size, uint64_t number, enum frames_status status)
{
    uint64_t before = frames_free_count(&frames);
    assert_int_equal(frames_free(&frames, size, frame_at(number)), status);
    assert_int_equal(frames_free_count(&frames), before);
}

static void nothing_to_hand_out(void **state)
{
    (void)state;
    begin_with(0, JUNK_ONES);
    for (enum page_size size = PAGE_4K; size <= PAGE_1G; size++) {
        expect_none(size);
        expect_refused(size, 0, FRAMES_FOREIGN);
    }
    assert_int_equal(frames_add_usable(&frames, NULL, 0), FRAMES_OK);
    assert_int_equal(frames_total(&frames), 0);
}

static void the_first_mib_stays_out(void **state)
{
    (void)state;
    struct memory_region map[] = {region(0, 0x9f, MEMORY_CONVENTIONAL), region(0xa0, 0x102, MEMORY_BOOT)};
    begin(map, 2, JUNK_ONES);
    assert_int_equal(frames_total(&frames), 2);
    frame_t one;
    frame_t other;
    expect_allocate(PAGE_4K, &one);
    expect_allocate(PAGE_4K, &other);
    assert_int_equal(one.number + other.number, 0x100 + 0x101);
    expect_none(PAGE_4K);
    for (uint64_t number = 0; number < 0x100; number++)
        expect_refused(PAGE_4K, number, FRAMES_FOREIGN);
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
    frame_t block;
    expect_allocate(PAGE_2M, &block);
    assert_int_equal(block.number, BLOCK);
}

/* Take everything as single frames, twice, and count what larger runs there are after each. */
static void drain_and_refill(uint64_t start, uint64_t count)
{
    static frame_t taken[3 * 512];
    static unsigned char seen[3 * 512];
    memset(seen, 0, sizeof seen);
    for (uint64_t i = 0; i < count; i++) {
        expect_allocate(PAGE_4K, &taken[i]);
        assert_in_range(taken[i].number, start, start + count - 1);
        assert_int_equal(seen[taken[i].number - start]++, 0);
        if (i % 100 == 0) {
            expect_refused(PAGE_4K, start + count, FRAMES_FOREIGN);
            expect_refused(PAGE_4K, start - 1, FRAMES_FOREIGN);
        }
    }
    expect_none(PAGE_4K);
    assert_int_equal(frames_free_count(&frames), 0);
    expect_refused(PAGE_4K, start + count, FRAMES_FOREIGN);
    expect_refused(PAGE_4K, start - 1, FRAMES_FOREIGN);
    for (uint64_t left = count; left > 0; left--) {
        uint64_t chosen = random_below(left);
        expect_free(PAGE_4K, taken[chosen]);
        taken[chosen] = taken[left - 1];
    }
    uint64_t first_block = (start + BLOCK - 1) / BLOCK;
    uint64_t last_block = (start + count) / BLOCK;
    uint64_t blocks = last_block > first_block ? last_block - first_block : 0;
    for (uint64_t i = 0; i < blocks; i++)
        expect_allocate(PAGE_2M, &taken[i]);
    expect_none(PAGE_2M);
    for (uint64_t i = 0; i < blocks; i++)
        expect_free(PAGE_2M, taken[i]);
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
    frame_t giant;
    frame_t block;
    frame_t single;
    expect_allocate(PAGE_1G, &giant);
    expect_allocate(PAGE_2M, &block);
    for (unsigned edge = 0; edge < 8 + 1; edge++) /* the cut-off blocks at the ends come first */
        expect_allocate(PAGE_4K, &single);
    expect_refused(PAGE_2M, giant.number, FRAMES_WRONG_SIZE);
    expect_refused(PAGE_4K, giant.number + 5, FRAMES_WRONG_SIZE);
    expect_refused(PAGE_1G, block.number - block.number % SUPERBLOCK, FRAMES_WRONG_SIZE);
    expect_refused(PAGE_4K, block.number, FRAMES_WRONG_SIZE);
    expect_refused(PAGE_2M, single.number - single.number % BLOCK, FRAMES_WRONG_SIZE);
    expect_refused(PAGE_2M, block.number + 1, FRAMES_MISALIGNED);
    expect_refused(PAGE_1G, giant.number + BLOCK, FRAMES_MISALIGNED);
    expect_refused(PAGE_4K, single.number + 1, FRAMES_DOUBLE_FREE);
    expect_refused(PAGE_2M, GIB(3), FRAMES_FOREIGN);
    expect_refused(PAGE_1G, GIB(3), FRAMES_FOREIGN);
    expect_refused(PAGE_4K, GIB(3) + 5, FRAMES_FOREIGN);
    expect_refused(PAGE_4K, GIB(1) - 4, FRAMES_FOREIGN);
    expect_refused(PAGE_4K, UINT64_MAX, FRAMES_FOREIGN);
    expect_refused((enum page_size)0, single.number, FRAMES_WRONG_SIZE);
    expect_refused((enum page_size)4, single.number, FRAMES_WRONG_SIZE);
    expect_free(PAGE_4K, single);
    expect_refused(PAGE_4K, single.number, FRAMES_DOUBLE_FREE);
    expect_free(PAGE_2M, block);
    expect_refused(PAGE_2M, block.number, FRAMES_DOUBLE_FREE);
    expect_free(PAGE_1G, giant);
    expect_refused(PAGE_1G, giant.number, FRAMES_DOUBLE_FREE);
    frame_t unused;
    assert_int_equal(frames_allocate(&frames, (enum page_size)4, &unused), FRAMES_WRONG_SIZE);
}

static void a_frame_freed_in_a_full_block_comes_back(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    frame_t frame;
    for (uint64_t i = 0; i < BLOCK; i++)
        expect_allocate(PAGE_4K, &frame);
    for (uint64_t i = 0; i < 2000; i++) {
        frame_t chosen = frame_at(BLOCK + random_below(BLOCK));
        expect_none(PAGE_4K);
        expect_free(PAGE_4K, chosen);
        expect_refused(PAGE_4K, chosen.number, FRAMES_DOUBLE_FREE);
        expect_allocate(PAGE_4K, &frame);
        assert_int_equal(frame.number, chosen.number);
    }
}

static void runs_that_cannot_be_added_are_refused(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1), GIB(2), MEMORY_CONVENTIONAL),
                                  region(GIB(4), GIB(4) + 9, MEMORY_CONVENTIONAL)};
    begin_with(frames_bookkeeping_bytes(map, 2, 2), JUNK_ONES);
    assert_int_equal(frames_add_usable(&frames, map, 2), FRAMES_OK);
    static const uint64_t overlaps[][2] = {
        {GIB(1), GIB(2)},         {GIB(2) - 1, GIB(2) + 1},  {GIB(1) - 1, GIB(1) + 1}, {0, GIB(9)},
        {GIB(1) + 7, GIB(1) + 8}, {GIB(4) + 8, GIB(4) + 10}, {GIB(3), GIB(4) + 1}};
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        frame_t start = frame_at(overlaps[i][0]);
        frame_t end = frame_at(overlaps[i][1]);
        assert_int_equal(frames_add_free(&frames, start, end), FRAMES_OVERLAP);
        assert_int_equal(frames_add_taken(&frames, start, end), FRAMES_OVERLAP);
    }
    assert_int_equal(frames_add_usable(&frames, map + 1, 1), FRAMES_OVERLAP);
    frame_t limit = frame_at((uint64_t)1 << 40);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(5)), frame_at(limit.number + 1)), FRAMES_TOO_HIGH);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(5)), frame_at(GIB(6))), FRAMES_NO_SPACE);
    assert_int_equal(frames_total(&frames), GIB(1) + 9);
    assert_int_equal(frames.zone_count, 2);
    assert_int_equal(frames_add_free(&frames, frame_at(GIB(2)), frame_at(GIB(2) + 1)), FRAMES_OK);
    assert_int_equal(frames_add_free(&frames, frame_at(limit.number - 1), limit), FRAMES_OK);
    assert_int_equal(frames_total(&frames), GIB(1) + 11);
}

static void usable_regions_are_added_all_or_none(void **state)
{
    (void)state;
    struct memory_region map[] = {region(BLOCK, 2 * BLOCK, MEMORY_BOOT),
                                  region(3 * BLOCK, 4 * BLOCK, MEMORY_BOOT)};
    uint64_t bytes = frames_bookkeeping_bytes(map, 2, 0);
    for (uint64_t less = 32; less < bytes; less += 40) {
        begin_with(bytes - less, JUNK_RANDOM);
        assert_int_equal(frames_add_usable(&frames, map, 2), FRAMES_NO_SPACE);
        assert_int_equal(frames_total(&frames), 0);
        expect_none(PAGE_4K);
    }
}

/* The map of before, cut up in between as loaders do, fits into what was asked for. */
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
    expect_refused(PAGE_1G, GIB(1), FRAMES_WRONG_SIZE);
    expect_refused(PAGE_2M, GIB(1), FRAMES_WRONG_SIZE);
    expect_none(PAGE_2M);
    for (uint64_t number = map[0].start.number; number < map[0].end.number; number++)
        expect_free(PAGE_4K, frame_at(number));
    assert_int_equal(frames_handed_out(&frames), 0);
    frame_t giant;
    expect_allocate(PAGE_1G, &giant);
    assert_int_equal(giant.number, GIB(1));
    expect_none(PAGE_1G);
}

static void a_damaged_free_list_hands_nothing_out_twice(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, 2 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ZERO);
    frame_t frame[3];
    for (unsigned i = 0; i < 3; i++)
        expect_allocate(PAGE_4K, &frame[i]);
    expect_free(PAGE_4K, frame[0]);
    expect_free(PAGE_4K, frame[1]);
    struct frame_tier *tier = &frames.zones[0].tiers[0];
    tier->links[frame[1].number - tier->first] = (uint16_t)(frame[2].number % BLOCK);
    frame_t out;
    expect_allocate(PAGE_4K, &out);
    assert_int_equal(out.number, frame[1].number);
    uint64_t before = frames_free_count(&frames);
    assert_int_equal(frames_allocate(&frames, PAGE_4K, &out), FRAMES_CORRUPT);
    assert_int_equal(frames_free_count(&frames), before);
    assert_int_equal(out.number, frame[1].number);
}

/* Beyond what a zone knows from the start, every cluster is junk that looks as if all were handed out. */
static void superblocks_open_from_junk(void **state)
{
    (void)state;
    struct memory_region map[] = {region(GIB(1) - 5, GIB(40), MEMORY_CONVENTIONAL),
                                  region(GIB(41), GIB(80) + 3 * BLOCK + 5, MEMORY_CONVENTIONAL)};
    begin(map, 2, JUNK_ONES);
    static frame_t giants[78];
    for (unsigned got = 0; got <= 78; got++) {
        for (unsigned at = 0; at < 39; at++) {
            bool taken[] = {false, false};
            for (unsigned i = 0; i < got; i++)
                taken[giants[i].number > GIB(40)] |= giants[i].number % GIB(40) == GIB(at + 1);
            for (unsigned zone = 0; zone < 2; zone++) {
                uint64_t start = GIB(at + 1) + GIB(40) * zone;
                enum frames_status expected = taken[zone] ? FRAMES_WRONG_SIZE : FRAMES_DOUBLE_FREE;
                expect_refused(PAGE_4K, start + 3, expected);
                expect_refused(PAGE_2M, start + BLOCK, expected);
            }
        }
        expect_refused(PAGE_4K, GIB(40), FRAMES_FOREIGN);
        expect_refused(PAGE_4K, GIB(80) + 3, FRAMES_DOUBLE_FREE);
        expect_refused(PAGE_4K, GIB(80) + BLOCK + 3, FRAMES_DOUBLE_FREE);
        if (got < 78)
            expect_allocate(PAGE_1G, &giants[got]);
    }
    expect_none(PAGE_1G);
    for (unsigned zone = 0; zone < 2; zone++) /* all is known, and nothing beyond */
        assert_int_equal(frames.zones[zone].tiers[0].first + frames.zones[zone].known, map[zone].end.number);
    for (unsigned got = 0; got < 78; got++)
        expect_free(PAGE_1G, giants[got]);
    assert_int_equal(frames_handed_out(&frames), 0);
}

/* So that every free in it takes the short way. */
static void a_zone_of_a_few_gib_is_known_at_once(void **state)
{
    (void)state;
    struct memory_region map = region(GIB(1) - 5, GIB(15) + 5, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    assert_int_equal(frames.zones[0].tiers[0].first + frames.zones[0].known, map.end.number);
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
    assert_true(bytes < (GIB(4096) + 154) * 205 / 100);
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED);
    frames_init(&frames, memory, bytes);
    assert_int_equal(frames_add_usable(&frames, &map, 1), FRAMES_OK);
    uint64_t started = resident_pages(memory, bytes);
    frame_t frame;
    for (unsigned i = 0; i < 154 + 600; i++)
        expect_allocate(PAGE_4K, &frame);
    expect_free(PAGE_4K, frame);
    uint64_t used = resident_pages(memory, bytes);
    for (uint64_t i = 0; i < 4095; i++) /* single frames have split one of the 4096 */
        expect_allocate(PAGE_1G, &frame);
    expect_none(PAGE_1G);
    print_message("# 4 TiB: %lu MiB of bookkeeping, %lu pages touched, %lu after 754 frames\n", bytes >> 20,
                  started, used);
    assert_true(started <= 40);
    assert_true(used <= started + 8);
    munmap(memory, bytes);
}

static void a_frame_source_counts_what_it_refuses(void **state)
{
    (void)state;
    struct memory_region map = region(BLOCK, BLOCK + 2, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    struct frame_source *source = &frames.source;
    frame_t one;
    frame_t two;
    assert_true(source->allocate(source, PAGE_4K, &one));
    assert_true(source->allocate(source, PAGE_4K, &two));
    frame_t none = {77};
    assert_false(source->allocate(source, PAGE_4K, &none));
    assert_int_equal(none.number, 77);
    source->release(source, PAGE_4K, one);
    assert_int_equal(frames.refused_releases, 0);
    source->release(source, PAGE_4K, one);
    source->release(source, PAGE_2M, frame_at(BLOCK));
    assert_int_equal(frames.refused_releases, 2);
    assert_int_equal(frames_free_count(&frames), 1);
}

/* The oracle. */

#define ORACLE_FRAMES GIB(6)
enum owner { FOREIGN, FREE, TAKEN_INSIDE, TAKEN_4K, TAKEN_2M, TAKEN_1G };
#define MOST_LIVE 60000

static unsigned char owners[ORACLE_FRAMES];
static uint32_t busy_in_block[ORACLE_FRAMES / BLOCK]; /* taken or foreign frames */
static uint32_t busy_in_superblock[ORACLE_FRAMES / SUPERBLOCK];
static uint64_t free_frames;

static const struct memory_region oracle_map[] = {
    {{0}, {0x9f}, 0, MEMORY_CONVENTIONAL},
    {{0x100}, {0x800}, 0, MEMORY_CONVENTIONAL},
    {{0x800}, {0x1000}, 0, MEMORY_BOOT},
    {{0x1001}, {0x1002}, 0, MEMORY_BOOT},
    {{0x1003}, {0x15ff}, 0, MEMORY_BOOT},
    {{0x1600}, {512 * 512 + 7}, 0, MEMORY_CONVENTIONAL},
    {{512 * 512 + 9}, {4 * 512 * 512 + 3}, 0, MEMORY_CONVENTIONAL},
    {{4 * 512 * 512 + 1024}, {4 * 512 * 512 + 2048}, 0, MEMORY_LOADER}, /* adopted */
    {{5 * 512 * 512}, {6 * 512 * 512}, 0, MEMORY_BOOT},
};
#define ORACLE_REGIONS (sizeof oracle_map / sizeof oracle_map[0])

static struct live {
    frame_t frame;
    enum page_size size;
} live[MOST_LIVE];
static size_t live_count;

static void oracle_set(uint64_t start, uint64_t count, unsigned char first, unsigned char rest)
{
    for (uint64_t frame = start; frame < start + count; frame++) {
        unsigned char owner = frame == start ? first : rest;
        uint32_t step = (uint32_t)(owner != FREE) - (uint32_t)(owners[frame] != FREE);
        free_frames -= (uint64_t)(int64_t)(int32_t)step;
        busy_in_block[frame / BLOCK] += step;
        busy_in_superblock[frame / SUPERBLOCK] += step;
        owners[frame] = owner;
    }
}

static void oracle_begin(size_t regions)
{
    memset(owners, FOREIGN, sizeof owners);
    for (uint64_t i = 0; i < ORACLE_FRAMES / BLOCK; i++)
        busy_in_block[i] = BLOCK;
    for (uint64_t i = 0; i < ORACLE_FRAMES / SUPERBLOCK; i++)
        busy_in_superblock[i] = SUPERBLOCK;
    free_frames = 0;
    live_count = 0;
    for (size_t i = 0; i < regions; i++) {
        uint64_t start = oracle_map[i].start.number;
        uint64_t count = oracle_map[i].end.number - start;
        if (start >= 256)
            oracle_set(start, count, FREE, FREE);
        if (oracle_map[i].kind != MEMORY_LOADER)
            continue;
        for (uint64_t frame = start; frame < start + count; frame++) {
            oracle_set(frame, 1, TAKEN_4K, 0);
            live[live_count++] = (struct live){{frame}, PAGE_4K};
        }
    }
}

static bool oracle_has(enum page_size size)
{
    if (size == PAGE_4K)
        return free_frames > 0;
    const uint32_t *busy = size == PAGE_2M ? busy_in_block : busy_in_superblock;
    for (uint64_t i = 0; i < ORACLE_FRAMES / pages_of(size); i++)
        if (busy[i] == 0)
            return true;
    return false;
}

static enum frames_status oracle_free_status(enum page_size size, uint64_t frame)
{
    if (frame % pages_of(size) != 0)
        return FRAMES_MISALIGNED;
    uint64_t busy = 0;
    for (uint64_t i = 0; i < pages_of(size); i++) {
        if (frame + i >= ORACLE_FRAMES || owners[frame + i] == FOREIGN)
            return FRAMES_FOREIGN;
        busy += owners[frame + i] != FREE;
    }
    if (busy == 0)
        return FRAMES_DOUBLE_FREE;
    return owners[frame] == TAKEN_4K + (size - PAGE_4K) ? FRAMES_OK : FRAMES_WRONG_SIZE;
}

static void allocate_and_compare(enum page_size size)
{
    frame_t frame = {77};
    bool expected = oracle_has(size);
    enum frames_status status = frames_allocate(&frames, size, &frame);
    assert_int_equal(status, expected ? FRAMES_OK : FRAMES_NONE);
    if (!expected)
        return;
    assert_int_equal(frame.number % pages_of(size), 0);
    for (uint64_t i = 0; i < pages_of(size); i++)
        if (owners[frame.number + i] != FREE)
            fail_msg("frame %lx was not free", frame.number + i);
    oracle_set(frame.number, pages_of(size), (unsigned char)(TAKEN_4K + (size - PAGE_4K)), TAKEN_INSIDE);
    assert_true(live_count < MOST_LIVE);
    live[live_count++] = (struct live){frame, size};
}

static void free_and_compare(size_t chosen)
{
    struct live gone = live[chosen];
    live[chosen] = live[--live_count];
    expect_free(gone.size, gone.frame);
    oracle_set(gone.frame.number, pages_of(gone.size), FREE, FREE);
}

static void misuse_and_compare(void)
{
    enum page_size size = random_below(20) == 0 ? PAGE_1G : random_below(2) == 0 ? PAGE_2M : PAGE_4K;
    uint64_t frame = random_below(ORACLE_FRAMES + 2000);
    if (live_count > 0 && random_below(2) == 0)
        frame = live[random_below(live_count)].frame.number + random_below(3);
    if (random_below(2) == 0)
        frame -= frame % pages_of(size);
    enum frames_status expected = oracle_free_status(size, frame);
    if (expected != FRAMES_OK)
        expect_refused(size, frame, expected);
}

/* All back: every run there can be is there, found by taking the largest first. */
static void recover_completely(void)
{
    while (live_count > 0)
        free_and_compare(random_below(live_count));
    for (enum page_size size = PAGE_1G; size >= PAGE_2M; size--)
        while (oracle_has(size))
            allocate_and_compare(size);
    expect_none(PAGE_1G);
    expect_none(PAGE_2M);
    while (free_frames > 0)
        allocate_and_compare(PAGE_4K);
    expect_none(PAGE_4K);
    assert_int_equal(frames_free_count(&frames), 0);
    while (live_count > 0)
        free_and_compare(random_below(live_count));
}

/* Mostly taking for a while, then mostly giving back, so that clusters fill and empty. */
static void random_work(unsigned steps)
{
    uint64_t greed = 5;
    for (unsigned step = 0; step < steps; step++) {
        if (step % 4000 == 0)
            greed = 2 + random_below(7);
        if (step % 16 == 0)
            misuse_and_compare();
        if (random_below(10) < greed && live_count < MOST_LIVE - 1) {
            uint64_t dice = random_below(2000);
            allocate_and_compare(dice == 0 ? PAGE_1G : dice < 60 ? PAGE_2M : PAGE_4K);
        } else if (live_count > 0) {
            free_and_compare(random_below(live_count));
        }
        assert_int_equal(frames_free_count(&frames), free_frames);
    }
}

static void compare_with_oracle(size_t regions, unsigned steps)
{
    for (enum junk junk = JUNK_ZERO; junk < JUNK_COUNT; junk++) {
        random_state = 0x9e3779b9 + junk;
        oracle_begin(regions);
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

/* 5,000 frames, so that all tiers run dry again and again. */
static void scarce_memory_equals_an_oracle(void **state)
{
    (void)state;
    compare_with_oracle(5, 60000);
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
#define TEST(name, function)                 \
    {                                        \
        name, function, NULL, end_test, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("frames: without memory there is nothing to hand out", nothing_to_hand_out),
        TEST("frames: the first MiB stays out", the_first_mib_stays_out),
        TEST("frames: only usable kinds are taken, and neighbours are one zone",
             only_usable_kinds_are_taken_and_neighbours_are_one_zone),
        TEST("frames: zones of every small size give all they have, twice",
             zones_of_every_small_size_give_all_they_have),
        TEST("frames: double, foreign, misaligned and wrongly sized frees are refused",
             bad_frees_are_refused_and_change_nothing),
        TEST("frames: a frame freed in a full block comes back", a_frame_freed_in_a_full_block_comes_back),
        TEST("frames: runs that overlap, are too high or do not fit are refused",
             runs_that_cannot_be_added_are_refused),
        TEST("frames: usable regions are added all or none", usable_regions_are_added_all_or_none),
        TEST("frames: bookkeeping for an earlier map plus slack is enough",
             an_earlier_map_plus_slack_is_enough),
        TEST("frames: an adopted run comes back frame by frame", an_adopted_run_comes_back_frame_by_frame),
        TEST("frames: a damaged free list hands nothing out twice",
             a_damaged_free_list_hands_nothing_out_twice),
        TEST("frames: superblocks open from junk", superblocks_open_from_junk),
        TEST("frames: a zone of a few GiB is known at once", a_zone_of_a_few_gib_is_known_at_once),
        TEST("frames: 4 TiB touch a few pages of bookkeeping", four_tib_touch_a_few_pages_of_bookkeeping),
        TEST("frames: a frame source counts what it refuses", a_frame_source_counts_what_it_refuses),
        TEST("frames: random work equals an oracle, and all comes back", random_work_equals_an_oracle),
        TEST("frames: the same where memory runs dry all the time", scarce_memory_equals_an_oracle),
        TEST("frames: every status has a name", every_status_has_a_name),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
