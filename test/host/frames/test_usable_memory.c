/* SPDX-License-Identifier: MIT */
/*
 * test_usable_memory.c - which memory is free after the exit: types, attributes, and ranges that are left
 * out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kernel/frames/usable_memory.h"

#define MIB_FRAMES ((uint64_t)256)
#define MOST       64

/* UEFI 2.10, 7.2.3. */
#define EFI_MEMORY_SP      ((uint64_t)0x40000)
#define EFI_MEMORY_RUNTIME ((uint64_t)1 << 63)

/* Written down a second time, by hand: UEFI 2.10, 7.2, "Memory Type Usage after ExitBootServices()". */
static const struct {
    const char *type;
    enum memory_kind kind;
    bool handed_out;
    bool stays_mapped;
} types[] = {
    {"EfiReservedMemoryType", MEMORY_RESERVED, false, false},
    {"EfiLoaderCode", MEMORY_LOADER, false, false},
    {"EfiLoaderData", MEMORY_LOADER, false, false},
    {"EfiBootServicesCode", MEMORY_BOOT, true, false},
    {"EfiBootServicesData", MEMORY_BOOT, true, false},
    {"EfiRuntimeServicesCode", MEMORY_RUNTIME_CODE, false, true},
    {"EfiRuntimeServicesData", MEMORY_RUNTIME_DATA, false, true},
    {"EfiConventionalMemory", MEMORY_CONVENTIONAL, true, false},
    {"EfiUnusableMemory", MEMORY_BAD, false, false},
    {"EfiACPIReclaimMemory", MEMORY_ACPI_RECLAIM, false, false},
    {"EfiACPIMemoryNVS", MEMORY_ACPI_NVS, false, false},
    {"EfiMemoryMappedIO", MEMORY_MMIO, false, false},
    {"EfiMemoryMappedIOPortSpace", MEMORY_MMIO, false, false},
    {"EfiPalCode", MEMORY_RESERVED, false, false},
    {"EfiPersistentMemory", MEMORY_PERSISTENT, false, false},
    {"EfiUnacceptedMemoryType", MEMORY_UNACCEPTED, false, false},
};
enum { TYPES = sizeof types / sizeof types[0] };

static struct memory_region region(uint64_t start, uint64_t end, enum memory_kind kind)
{
    return (struct memory_region){.start = {start}, .end = {end}, .attributes = 0, .kind = kind};
}

static bool is_handed_out(uint32_t type, uint64_t attributes)
{
    return memory_kind_is_usable(memory_kind_from_uefi(type, attributes));
}

static bool stays_mapped(uint32_t type, uint64_t attributes)
{
    return memory_is_runtime(memory_kind_from_uefi(type, attributes), attributes);
}

/* ---- types and attributes ---- */

static void every_type_has_its_kind(void **state)
{
    (void)state;
    assert_int_equal(TYPES, 16);
    for (uint32_t type = 0; type < TYPES; type++) {
        assert_int_equal(memory_kind_from_uefi(type, 0), types[type].kind);
        assert_int_equal(is_handed_out(type, 0), types[type].handed_out);
        assert_int_equal(stays_mapped(type, 0), types[type].stays_mapped);
    }
}

static void unknown_types_are_reserved(void **state)
{
    (void)state;
    static const uint32_t unknown[] = {16, 17, 255, 256 + 7, 0x70000000, 0x80000007, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(memory_kind_from_uefi(unknown[i], 0), MEMORY_RESERVED);
        assert_int_equal(memory_kind_from_uefi(unknown[i], UINT64_MAX), MEMORY_RESERVED);
    }
}

/* Each type with each single attribute, and with all of them. */
static void two_attributes_take_memory_away_and_no_other_does(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < TYPES; type++)
        for (unsigned bit = 0; bit <= 64; bit++) {
            uint64_t attributes = bit < 64 ? (uint64_t)1 << bit : UINT64_MAX;
            bool special = (attributes & (EFI_MEMORY_SP | EFI_MEMORY_RUNTIME)) != 0;
            enum memory_kind kind = types[type].handed_out && special ? MEMORY_RESERVED : types[type].kind;
            assert_int_equal(memory_kind_from_uefi(type, attributes), kind);
            assert_int_equal(is_handed_out(type, attributes), types[type].handed_out && !special);
            assert_int_equal(stays_mapped(type, attributes),
                             types[type].stays_mapped || (attributes & EFI_MEMORY_RUNTIME) != 0);
        }
}

static void only_two_kinds_are_handed_out(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind <= MEMORY_KIND_COUNT; kind++)
        assert_int_equal(memory_kind_is_usable((enum memory_kind)kind),
                         kind == MEMORY_CONVENTIONAL || kind == MEMORY_BOOT);
}

static void registers_and_what_is_left_out_are_not_read_ahead(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind <= MEMORY_KIND_COUNT; kind++)
        assert_int_equal(memory_kind_is_cacheable((enum memory_kind)kind),
                         kind == MEMORY_CONVENTIONAL || kind == MEMORY_BOOT || kind == MEMORY_LOADER ||
                             kind == MEMORY_ACPI_RECLAIM || kind == MEMORY_OWN);
}

/* The kind says nothing about it: runtime code may lie under a descriptor that calls it reserved. */
static void runtime_code_is_executable_and_registers_are_not_cached(void **state)
{
    (void)state;
    for (unsigned needs = 0; needs < 4; needs++)
        for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
            struct memory_region mapped = region(1, 2, (enum memory_kind)kind);
            mapped.needs = (enum memory_needs)(MEMORY_NEEDS_DATA + needs);
            uint64_t flags = memory_region_runtime_flags(&mapped);
            assert_int_equal(flags, PAGING_WRITABLE | (needs & 1 ? 0 : PAGING_NO_EXECUTE) |
                                        (needs & 2 ? PAGING_CACHE_UNCACHED_MINUS : 0));
        }
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
        assert_string_not_equal(memory_kind_name((enum memory_kind)kind), "unknown");
        for (unsigned other = 0; other < kind; other++)
            assert_string_not_equal(memory_kind_name((enum memory_kind)kind),
                                    memory_kind_name((enum memory_kind)other));
    }
    assert_string_equal(memory_kind_name(MEMORY_KIND_COUNT), "unknown");
}

/* ---- excluded ranges ---- */

static struct memory_region map[MOST];
static size_t count;

static void begin(const struct memory_region *regions, size_t region_count)
{
    memset(map, 0xa5, sizeof map);
    memcpy(map, regions, region_count * sizeof *regions);
    count = region_count;
}

static void exclude(uint64_t start, uint64_t end)
{
    struct frame_run range = {start, end};
    assert_true(memory_exclude(map, &count, count + MEMORY_EXTRA_REGIONS(1), &range, 1));
}

static void expect_region(size_t index, uint64_t start, uint64_t end, enum memory_kind kind)
{
    assert_true(index < count);
    assert_int_equal(map[index].start.number, start);
    assert_int_equal(map[index].end.number, end);
    assert_int_equal(map[index].kind, kind);
}

static void a_range_inside_a_region_makes_three(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_CONVENTIONAL);
    all.attributes = 0xf;
    begin(&all, 1);
    exclude(0x1800, 0x1801);
    assert_int_equal(count, 3);
    expect_region(0, 0x1000, 0x1800, MEMORY_CONVENTIONAL);
    expect_region(1, 0x1800, 0x1801, MEMORY_EXCLUDED);
    expect_region(2, 0x1801, 0x2000, MEMORY_CONVENTIONAL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(map[i].attributes, 0xf);
    assert_int_equal(memory_excluded_frames(map, count), 1);
}

static void a_range_at_an_edge_makes_two(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_BOOT);
    begin(&all, 1);
    exclude(0x1000, 0x1001);
    assert_int_equal(count, 2);
    expect_region(0, 0x1000, 0x1001, MEMORY_EXCLUDED);
    expect_region(1, 0x1001, 0x2000, MEMORY_BOOT);
    begin(&all, 1);
    exclude(0x1fff, 0x2000);
    assert_int_equal(count, 2);
    expect_region(0, 0x1000, 0x1fff, MEMORY_BOOT);
    expect_region(1, 0x1fff, 0x2000, MEMORY_EXCLUDED);
}

static void a_range_beside_a_region_changes_nothing(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_CONVENTIONAL);
    begin(&all, 1);
    exclude(0xfff, 0x1000);
    exclude(0x2000, UINT64_MAX);
    exclude(0, 1);
    exclude(0x1800, 0x1800);
    exclude(0x1801, 0x1800);
    assert_int_equal(count, 1);
    expect_region(0, 0x1000, 0x2000, MEMORY_CONVENTIONAL);
    assert_int_equal(memory_excluded_frames(map, count), 0);
}

static void a_range_over_a_region_takes_all_of_it(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_CONVENTIONAL);
    static const struct frame_run ranges[] = {
        {0x1000, 0x2000}, {0xfff, 0x2000}, {0x1000, 0x2001}, {0, UINT64_MAX}};
    for (size_t i = 0; i < 4; i++) {
        begin(&all, 1);
        assert_true(memory_exclude(map, &count, 1, &ranges[i], 1));
        assert_int_equal(count, 1);
        expect_region(0, 0x1000, 0x2000, MEMORY_EXCLUDED);
    }
}

/* Two of them are split, what lies between goes as a whole, holes stay holes, and other kinds stay. */
static void a_range_over_several_regions_takes_what_is_usable(void **state)
{
    (void)state;
    static const struct memory_region regions[] = {
        {{0x1000}, {0x2000}, 0, MEMORY_CONVENTIONAL, 0}, {{0x2000}, {0x2800}, 0, MEMORY_BOOT, 0},
        {{0x2800}, {0x3000}, 0, MEMORY_LOADER, 0},       {{0x3000}, {0x3100}, 1, MEMORY_RUNTIME_DATA, 0},
        {{0x4000}, {0x5000}, 0, MEMORY_CONVENTIONAL, 0}, {{0x5000}, {0x6000}, 0, MEMORY_RESERVED, 0}};
    begin(regions, 6);
    exclude(0x1800, 0x4800);
    assert_int_equal(count, 8);
    expect_region(0, 0x1000, 0x1800, MEMORY_CONVENTIONAL);
    expect_region(1, 0x1800, 0x2000, MEMORY_EXCLUDED);
    expect_region(2, 0x2000, 0x2800, MEMORY_EXCLUDED);
    expect_region(3, 0x2800, 0x3000, MEMORY_LOADER);
    expect_region(4, 0x3000, 0x3100, MEMORY_RUNTIME_DATA);
    expect_region(5, 0x4000, 0x4800, MEMORY_EXCLUDED);
    expect_region(6, 0x4800, 0x5000, MEMORY_CONVENTIONAL);
    expect_region(7, 0x5000, 0x6000, MEMORY_RESERVED);
    assert_int_equal(memory_excluded_frames(map, count), 0x800 + 0x800 + 0x800);
}

static void every_other_kind_stays(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
        struct memory_region all = region(0x1000, 0x2000, (enum memory_kind)kind);
        all.needs = MEMORY_NEEDS_CODE;
        begin(&all, 1);
        exclude(0x1400, 0x1800);
        bool usable = memory_kind_is_usable((enum memory_kind)kind);
        assert_int_equal(count, usable ? 3 : 1);
        if (!usable)
            expect_region(0, 0x1000, 0x2000, (enum memory_kind)kind);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(map[i].needs, MEMORY_NEEDS_CODE);
    }
}

/* What two ranges share counts once. */
static void ranges_may_overlap_and_touch(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_CONVENTIONAL);
    static const struct frame_run ranges[] = {{0x1200, 0x1400}, {0x1300, 0x1500}, {0x1500, 0x1600},
                                              {0x1250, 0x1260}, {0x1200, 0x1400}, {0x1100, 0x1110}};
    begin(&all, 1);
    assert_true(memory_exclude(map, &count, 1 + MEMORY_EXTRA_REGIONS(6), ranges, 6));
    assert_int_equal(memory_excluded_frames(map, count), 0x400 + 0x10);
    size_t at = 0;
    struct frame_run run;
    static const struct frame_run left[] = {{0x1000, 0x1100}, {0x1110, 0x1200}, {0x1600, 0x2000}};
    for (size_t i = 0; i < 3; i++) {
        assert_true(memory_next_usable(map, count, &at, &run));
        assert_int_equal(run.start, left[i].start);
        assert_int_equal(run.end, left[i].end);
    }
    assert_false(memory_next_usable(map, count, &at, &run));
}

static void too_little_room_is_an_error(void **state)
{
    (void)state;
    struct memory_region all = region(0x1000, 0x2000, MEMORY_CONVENTIONAL);
    struct frame_run range = {0x1200, 0x1400};
    for (size_t capacity = 1; capacity < 3; capacity++) {
        begin(&all, 1);
        assert_false(memory_exclude(map, &count, capacity, &range, 1));
        assert_true(count <= capacity);
    }
    begin(&all, 1);
    assert_true(memory_exclude(map, &count, 3, &range, 1));
    begin(&all, 1);
    assert_true(memory_exclude(map, &count, 1, NULL, 0));
}

static void bytes_are_rounded_outward_to_frames(void **state)
{
    (void)state;
    static const struct {
        uint64_t start, end;
        struct frame_run run;
    } cases[] = {{0, 1, {0, 1}},
                 {0x1000, 0x2000, {1, 2}},
                 {0x1fff, 0x2001, {1, 3}},
                 {0xfff, 0x1000, {0, 1}},
                 {UINT64_MAX - 1, UINT64_MAX, {((uint64_t)1 << 52) - 1, (uint64_t)1 << 52}},
                 {0, UINT64_MAX, {0, (uint64_t)1 << 52}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct frame_run run = frame_run_around(cases[i].start, cases[i].end);
        assert_int_equal(run.start, cases[i].run.start);
        assert_int_equal(run.end, cases[i].run.end);
    }
}

/* ---- the runs that are handed out ---- */

static void neighbours_are_one_run_without_the_first_mib(void **state)
{
    (void)state;
    static const struct memory_region regions[] = {
        {{0}, {0x9f}, 0, MEMORY_CONVENTIONAL, 0},     {{0xa0}, {0x100}, 0, MEMORY_BOOT, 0},
        {{0x100}, {0x101}, 0, MEMORY_BOOT, 0},        {{0x101}, {0x200}, 7, MEMORY_CONVENTIONAL, 0},
        {{0x200}, {0x300}, 0, MEMORY_LOADER, 0},      {{0x300}, {0x400}, 0, MEMORY_BOOT, 0},
        {{0x401}, {0x402}, 0, MEMORY_CONVENTIONAL, 0}};
    static const struct frame_run expected[] = {{0x100, 0x200}, {0x300, 0x400}, {0x401, 0x402}};
    size_t at = 0;
    struct frame_run run;
    for (size_t i = 0; i < 3; i++) {
        assert_true(memory_next_usable(regions, 7, &at, &run));
        assert_int_equal(run.start, expected[i].start);
        assert_int_equal(run.end, expected[i].end);
    }
    assert_false(memory_next_usable(regions, 7, &at, &run));
    assert_false(memory_next_usable(regions, 7, &at, &run));
    assert_int_equal(memory_usable_frames(regions, 7), 0x100 + 0x100 + 1);
}

static void the_first_mib_is_clipped(void **state)
{
    (void)state;
    struct frame_run run = {0, MIB_FRAMES};
    assert_false(frame_run_clip(&run));
    run = (struct frame_run){3, MIB_FRAMES + 1};
    assert_true(frame_run_clip(&run));
    assert_int_equal(run.start, MIB_FRAMES);
    assert_int_equal(run.end, MIB_FRAMES + 1);
    run = (struct frame_run){MIB_FRAMES + 5, MIB_FRAMES + 5};
    assert_false(frame_run_clip(&run));
}

static uint64_t random_state = 77;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

#define FRAMES 700

/* Random regions: a kind per frame, neighbours of the same kind as one region. -1 is a hole. */
static void random_map(int *kinds)
{
    count = 0;
    for (uint64_t frame = 0; frame < FRAMES;) {
        uint64_t end = frame + 1 + random_below(70);
        end = end < FRAMES ? end : FRAMES;
        int kind = random_below(2) == 0 ? (int)random_below(2) : (int)random_below(MEMORY_KIND_COUNT + 1) - 1;
        for (uint64_t at = frame; at < end; at++)
            kinds[at] = kind;
        if (kind >= 0)
            map[count++] = region(frame, end, (enum memory_kind)kind);
        frame = end;
    }
}

static void expect_as_frame_by_frame(const int *kinds)
{
    size_t at = 0;
    for (uint64_t frame = 0; frame < FRAMES; frame++) {
        if (at < count && map[at].end.number == frame)
            at++;
        bool inside = at < count && map[at].start.number <= frame;
        assert_int_equal(inside, kinds[frame] >= 0);
        if (inside)
            assert_int_equal(map[at].kind, kinds[frame]);
    }
    for (size_t i = 0; i < count; i++)
        assert_true(map[i].start.number < map[i].end.number);
}

/* Also that what is handed out falls by exactly what is excluded. */
static void random_ranges_equal_a_frame_by_frame_oracle(void **state)
{
    (void)state;
    static int kinds[FRAMES];
    for (unsigned round = 0; round < 20000; round++) {
        random_map(kinds);
        size_t before = count;
        uint64_t handed_out = memory_usable_frames(map, count), excluded = 0;
        struct frame_run ranges[8];
        size_t range_count = random_below(9);
        for (size_t i = 0; i < range_count; i++) {
            ranges[i].start = random_below(FRAMES);
            ranges[i].end = ranges[i].start + random_below(random_below(3) == 0 ? FRAMES : 30);
            for (uint64_t frame = ranges[i].start; frame < ranges[i].end && frame < FRAMES; frame++)
                if (kinds[frame] == MEMORY_CONVENTIONAL || kinds[frame] == MEMORY_BOOT)
                    kinds[frame] = MEMORY_EXCLUDED;
        }
        uint64_t were_excluded = memory_excluded_frames(map, count);
        assert_true(
            memory_exclude(map, &count, before + MEMORY_EXTRA_REGIONS(range_count), ranges, range_count));
        expect_as_frame_by_frame(kinds);
        excluded = memory_excluded_frames(map, count) - were_excluded;
        assert_int_equal(memory_usable_frames(map, count) + excluded, handed_out);
    }
}

int main(void)
{
#define TEST(name, function)                               \
    {                                                      \
        "usable memory: " name, function, NULL, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("each of the 16 UEFI types has its kind", every_type_has_its_kind),
        TEST("an unknown type is reserved", unknown_types_are_reserved),
        TEST("two attributes take memory away, and no other does",
             two_attributes_take_memory_away_and_no_other_does),
        TEST("only conventional and boot services memory is handed out", only_two_kinds_are_handed_out),
        TEST("registers, and what is left out, are not read ahead",
             registers_and_what_is_left_out_are_not_read_ahead),
        TEST("runtime code is executable, and registers are not cached",
             runtime_code_is_executable_and_registers_are_not_cached),
        TEST("every kind has a name of its own", every_kind_has_a_name),
        TEST("an excluded range inside a region makes three", a_range_inside_a_region_makes_three),
        TEST("an excluded range at an edge makes two", a_range_at_an_edge_makes_two),
        TEST("an excluded range beside a region changes nothing", a_range_beside_a_region_changes_nothing),
        TEST("an excluded range over a region takes all of it", a_range_over_a_region_takes_all_of_it),
        TEST("an excluded range over several regions takes what is usable",
             a_range_over_several_regions_takes_what_is_usable),
        TEST("of every other kind nothing is excluded", every_other_kind_stays),
        TEST("excluded ranges may overlap and touch", ranges_may_overlap_and_touch),
        TEST("too little room for excluded ranges is an error", too_little_room_is_an_error),
        TEST("bytes are rounded outward to frames", bytes_are_rounded_outward_to_frames),
        TEST("neighbours are one run, without the first MiB", neighbours_are_one_run_without_the_first_mib),
        TEST("the first MiB is clipped", the_first_mib_is_clipped),
        TEST("random excluded ranges equal a frame by frame oracle",
             random_ranges_equal_a_frame_by_frame_oracle),
    };
    return cmocka_run_group_tests_name("usable memory", tests, NULL, NULL);
}
