/* SPDX-License-Identifier: MIT */
/* Tests map_range and identity_map_range: the largest pages, the fewest tables, and what is refused. */
#include "rig/runs.h"

static void largest_pages(void **state)
{
    rig_open();
    uint64_t before = 2 * MIB + 4 * KIB, start = PLACE + GIB - before, to = DEVICE_1G - before;
    uint64_t bytes = GIB + 2 * before;
    assert_status(rig_map_range(start, to, bytes, RW), PAGING_OK);
    uint64_t end = ASSERT_RUNS(start, {1, 1}, {2, 1}, {3, 1}, {2, 1}, {1, 1});
    assert_int_equal(end, start + bytes);
    static const uint64_t edges[] = {0, 4 * KIB, 2 * MIB + 4 * KIB};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t far = bytes - edges[i] - 8;
        machine_fill((to + edges[i]) / PAGING_PAGE_BYTES);
        machine_fill((to + far) / PAGING_PAGE_BYTES);
        assert_reads(start + edges[i], (to + edges[i]) / PAGING_PAGE_BYTES);
        assert_reads(start + far, (to + far) / PAGING_PAGE_BYTES);
        assert_allowed(start + far, WALK_WRITE);
    }
    assert_refused(start - 8, WALK_READ, 0);
    assert_refused(end, WALK_READ, 0);
    rig_check();
}

/* A part of a page at the start or end of the range is not mapped with that page size. */
static void partial_pages(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G, GIB - 4 * KIB, RW), PAGING_OK);
    uint64_t end = ASSERT_RUNS(PLACE, {2, 511}, {1, 511}, {0, 1});
    assert_int_equal(end, PLACE + GIB);
    assert_status(rig_map_range(PLACE + GIB + 4 * KIB, DEVICE_1G + 4 * KIB, 2 * MIB - 4 * KIB, RW),
                  PAGING_OK);
    ASSERT_RUNS(PLACE + GIB, {0, 1}, {1, 511}, {0, 1});
    assert_status(rig_map_range(PLACE + 2 * GIB, DEVICE_1G, 4 * MIB - 8 * KIB, 0), PAGING_OK);
    ASSERT_RUNS(PLACE + 2 * GIB, {2, 1}, {1, 510}, {0, 2});
    assert_status(rig_map_range(PLACE + 3 * GIB + 2 * MIB, DEVICE_1G + 2 * MIB, GIB - 2 * MIB, 0), PAGING_OK);
    ASSERT_RUNS(PLACE + 3 * GIB, {0, 512}, {2, 511}, {0, 1});
}

static void alignment_of_both(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G + 4 * KIB, 2 * MIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {0, 1});
    machine_fill(FRAME_1G + 512);
    assert_reads(PLACE + 2 * MIB - 8, FRAME_1G + 512);
    assert_status(rig_map_range(PLACE + 2 * MIB + MIB, DEVICE_1G, 2 * MIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE + 3 * MIB, {1, 512}, {0, 1});
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G + 2 * MIB, GIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE + GIB, {2, 512}, {0, 1});
    rig_check();
}

/*
 * Of both flags the smaller size holds. Single pages have their size from an argument, and refuse the
 * flags.
 */
static void sizes_that_flags_allow(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G, 2 * MIB, RW | PAGING_LARGEST_4K), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {0, 1});
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, PAGING_LARGEST_4K | PAGING_LARGEST_2M),
                  PAGING_OK);
    ASSERT_RUNS(PLACE + 2 * MIB, {1, 512}, {0, 1});
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW | PAGING_LARGEST_2M), PAGING_OK);
    ASSERT_RUNS(PLACE + GIB, {2, 512}, {0, 1});
    assert_status(rig_identity_map_range(DEVICE_1G, 2 * MIB, RW | PAGING_LARGEST_4K), PAGING_OK);
    ASSERT_RUNS(DEVICE_1G, {1, 512}, {0, 1});
    assert_status(rig_map_to(PLACE + 2 * GIB + 4 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * GIB, 2, 0x20);
    const uint64_t replaces = RW | PAGING_REPLACE_MARKER;
    uint64_t marked = PLACE + 2 * GIB;
    assert_status(rig_map_range(marked, DEVICE_1G, 2 * MIB, replaces | PAGING_LARGEST_2M), PAGING_OK);
    rig_plant_marker(PLACE + 2 * GIB + 6 * MIB, 2, 0x20);
    assert_status(rig_map_range(marked + 6 * MIB, DEVICE_1G, 2 * MIB, replaces | PAGING_LARGEST_4K),
                  PAGING_OK);
    for (unsigned bit = 56; bit <= 57; bit++) {
        assert_status(rig_map_to(PLACE + 4 * GIB, DEVICE_FRAME, 1ull << bit), PAGING_BAD_FLAGS);
        assert_status(rig_map_sized(PLACE + 4 * GIB, FRAME_1G, PAGING_1G, 1ull << bit), PAGING_BAD_FLAGS);
        assert_status(rig_protect_range(PLACE, 2 * MIB, 1ull << bit, 0), PAGING_BAD_FLAGS);
    }
}

static void one_page(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 4 * KIB, RW | NX), PAGING_OK);
    machine_fill(DEVICE_FRAME);
    assert_reads(PLACE, DEVICE_FRAME);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, 0), PAGING_OK);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, 0), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 1}, {0, 511}, {2, 1}, {0, 512});
    ASSERT_RUNS(PLACE + GIB, {3, 1}, {0, 1});
}

static void whole_tables(void **state)
{
    rig_open();
    unsigned out = machine_frames_out();
    assert_status(rig_map_range(PLACE, DEVICE + 4 * KIB, 2 * MIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {0, 1});
    assert_int_equal(machine_frames_out() - out, rig.model.levels - 1);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G + 2 * MIB, GIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE + GIB, {2, 512}, {0, 1});
    assert_int_equal(machine_frames_out() - out, rig.model.levels);
    assert_status(rig_map_range(PLACE + SLOT_BYTES, 0, SLOT_BYTES, RW), PAGING_OK);
    ASSERT_RUNS(PLACE + SLOT_BYTES, {3, 512}, {0, 1});
    assert_int_equal(machine_frames_out() - out, rig.model.levels + 1);
}

/* The pages take as many tables as they need, and no more. */
static void over_the_boundaries_of_tables(void **state)
{
    rig_open();
    unsigned out = machine_frames_out();
    assert_status(rig_map_range(PLACE + 2 * MIB - 4 * KIB, DEVICE, 8 * KIB, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels);
    assert_status(rig_map_range(PLACE + GIB - 8 * KIB, DEVICE, 16 * KIB, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels + 3);
    assert_status(rig_map_range(PLACE + SLOT_BYTES - 4 * KIB, DEVICE, 8 * KIB, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels + 3 + 2 + 3);
    assert_allowed(PLACE + SLOT_BYTES - 8, WALK_WRITE);
    assert_allowed(PLACE + SLOT_BYTES, WALK_WRITE);
    rig_check();
}

/* Tables that exist already are filled up, entry by entry. */
static void into_tables_in_use(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * MIB, DEVICE_FRAME, 0), PAGING_OK);
    unsigned out = machine_frames_out();
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G + 4 * KIB, 4 * MIB - 4 * KIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {1, 1}, {0, 1});
    assert_int_equal(machine_frames_out(), out);
    assert_status(rig_map_range(PLACE + 4 * MIB + 4 * KIB, DEVICE_1G + 4 * MIB + 4 * KIB, 4 * MIB, RW),
                  PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {1, 512}, {2, 1}, {1, 1}, {0, 1});
}

static void frames_beyond_the_processor(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 40;
    rig_open_on(setup);
    uint64_t end = 1ull << 40;
    static const uint64_t lengths[] = {4 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_map_range(PLACE, end, lengths[i], RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, end - 4 * KIB, lengths[i] + 4 * KIB, RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, 1ull << 63, lengths[i], RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, 0 - lengths[i], lengths[i], RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, 0 - 4 * KIB, lengths[i] + 4 * KIB, RW), PAGING_FRAME_TOO_HIGH);
        uint64_t place = PLACE + (2 + i) * GIB - lengths[i];
        assert_status(rig_map_range(place, end - lengths[i], lengths[i], RW), PAGING_OK);
        assert_status(rig_unmap_range(place, lengths[i]), PAGING_OK);
    }
    assert_status(rig_identity_map_range(end - GIB, GIB, RW), PAGING_OK);
    assert_status(rig_identity_map_range(end, GIB, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_identity_map_range(end - 2 * GIB, 3 * GIB, RW), PAGING_FRAME_TOO_HIGH);
}

static void refuses_flags(void **state)
{
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        bool fine =
            (flag & (PAGING_LEAF_FLAGS | PAGING_REPLACE_MARKER | PAGING_LARGEST_4K | PAGING_LARGEST_2M)) &&
            flag != PAGING_GLOBAL;
        enum paging_status status = fine ? PAGING_OK : PAGING_BAD_FLAGS;
        assert_status(rig_map_range(PLACE + 2 * MIB - 4 * KIB, DEVICE_1G - 4 * KIB, 2 * MIB + 4 * KIB, flag),
                      status);
        if (fine)
            assert_status(rig_unmap_range(PLACE, 4 * MIB), PAGING_OK);
    }
    assert_status(rig_map_range(upper, DEVICE_1G, GIB, PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_unmap_range(upper, GIB), PAGING_OK);
}

/* ---- something is mapped already ---- */

static void refuses_mapped(void **state)
{
    rig_open();
    uint64_t bytes = 4 * MIB + 8 * KIB, to = DEVICE_1G - 4 * KIB, start = PLACE + 2 * MIB - 4 * KIB;
    uint64_t in_the_way[] = {0, 4 * KIB, 2 * MIB, 3 * MIB, bytes - 4 * KIB};
    for (unsigned i = 0; i < 5; i++) {
        assert_status(rig_map_to(start + in_the_way[i], DEVICE_FRAME, 0), PAGING_OK);
        assert_status(rig_map_range(start, to, bytes, RW), PAGING_ALREADY_MAPPED);
        assert_status(rig_map_range(start + in_the_way[i], to, 4 * KIB, RW), PAGING_ALREADY_MAPPED);
        assert_status(rig_unmap(start + in_the_way[i]), PAGING_OK);
    }
    assert_status(rig_map_to(start - 4 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(start + bytes, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_range(start, to, bytes, RW), PAGING_OK);
}

static void refuses_inside_huge(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, 0), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, 0), PAGING_OK);
    static const uint64_t ranges[][2] = {{4 * MIB, 4 * KIB},
                                         {5 * MIB, 4 * KIB},
                                         {6 * MIB - 4 * KIB, 8 * KIB},
                                         {4 * MIB - 4 * KIB, 8 * KIB},
                                         {2 * MIB, 6 * MIB},
                                         {4 * MIB, 2 * MIB},
                                         {GIB, 2 * MIB},
                                         {GIB + 6 * MIB, 2 * MIB},
                                         {GIB - 2 * MIB, 4 * MIB},
                                         {2 * GIB - 4 * KIB, 8 * KIB},
                                         {GIB, GIB},
                                         {0, GIB}};
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
        assert_status(rig_map_range(PLACE + ranges[i][0], DEVICE_1G, ranges[i][1], RW),
                      PAGING_ALREADY_MAPPED);
    assert_refused(PLACE + 4 * MIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

/* A huge page would fit, but there is a table with something else in it. */
static void refuses_over_a_table(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE + GIB + 2 * MIB + 8 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_range(PLACE + GIB + 2 * MIB, DEVICE_1G, 2 * MIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE, DEVICE_1G, 2 * GIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + GIB + 4 * MIB, DEVICE_1G, GIB - 4 * MIB, RW), PAGING_OK);
}

/* The status is that of the entry met first, in the order of the addresses. */
static void refuses_markers(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 16 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 8 * KIB, 1, 0xfffffffffffffffe);
    rig_plant_marker(PLACE + 8 * MIB, 2, 0x80);
    rig_plant_marker(PLACE + GIB, 3, 0x8000000000000000);
    assert_status(rig_map_range(PLACE, DEVICE_1G, 2 * MIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G, 2 * MIB, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE + 4 * MIB, DEVICE_1G, 16 * MIB, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE + 9 * MIB, DEVICE_1G, 4 * KIB, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE + 10 * MIB, DEVICE_1G, 2 * GIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + 18 * MIB, DEVICE_1G, GIB, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE + GIB + 2 * MIB, DEVICE_1G, 2 * MIB, RW), PAGING_MARKED);
}

/* With too few frames, at any number, no frame is taken and nothing changes. */
static void out_of_frames(void **state)
{
    uint64_t before = 2 * MIB + 4 * KIB;
    for (unsigned neighbour = 0; neighbour < 2; neighbour++) {
        rig_open();
        if (neighbour)
            assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
        /* Two P1s, two P2s, one P3, with five levels one P4. */
        unsigned needed = rig.model.levels + 1 - (neighbour ? rig.model.levels - 2 : 0);
        for (unsigned left = 0; left <= needed; left++) {
            machine_limit_frames(left);
            assert_status(rig_map_range(PLACE + GIB - before, DEVICE_1G - before, GIB + 2 * before, RW),
                          left < needed ? PAGING_NO_FRAMES : PAGING_OK);
        }
        assert_int_equal(machine_frames_left(), 0);
    }
}

static void identity(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    uint64_t half = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    assert_status(rig_identity_map_range(0, GIB + 2 * MIB + 4 * KIB, RW), PAGING_OK);
    ASSERT_RUNS(0, {3, 1}, {2, 1}, {1, 1}, {0, 1});
    assert_status(rig_identity_map_range(0xfee00000, 4 * KIB, RW | PAGING_NO_CACHE | NX), PAGING_OK);
    rig_translate(0xfee00123);
    assert_status(rig_identity_map_range(0xfec00000, 4 * MIB, RW), PAGING_ALREADY_MAPPED);
    if (rig.model.levels == 4) {
        assert_status(rig_identity_map_range(half - 2 * MIB, 2 * MIB, RW), PAGING_OK);
        assert_status(rig_identity_map_range(half, 2 * MIB, RW), PAGING_NOT_CANONICAL);
        assert_status(rig_identity_map_range(half - 4 * MIB, 8 * MIB, RW), PAGING_RANGE_TOO_LONG);
    } else {
        assert_status(rig_identity_map_range(1ull << 52, 2 * MIB, RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_identity_map_range((1ull << 52) - GIB, GIB, RW), PAGING_OK);
    }
}

/* All of the range is in the first entries of the tables on the way. */
static void unaligned_at_the_start_of_memory(void **state)
{
    rig_open();
    assert_status(rig_identity_map_range(400 * KIB, 2 * GIB - 400 * KIB, RW), PAGING_OK);
    ASSERT_RUNS(0, {0, 100}, {1, 412}, {2, 511}, {3, 1}, {0, 1});
    assert_status(rig_identity_map_range(8 * KIB, 4 * KIB, RW), PAGING_OK);
    assert_refused(0, WALK_READ, 0);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_range: 4K|2M|1G|2M|4K at the boundaries", largest_pages),
    RIG_TEST("map_range: no huge page reaches over an end", partial_pages),
    RIG_TEST("map_range: pages are as large as the alignment of both addresses allows", alignment_of_both),
    RIG_TEST("map_range: pages are no larger than the flags allow", sizes_that_flags_allow),
    RIG_TEST("map_range: one page of each size", one_page),
    RIG_TEST("map_range: a whole P1, P2 and P3", whole_tables),
    RIG_TEST("map_range: over the boundaries of tables, no table too many", over_the_boundaries_of_tables),
    RIG_TEST("map_range: tables in use are filled up", into_tables_in_use),
    RIG_TEST("map_range: frames beyond MAXPHYADDR, around 2^64 too", frames_beyond_the_processor),
    RIG_TEST("map_range: every flag that no leaf may have is refused", refuses_flags),
    RIG_TEST("map_range: mapped at the start, in the middle, at the end", refuses_mapped),
    RIG_TEST("map_range: inside, over and around huge pages", refuses_inside_huge),
    RIG_TEST("map_range: a huge page where a table is", refuses_over_a_table),
    RIG_TEST("map_range: markers are refused", refuses_markers),
    RIG_TEST("map_range: out of frames at every number, no change", out_of_frames),
    RIG_TEST("identity_map_range: same addresses, canonical only", identity),
    RIG_TEST("identity_map_range: nothing is mapped before a start that is aligned less than the end",
             unaligned_at_the_start_of_memory),
};

RIG_MAIN("map_range", tests)
