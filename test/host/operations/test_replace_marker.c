/* SPDX-License-Identifier: MIT */
/* Tests PAGING_REPLACE_MARKER: a marker gives way to a page, and a larger one stays on all pages around. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include "rig/runs.h"

#define OVER PAGING_REPLACE_MARKER

/* A P1, the P2 and the P3 above it, each with a marker. */
static void open_with_markers(void)
{
    rig_open();
    machine_break_huge();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xbeef0);
    rig_plant_marker(PLACE + 12 * KIB, 1, PAGING_OWNED); /* looks like what unmapping gives back */
    rig_plant_marker(PLACE + 2 * MIB, 2, PAGING_HUGE);
    rig_plant_marker(PLACE + GIB, 3, 0x8000000000000000);
    machine_fill_tlb();
}

/* The page was not present, so it is in no TLB, and no table is new: there is nothing to flush at all. */
static void took_no_table(uint64_t frames, uint64_t tables)
{
    assert_int_equal(machine_frames_out(), frames);
    assert_int_equal(paging_counted(&rig.space).tables, tables);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
}

static void single_pages(void **state)
{
    open_with_markers();
    uint64_t out = machine_frames_out(), tables = paging_counted(&rig.space).tables;
    machine_limit_frames(0);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME + 1, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map(PLACE + 12 * KIB, RW | OVER), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    assert_status(rig_map(PLACE + 12 * KIB, RW | OVER), PAGING_OK);
    took_no_table(out + 1, tables);
    static const uint64_t pages[] = {4 * KIB, 12 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 4; i++) {
        assert_allowed(PLACE + pages[i], WALK_WRITE);
        assert_status(rig_map_to(PLACE + pages[i], DEVICE_FRAME, RW | OVER),
                      i < 2 ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE);
        assert_status(rig_unmap(PLACE + pages[i]), PAGING_OK);
    }
    machine_unlimit_frames();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Where there is no marker the flag changes nothing, and it is not stored in any entry. */
static void elsewhere_it_means_nothing(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | OVER), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW | OVER), PAGING_OK);
    assert_status(rig_map(PLACE + 8 * KIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 16 * KIB, 8 * KIB, RW | OVER), PAGING_OK);
    for (unsigned i = 0; i < 6; i++)
        if (i != 3)
            assert_int_equal(leaf_of(PLACE + i * PAGING_PAGE_BYTES) & OVER, 0);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_protect_range(PLACE, 4 * KIB, OVER, 0), PAGING_BAD_FLAGS);
    assert_status(rig_protect_range(PLACE, 4 * KIB, 0, OVER), PAGING_BAD_FLAGS);
    uint64_t window = rig_address(paging_level_pages(rig.model.levels) * PAGING_RECURSIVE_SLOT);
    assert_status(rig_map_to(window, DEVICE_FRAME, RW | OVER),
                  rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, OVER | PAGING_GLOBAL), PAGING_BAD_FLAGS);
}

/* Pages smaller than what the marker covered, which stays around them; and larger ones. */
static void other_sizes(void **state)
{
    open_with_markers();
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE + 2 * MIB, {1, 1});
    assert_status(rig_map_to(PLACE + 2 * MIB + 4 * KIB, DEVICE_FRAME, RW), PAGING_MARKED);
    assert_status(rig_map(PLACE + 3 * MIB, RW | OVER), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 4 * MIB - 4 * KIB), PAGING_OK);
    assert_status(rig_map_to(PLACE + GIB + 4 * KIB, DEVICE_FRAME, RW | OVER), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE + GIB + 2 * MIB, FRAME_2M, PAGING_2M, RW | OVER), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK); /* the P1 contains only markers now */
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW | OVER), PAGING_ALREADY_MAPPED);
    rig_plant_marker(PLACE + SLOT_BYTES, 4, 2);
    assert_status(rig_map_sized(PLACE + SLOT_BYTES + GIB, FRAME_1G, PAGING_1G, RW), PAGING_MARKED);
    assert_status(rig_map_sized(PLACE + SLOT_BYTES + GIB, FRAME_1G, PAGING_1G, RW | OVER), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * SLOT_BYTES), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* A table for each level between the marker and the page; with fewer frames nothing has changed. */
static void out_of_frames(void **state)
{
    open_with_markers();
    for (unsigned left = 0; left < 2; left++) {
        machine_limit_frames(left);
        assert_status(rig_map_to(PLACE + GIB + MIB, DEVICE_FRAME, RW | OVER), PAGING_NO_FRAMES);
        assert_status(rig_map(PLACE + GIB + MIB, RW | OVER), PAGING_NO_FRAMES);
        assert_status(rig_clear_marker(PLACE + GIB + MIB), PAGING_NO_FRAMES);
        assert_status(rig_map_range(PLACE + GIB + MIB, DEVICE, 4 * KIB, RW | OVER), PAGING_NO_FRAMES);
        assert_status(rig_unmap_range(PLACE + GIB + MIB, 4 * KIB), PAGING_NO_FRAMES);
    }
    machine_limit_frames(2);
    assert_status(rig_map_to(PLACE + GIB + MIB, DEVICE_FRAME, RW | OVER), PAGING_OK);
}

/* Some pages of the range have markers and some are unused. Without the flag each marker is refused. */
static void small_pages_of_a_range(void **state)
{
    for (unsigned owned = 0; owned < 2; owned++) {
        open_with_markers();
        uint64_t start = PLACE + 4 * KIB, bytes = 2 * MIB - 4 * KIB;
        rig_plant_marker(PLACE + 2 * MIB - 4 * KIB, 1, 6);
        unsigned out = machine_frames_out();
        assert_status(rig_map_range_alloc(start, bytes, RW), PAGING_MARKED);
        assert_status(rig_map_range(start, DEVICE_1G + 4 * KIB, bytes, RW), PAGING_MARKED);
        if (owned)
            assert_status(rig_map_range_alloc(start, bytes, RW | OVER), PAGING_OK);
        else
            assert_status(rig_map_range(start, DEVICE_1G + 4 * KIB, bytes, RW | OVER), PAGING_OK);
        assert_int_equal(machine_frames_out() - out, owned ? 511 : 0);
        assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
        ASSERT_RUNS(PLACE, {1, 512}, {0, 512});
        assert_allowed(PLACE + 2 * MIB - 8, WALK_WRITE);
        assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* A huge page would cover the P1 with the markers: the P1 is filled up instead. */
static void tables_of_markers_stay(void **state)
{
    open_with_markers();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE, 2 * MIB, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512});
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 2);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_range(PLACE, DEVICE_1G, 4 * MIB, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {0, 1});
}

/* New tables of 4 KiB leaves lie on both sides of it. It is neither replaced nor lost. */
static void table_of_markers_between_new_tables(void **state)
{
    rig_open();
    machine_break_huge();
    assert_status(rig_map_to(PLACE + 4 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 5 * MIB, 1, 2);
    assert_status(rig_unmap(PLACE + 4 * MIB), PAGING_OK); /* the P1 contains only the marker now */
    uint64_t out = machine_frames_out(), tables = paging_counted(&rig.space).tables;
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_1G + 4 * KIB, 10 * MIB, RW | OVER), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).tables - tables, 4);
    assert_int_equal(machine_frames_out() - out, 4);
    ASSERT_RUNS(PLACE + 2 * MIB, {1, 5 * 512});
    assert_status(rig_unmap_range(PLACE, 16 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Markers above the P1s, with given frames: as a whole or in part, and whatever size the leaves have. */
static void huge_pages_of_a_range(void **state)
{
    static const struct {
        uint64_t start, to, bytes;
    } ranges[] = {
        {2 * MIB, DEVICE_1G, 2 * MIB},
        {2 * MIB, DEVICE_1G, 2 * MIB - 4 * KIB},
        {2 * MIB, DEVICE_1G, 2 * MIB + 4 * KIB},
        {2 * MIB - 4 * KIB, DEVICE_1G - 4 * KIB, 2 * MIB + 8 * KIB},
        {2 * MIB - 4 * KIB, DEVICE_1G, 2 * MIB + 8 * KIB}, /* the frames have another alignment */
        {2 * MIB + 4 * KIB, DEVICE_1G + 4 * KIB, 2 * MIB},
        {2 * MIB, DEVICE_1G, 2 * GIB - 2 * MIB}, /* the frames of the other marker have */
        {2 * MIB, DEVICE_1G + 2 * MIB, 2 * GIB - 2 * MIB},
        {GIB, DEVICE_1G, GIB},
        {GIB, DEVICE_1G, GIB - 2 * MIB},
        {GIB, DEVICE_1G + 2 * MIB, GIB},
        {GIB + 2 * MIB, DEVICE_1G + 2 * MIB, 2 * MIB},
        {GIB + 3 * MIB, DEVICE_1G, 4 * KIB},
        {GIB - 2 * MIB, DEVICE_1G - 2 * MIB, GIB + 4 * MIB},
    };
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        open_with_markers();
        uint64_t start = PLACE + ranges[i].start;
        assert_status(rig_map_range(start, ranges[i].to, ranges[i].bytes, RW), PAGING_MARKED);
        assert_status(rig_map_range(start, ranges[i].to, ranges[i].bytes, RW | OVER), PAGING_OK);
        assert_allowed(start + ranges[i].bytes - 8, WALK_WRITE);
        assert_status(rig_unmap_range(PLACE, 3 * GIB), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
    struct machine_setup setup = rig_setup();
    setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + GIB, 3, 2);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE + GIB, {2, 512});
}

/* A huge frame takes the place of a marker of its size, and small ones that of a part. */
static void ranges_of_owned_frames(void **state)
{
    open_with_markers();
    assert_status(rig_map_range_alloc(PLACE + 2 * MIB, 2 * MIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + GIB + 2 * MIB, 4 * KIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + GIB + 4 * MIB, 2 * MIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + GIB + 8 * MIB - 4 * KIB, 8 * KIB, RW | OVER), PAGING_OK);
    machine_limit_huge(0);
    assert_status(rig_map_range_alloc(PLACE + GIB + 16 * MIB, 2 * MIB, RW | OVER), PAGING_OK);
    machine_unlimit_huge();
    assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void first_in_the_way_is_named(void **state)
{
    open_with_markers();
    assert_status(rig_map_range(PLACE, DEVICE_1G, 8 * KIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G, 2 * MIB, RW), PAGING_MARKED);
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G, 2 * MIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE + 4 * KIB, 12 * KIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE + 12 * KIB, 4 * KIB, RW | OVER), PAGING_OK);
}

/* Pages that are filled when they are accessed: fault, value of the marker, frame, and the access again. */
static void filled_when_touched(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 8; i++)
        assert_status(
            paging_set_marker(&rig.space, rig_page(PLACE + i * PAGING_PAGE_BYTES), 100 + i, machine_frames()),
            PAGING_OK);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t page = PLACE + (i * 3 % 8) * PAGING_PAGE_BYTES;
        struct paging_walk_result path;
        assert_refused(page, WALK_WRITE, WALK_WRITE);
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){page}, &path), PAGING_MARKED);
        assert_int_equal(paging_marker_value(path.entries[path.level]), 100 + i * 3 % 8);
        assert_status(paging_map(&rig.space, rig_page(page), RW | OVER, machine_frames()), PAGING_OK);
        assert_allowed(page, WALK_WRITE);
        machine_audit();
    }
    assert_status(
        paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 8 * PAGING_PAGE_BYTES, machine_frames()),
        PAGING_OK);
    rig_check();
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("replace: a page of each size, no table, no flush", single_pages),
    RIG_TEST("replace: without a marker the flag means nothing", elsewhere_it_means_nothing),
    RIG_TEST("replace: a larger marker stays around a smaller page", other_sizes),
    RIG_TEST("replace: out of frames for the tables around a page, no change", out_of_frames),
    RIG_TEST("replace: small pages of a range", small_pages_of_a_range),
    RIG_TEST("replace: the table that the markers are in is filled up", tables_of_markers_stay),
    RIG_TEST("replace: a table of markers between new tables is filled up",
             table_of_markers_between_new_tables),
    RIG_TEST("replace: larger markers in a range, as a whole and in part", huge_pages_of_a_range),
    RIG_TEST("replace: by frames of the source, of any size", ranges_of_owned_frames),
    RIG_TEST("replace: the status is that of the first entry in the way", first_in_the_way_is_named),
    RIG_TEST("replace: pages are filled when they are accessed", filled_when_touched),
};

RIG_MAIN("replace marker", tests)
