/* SPDX-License-Identifier: MIT */
/*
 * test_memory_map.c - wrong and overlapping maps are sorted, compared with an oracle that asks frame by
 * frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/frames/memory_map.h"

#define MOST 1200

static struct memory_edge edges[MEMORY_EDGES(MOST)];
static struct memory_region regions[MEMORY_REGIONS(MOST)];

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static struct memory_descriptor pages(uint64_t start, uint64_t count, enum memory_kind kind)
{
    return (struct memory_descriptor){.start = start, .page_count = count, .attributes = 0, .kind = kind};
}

static size_t normalise(const struct memory_descriptor *descriptors, size_t count, unsigned bits)
{
    size_t found = SIZE_MAX;
    memset(edges, 0xa5, sizeof edges);
    memset(regions, 0xa5, sizeof regions);
    assert_int_equal(
        memory_map_normalise(descriptors, count, bits, edges, regions, MEMORY_REGIONS(count), &found),
        MEMORY_MAP_OK);
    return found;
}

static void expect_region(size_t index, uint64_t start, uint64_t end, enum memory_kind kind)
{
    assert_int_equal(regions[index].start.number, start);
    assert_int_equal(regions[index].end.number, end);
    assert_int_equal(regions[index].kind, kind);
}

static void an_empty_map_is_empty(void **state)
{
    (void)state;
    assert_int_equal(normalise(NULL, 0, 40), 0);
    struct memory_descriptor nothing[] = {pages(0, 0, MEMORY_RESERVED), pages(77, 0, MEMORY_BOOT),
                                          pages(UINT64_MAX, 0, MEMORY_BAD)};
    assert_int_equal(normalise(nothing, 3, 40), 0);
}

static void one_page_is_one_region(void **state)
{
    (void)state;
    struct memory_descriptor one = pages(0x5000, 1, MEMORY_CONVENTIONAL);
    assert_int_equal(normalise(&one, 1, 40), 1);
    expect_region(0, 5, 6, MEMORY_CONVENTIONAL);
}

static void neighbours_merge_only_when_alike(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x3000, 1, MEMORY_BOOT), pages(0x1000, 2, MEMORY_BOOT),
                                      pages(0x4000, 1, MEMORY_LOADER), pages(0x5000, 1, MEMORY_LOADER),
                                      pages(0x7000, 1, MEMORY_LOADER)};
    map[3].attributes = 8;
    assert_int_equal(normalise(map, 5, 40), 4);
    expect_region(0, 1, 4, MEMORY_BOOT);
    expect_region(1, 4, 5, MEMORY_LOADER);
    expect_region(2, 5, 6, MEMORY_LOADER);
    expect_region(3, 7, 8, MEMORY_LOADER);
    assert_int_equal(regions[1].attributes, 0);
    assert_int_equal(regions[2].attributes, 8);
}

static void the_order_of_kinds_is_by_restriction(void **state)
{
    (void)state;
    static const enum memory_kind order[] = {
        MEMORY_CONVENTIONAL, MEMORY_BOOT,     MEMORY_EXCLUDED,     MEMORY_LOADER,       MEMORY_ACPI_RECLAIM,
        MEMORY_PERSISTENT,   MEMORY_ACPI_NVS, MEMORY_RUNTIME_DATA, MEMORY_RUNTIME_CODE, MEMORY_MMIO,
        MEMORY_UNACCEPTED,   MEMORY_RESERVED, MEMORY_BAD,          MEMORY_OWN};
    assert_int_equal(sizeof order / sizeof order[0], MEMORY_KIND_COUNT);
    for (unsigned i = 0; i + 1 < MEMORY_KIND_COUNT; i++) {
        struct memory_descriptor map[] = {pages(0x2000, 1, order[i + 1]), pages(0x2000, 1, order[i])};
        assert_int_equal(normalise(map, 2, 40), 1);
        expect_region(0, 2, 3, order[i + 1]);
    }
}

/* One descriptor of each kind, each inside the one before. */
static void the_more_restrictive_kind_wins(void **state)
{
    (void)state;
    struct memory_descriptor map[MEMORY_KIND_COUNT];
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++)
        map[kind] = pages(kind * 4096, 100 - 2 * kind, (enum memory_kind)kind);
    size_t count = normalise(map, MEMORY_KIND_COUNT, 40);
    assert_int_equal(count, 2 * MEMORY_KIND_COUNT - 1);
    for (unsigned i = 0; i < count; i++) {
        unsigned kind = i < MEMORY_KIND_COUNT ? i : 2 * MEMORY_KIND_COUNT - 2 - i;
        assert_int_equal(regions[i].kind, kind);
    }
}

static void everything_overlapping_becomes_one(void **state)
{
    (void)state;
    struct memory_descriptor map[1000];
    uint64_t all = 0;
    for (unsigned i = 0; i < 1000; i++) {
        map[i] = pages(0x10000, 16, MEMORY_RUNTIME_DATA);
        map[i].attributes = (uint64_t)1 << (i % 64);
        all |= map[i].attributes;
    }
    assert_int_equal(normalise(map, 1000, 40), 1);
    expect_region(0, 16, 32, MEMORY_RUNTIME_DATA);
    assert_true(regions[0].attributes == all);
}

static void attributes_join_only_where_descriptors_overlap(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1000, 4, MEMORY_BOOT), pages(0x3000, 4, MEMORY_BOOT)};
    map[0].attributes = 1;
    map[1].attributes = (uint64_t)1 << 63;
    assert_int_equal(normalise(map, 2, 40), 3);
    assert_true(regions[0].attributes == 1);
    assert_true(regions[1].attributes == (1 | (uint64_t)1 << 63));
    assert_true(regions[2].attributes == (uint64_t)1 << 63);
}

static void expect_needs(size_t index, bool mapping, bool execution, bool uncached)
{
    static const enum memory_needs needs[2][2] = {{MEMORY_NEEDS_DATA, MEMORY_NEEDS_UNCACHED_DATA},
                                                  {MEMORY_NEEDS_CODE, MEMORY_NEEDS_UNCACHED_CODE}};
    assert_int_equal(regions[index].needs, mapping ? needs[execution][uncached] : MEMORY_NEEDS_NOTHING);
}

/* Each kind over runtime code, over runtime data, and over a descriptor with the attribute. */
static void what_runtime_services_need_is_joined_whatever_kind_holds(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++)
        for (unsigned need = 0; need < 3; need++) {
            static const enum memory_kind needed[] = {MEMORY_RUNTIME_CODE, MEMORY_RUNTIME_DATA,
                                                      MEMORY_RESERVED};
            struct memory_descriptor map[] = {pages(0x2000, 1, (enum memory_kind)kind),
                                              pages(0x1000, 3, needed[need])};
            map[1].attributes = need == 2 ? (uint64_t)1 << 63 : 0;
            size_t count = normalise(map, 2, 40);
            for (size_t i = 0; i < count; i++) {
                bool under = regions[i].start.number <= 2 && regions[i].end.number > 2;
                bool is_code = need == 0 || (under && kind == MEMORY_RUNTIME_CODE);
                expect_needs(i, true, is_code, under && kind == MEMORY_MMIO);
            }
            assert_int_equal(regions[0].start.number, 1);
            assert_int_equal(regions[count - 1].end.number, 4);
        }
}

static void without_runtime_memory_nothing_is_needed(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
        struct memory_descriptor map[] = {pages(0x1000, 1, (enum memory_kind)kind),
                                          pages(0x2000, 1, MEMORY_RUNTIME_CODE),
                                          pages(0x3000, 1, (enum memory_kind)kind)};
        map[0].attributes = map[2].attributes = ((uint64_t)1 << 63) - 1;
        bool is_runtime = kind == MEMORY_RUNTIME_CODE || kind == MEMORY_RUNTIME_DATA;
        assert_int_equal(normalise(map, 3, 40), 3);
        expect_needs(0, is_runtime, kind == MEMORY_RUNTIME_CODE, false);
        expect_needs(1, true, true, false);
        expect_needs(2, is_runtime, kind == MEMORY_RUNTIME_CODE, false);
    }
}

/* A reserved page in the middle: three regions, all mapped. Then alike in all but this: still two. */
static void neighbours_that_differ_only_in_what_is_needed_stay_apart(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1000, 4, MEMORY_RESERVED),
                                      pages(0x2000, 1, MEMORY_RUNTIME_DATA),
                                      pages(0x3000, 1, MEMORY_RUNTIME_CODE)};
    assert_int_equal(normalise(map, 3, 40), 4);
    expect_needs(0, false, false, false);
    expect_needs(1, true, false, false);
    expect_needs(2, true, true, false);
    expect_needs(3, false, false, false);
    for (size_t i = 0; i < 4; i++)
        expect_region(i, 1 + i, 2 + i, MEMORY_RESERVED);
}

/* It begins inside of a page: the page behind its last whole one is needed, too, though it is reserved. */
static void an_unaligned_runtime_descriptor_needs_the_pages_at_both_ends(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1800, 2, MEMORY_RUNTIME_CODE),
                                      pages(0x3000, 2, MEMORY_RESERVED)};
    assert_int_equal(normalise(map, 2, 40), 3);
    expect_region(0, 1, 3, MEMORY_RUNTIME_CODE);
    expect_needs(0, true, true, false);
    expect_region(1, 3, 4, MEMORY_RESERVED);
    expect_needs(1, true, true, false);
    expect_region(2, 4, 5, MEMORY_RESERVED);
    expect_needs(2, false, false, false);
}

static void what_is_ours_is_ours_whatever_the_map_says(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
        struct memory_descriptor map[] = {pages(0x1000, 1, MEMORY_OWN),
                                          pages(0x1000, 1, (enum memory_kind)kind)};
        assert_int_equal(normalise(map, 2, 40), 1);
        expect_region(0, 1, 2, MEMORY_OWN);
    }
    assert_false(memory_kind_is_usable(MEMORY_OWN));
    assert_true(memory_kind_is_cacheable(MEMORY_OWN));
}

static void unaligned_ends_shrink_or_grow(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1001, 3, MEMORY_CONVENTIONAL), pages(0x8fff, 1, MEMORY_BOOT),
                                      pages(0x10800, 3, MEMORY_ACPI_NVS)};
    assert_int_equal(normalise(map, 3, 40), 2);
    expect_region(0, 2, 4, MEMORY_CONVENTIONAL);
    expect_region(1, 0x10, 0x14, MEMORY_ACPI_NVS);
}

static void maxphyaddr_clips(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0, 1 << 20, MEMORY_CONVENTIONAL),
                                      pages((uint64_t)1 << 31, 4, MEMORY_MMIO),
                                      pages(((uint64_t)1 << 31) - 0x800, 9, MEMORY_BAD)};
    assert_int_equal(normalise(map, 3, 31), 2);
    expect_region(0, 0, (1 << 19) - 1, MEMORY_CONVENTIONAL);
    expect_region(1, (1 << 19) - 1, 1 << 19, MEMORY_BAD);
}

static void a_length_past_2_64_restricts_but_gives_nothing(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {
        pages(0x4000, UINT64_MAX, MEMORY_RESERVED),
        pages(0x1000, ((uint64_t)1 << 52) - 1, MEMORY_CONVENTIONAL), /* ends at 2^64 exactly */
        pages(0x0, ((uint64_t)1 << 52) + 1, MEMORY_CONVENTIONAL),
        pages(0x10, (uint64_t)1 << 52, MEMORY_BOOT),
        pages(UINT64_MAX - 4095, 2, MEMORY_RESERVED),
    };
    assert_int_equal(normalise(map, 5, 52), 2);
    expect_region(0, 1, 4, MEMORY_CONVENTIONAL);
    expect_region(1, 4, (uint64_t)1 << 40, MEMORY_RESERVED);
}

static void an_unknown_kind_is_reserved(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1000, 4, (enum memory_kind)0x70000000),
                                      pages(0x0, 9, MEMORY_CONVENTIONAL)};
    assert_int_equal(normalise(map, 2, 40), 3);
    expect_region(1, 1, 5, MEMORY_RESERVED);
}

static void too_little_space_is_said(void **state)
{
    (void)state;
    struct memory_descriptor map[] = {pages(0x1000, 9, MEMORY_BOOT), pages(0x3000, 2, MEMORY_RESERVED)};
    size_t found = 77;
    for (size_t capacity = 0; capacity < 3; capacity++) {
        assert_int_equal(memory_map_normalise(map, 2, 40, edges, regions, capacity, &found),
                         MEMORY_MAP_NO_SPACE);
        assert_int_equal(found, 77);
    }
    assert_int_equal(memory_map_normalise(map, 2, 40, edges, regions, 3, &found), MEMORY_MAP_OK);
    assert_int_equal(found, 3);
}

static void an_impossible_width_is_refused(void **state)
{
    (void)state;
    size_t found = 77;
    assert_int_equal(memory_map_normalise(NULL, 0, 11, edges, regions, 1, &found), MEMORY_MAP_BAD_WIDTH);
    assert_int_equal(memory_map_normalise(NULL, 0, 53, edges, regions, 1, &found), MEMORY_MAP_BAD_WIDTH);
    assert_int_equal(memory_map_normalise(NULL, (size_t)1 << 31, 52, edges, regions, 1, &found),
                     MEMORY_MAP_TOO_MANY);
    assert_int_equal(found, 77);
}

#define SMALL_BITS   20
#define SMALL_FRAMES 256u

typedef unsigned __int128 wide_t;

/* Returns whether a descriptor covers a frame: in bytes, and in numbers that cannot overflow. */
static bool oracle_covers(const struct memory_descriptor *descriptor, uint64_t frame)
{
    wide_t start = descriptor->start;
    wide_t end = start + (wide_t)descriptor->page_count * 4096;
    wide_t low = (wide_t)frame * 4096;
    wide_t high = low + 4096;
    if (descriptor->kind == MEMORY_CONVENTIONAL || descriptor->kind == MEMORY_BOOT)
        return start <= low && high <= end && end <= (wide_t)1 << 64;
    return start < high && low < end && start < end;
}

/* What an oracle says that runtime services need. */
struct needs {
    bool mapping, execution, uncached;
};

static int oracle_kind(const struct memory_descriptor *map, size_t count, uint64_t frame,
                       uint64_t *attributes, struct needs *needs)
{
    int kind = -1;
    bool is_code = false, is_mmio = false;
    *needs = (struct needs){0};
    for (size_t i = 0; i < count; i++)
        if (oracle_covers(&map[i], frame)) {
            needs->mapping |= map[i].attributes >> 63 != 0 || map[i].kind == MEMORY_RUNTIME_CODE ||
                              map[i].kind == MEMORY_RUNTIME_DATA;
            is_code |= map[i].kind == MEMORY_RUNTIME_CODE;
            is_mmio |= map[i].kind == MEMORY_MMIO;
        }
    needs->execution = needs->mapping && is_code;
    needs->uncached = needs->mapping && is_mmio;
    for (size_t i = 0; i < count; i++) {
        if (!oracle_covers(&map[i], frame) || (int)map[i].kind < kind)
            continue;
        *attributes = (int)map[i].kind == kind ? *attributes | map[i].attributes : map[i].attributes;
        kind = (int)map[i].kind;
    }
    return kind;
}

static struct memory_descriptor random_descriptor(uint64_t longest)
{
    struct memory_descriptor made = pages(random_below(SMALL_FRAMES + 20) * 4096, random_below(longest),
                                          (enum memory_kind)random_below(MEMORY_KIND_COUNT));
    if (random_below(4) == 0)
        made.start += random_below(4096);
    if (random_below(40) == 0)
        made.page_count = UINT64_MAX - random_below(3);
    if (random_below(40) == 0)
        made.page_count = ((uint64_t)1 << 52) - made.start / 4096 - random_below(3);
    if (random_below(2) == 0)
        made.attributes = (uint64_t)1 << (random_below(4) * 21);
    return made;
}

static void check_against_oracle(const struct memory_descriptor *map, size_t count)
{
    size_t found = normalise(map, count, SMALL_BITS);
    size_t at = 0;
    int before_kind = -1;
    uint64_t before_attributes = 0;
    struct needs before_needs = {0};
    for (uint64_t frame = 0; frame < SMALL_FRAMES; frame++) {
        uint64_t attributes = 0;
        struct needs needs;
        int kind = oracle_kind(map, count, frame, &attributes, &needs);
        if (at < found && regions[at].end.number == frame)
            at++;
        bool inside = at < found && regions[at].start.number <= frame;
        assert_int_equal(inside, kind >= 0);
        if (inside) {
            assert_int_equal(regions[at].kind, kind);
            assert_true(regions[at].attributes == attributes);
            expect_needs(at, needs.mapping, needs.execution, needs.uncached);
            bool alike = kind == before_kind && attributes == before_attributes &&
                         memcmp(&needs, &before_needs, sizeof needs) == 0;
            assert_int_equal(regions[at].start.number == frame, !alike); /* merged, and not too much */
        }
        before_kind = kind;
        before_attributes = attributes;
        before_needs = needs;
    }
    assert_true(at == found || (at + 1 == found && regions[at].end.number == SMALL_FRAMES));
}

static void random_maps_equal_a_frame_by_frame_oracle(void **state)
{
    (void)state;
    random_state = 0x5e1f3a9;
    static struct memory_descriptor map[1000];
    for (unsigned round = 0; round < 4000; round++) {
        size_t count = round % 100 == 0 ? 1000 : random_below(24);
        uint64_t longest = 1 + random_below(round % 100 == 0 ? 4 : 60);
        for (size_t i = 0; i < count; i++)
            map[i] = random_descriptor(longest);
        check_against_oracle(map, count);
    }
}

static void a_thousand_descriptors_take_no_time(void **state)
{
    (void)state;
    static struct memory_descriptor map[1000];
    double best = 1;
    random_state = 99;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < 1000; i++) {
            map[i] = pages(random_below(1 << 20) * 4096, 1 + random_below(5000),
                           (enum memory_kind)random_below(MEMORY_KIND_COUNT));
            map[i].attributes = (uint64_t)1 << 63 | 0xf;
        }
        size_t found;
        struct timespec from;
        struct timespec to;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        assert_int_equal(memory_map_normalise(map, 1000, 52, edges, regions, MEMORY_REGIONS(1000), &found),
                         0);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        double took = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        best = took < best ? took : best;
    }
    print_message("# 1000 descriptors: %.0f us\n", best * 1e6);
    assert_true(best < 0.005);
}

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (unsigned status = 0; status < MEMORY_MAP_STATUS_COUNT; status++)
        assert_string_not_equal(memory_map_status_name((enum memory_map_status)status), "unknown");
    assert_string_equal(memory_map_status_name((enum memory_map_status)999), "unknown");
}

int main(void)
{
#define TEST(name, function)             \
    {                                    \
        name, function, NULL, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("memory map: an empty map is empty", an_empty_map_is_empty),
        TEST("memory map: one page is one region", one_page_is_one_region),
        TEST("memory map: neighbours merge only when alike", neighbours_merge_only_when_alike),
        TEST("memory map: the more restrictive kind wins", the_more_restrictive_kind_wins),
        TEST("memory map: the order of kinds is by restriction", the_order_of_kinds_is_by_restriction),
        TEST("memory map: everything overlapping becomes one", everything_overlapping_becomes_one),
        TEST("memory map: attributes join only where descriptors overlap",
             attributes_join_only_where_descriptors_overlap),
        TEST("memory map: what runtime services need is joined, whatever kind holds",
             what_runtime_services_need_is_joined_whatever_kind_holds),
        TEST("memory map: without runtime memory nothing is needed",
             without_runtime_memory_nothing_is_needed),
        TEST("memory map: neighbours that differ only in what is needed stay apart",
             neighbours_that_differ_only_in_what_is_needed_stay_apart),
        TEST("memory map: an unaligned runtime descriptor needs the pages at both ends",
             an_unaligned_runtime_descriptor_needs_the_pages_at_both_ends),
        TEST("memory map: what is ours is ours, whatever the map says",
             what_is_ours_is_ours_whatever_the_map_says),
        TEST("memory map: unaligned ends shrink usable memory and grow the rest",
             unaligned_ends_shrink_or_grow),
        TEST("memory map: MAXPHYADDR clips", maxphyaddr_clips),
        TEST("memory map: a length past 2^64 restricts but gives nothing",
             a_length_past_2_64_restricts_but_gives_nothing),
        TEST("memory map: an unknown kind is reserved", an_unknown_kind_is_reserved),
        TEST("memory map: too little space is said, nothing is cut off", too_little_space_is_said),
        TEST("memory map: an impossible width or count is refused", an_impossible_width_is_refused),
        TEST("memory map: random maps equal a frame by frame oracle",
             random_maps_equal_a_frame_by_frame_oracle),
        TEST("memory map: a thousand descriptors take less than 5 ms", a_thousand_descriptors_take_no_time),
        TEST("memory map: every status has a name", every_status_has_a_name),
    };
    return cmocka_run_group_tests_name("memory map", tests, NULL, NULL);
}
