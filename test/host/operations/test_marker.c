/* SPDX-License-Identifier: MIT */
/* Tests set_marker and clear_marker: an entry that is not present keeps a value, and is not mapped over. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <selfmap/for_each.h>

/* Each bit by itself, and all of them. Bit 6 is HUGE in a leaf, bit 34 is OWNED. */
#define BITS   43u
#define VALUES (BITS + 1)

static uint64_t value(unsigned number)
{
    return number < BITS ? (uint64_t)1 << number : ((uint64_t)1 << BITS) - 1;
}

static void value_is_kept(void **state)
{
    rig_open();
    for (unsigned i = 0; i < VALUES; i++) {
        assert_status(rig_set_marker(PLACE, value(i)), PAGING_OK);
        rig_translate(PLACE);
        struct paging_walk_result path;
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){PLACE}, &path), PAGING_MARKED);
        assert_int_equal(path.level, 1);
        assert_int_equal(paging_marker_value(path.entries[1]), value(i));
        assert_int_equal(*entry_at(PLACE, 1), marker_of(value(i)));
        for (unsigned access = WALK_READ; access <= WALK_WRITE; access += WALK_WRITE)
            assert_refused(PLACE, access, access);
        assert_status(rig_clear_marker(PLACE), PAGING_OK);
        assert_int_equal(rig.marker_value, value(i));
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/*
 * A processor that reads ahead from an entry that is not present (L1TF) finds in bits 12 to 51 an address
 * that no memory has, whatever the value. Bits 59 and 60 stay free for a lock, bit 63 tells a detached entry.
 */
static void no_value_names_a_frame(void **state)
{
    rig_open();
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t entry = paging_marker_entry(value(i)).bits;
        assert_int_equal(entry & 1, 0);
        assert_int_equal(entry >> 35 & 0x1ffff, 0x1ffff);
        assert_int_equal(entry >> 59 & 3, 0);
        assert_int_equal(entry >> 63, 0);
        assert_int_equal(entry, marker_of(value(i)));
        assert_int_equal(paging_marker_value((paging_entry_t){entry}), value(i));
    }
    assert_int_equal(PAGING_MARKER_LIMIT, value(BITS));
}

/* The value may look like any leaf: unmap_range takes the marker and nothing else. */
static void value_is_not_a_leaf(void **state)
{
    rig_open();
    for (unsigned i = 0; i < VALUES; i++)
        assert_status(rig_set_marker(PLACE + i * 4 * KIB, value(i)), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 2 * MIB, RW, 0), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    for (unsigned i = 0; i < VALUES; i++) {
        assert_status(rig_set_marker(PLACE, value(i)), PAGING_OK);
        assert_status(rig_set_marker(PLACE + 4 * KIB, value(i)), PAGING_OK);
        assert_status(rig_unmap_range(PLACE, 4 * KIB), PAGING_OK);
        assert_status(rig_unmap_range(PLACE - 4 * KIB, 4 * MIB), PAGING_OK);
    }
}

static void value_that_does_not_fit(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE, 0), PAGING_BAD_FLAGS);
    assert_status(rig_set_marker(PLACE, ~(uint64_t)0), PAGING_BAD_FLAGS);
    assert_status(rig_set_marker(PLACE, PAGING_MARKER_LIMIT + 1), PAGING_BAD_FLAGS);
    for (unsigned bit = BITS; bit < 64; bit++)
        assert_status(rig_set_marker(PLACE, ((uint64_t)1 << bit) + 1), PAGING_BAD_FLAGS);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void tables_come_and_go(void **state)
{
    rig_open();
    static const uint64_t neighbours[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE + neighbours[i], DEVICE_FRAME, RW), PAGING_OK);
        unsigned out = machine_frames_out();
        assert_status(rig_set_marker(PLACE, 7), PAGING_OK);
        assert_int_equal(machine_frames_out() - out, i);
        assert_status(rig_clear_marker(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), out);
        assert_status(rig_unmap(PLACE + neighbours[i]), PAGING_OK);
    }
}

/* The table stays as long as either of them, whichever goes first. */
static void neighbour_keeps_the_table(void **state)
{
    rig_open();
    for (unsigned mapped_first = 0; mapped_first < 2; mapped_first++) {
        assert_status(rig_set_marker(PLACE, 1), PAGING_OK);
        unsigned out = machine_frames_out();
        assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
        if (mapped_first) {
            assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
            assert_int_equal(machine_frames_out(), out);
            assert_status(rig_clear_marker(PLACE), PAGING_OK);
        } else {
            assert_status(rig_clear_marker(PLACE), PAGING_OK);
            assert_int_equal(machine_frames_out(), out);
            assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
            assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
        }
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

static void windows_are_forgotten(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE, 3), PAGING_OK);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        assert_allowed(rig_window(level, PLACE), WALK_WRITE);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    for (unsigned level = 1; level < rig.model.levels; level++)
        assert_false(machine_caches(rig_window(level, PLACE)));
    assert_status(rig_map(PLACE + 8 * MIB, RW), PAGING_OK); /* on the frames just freed */
    assert_status(rig_set_marker(PLACE, 4), PAGING_OK);
    assert_allowed(PLACE + 8 * MIB, WALK_WRITE);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 4);
}

/* Every operation that maps or unmaps a page refuses it. */
static void map_refuses(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE, 9), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_MARKED);
    assert_status(rig_map(PLACE, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE, DEVICE_FRAME * PAGING_PAGE_BYTES, 4 * KIB, RW), PAGING_MARKED);
    assert_status(rig_unmap(PLACE), PAGING_MARKED);
    assert_status(rig_split(PLACE), PAGING_MARKED);
    assert_status(rig_set_marker(PLACE, 9), PAGING_MARKED);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 9);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
}

static void set_marker_refuses(void **state)
{
    rig_open();
    uint64_t slot = paging_level_pages(rig.model.levels);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    rig_plant_marker(PLACE + 8 * MIB, 2, 2);
    assert_status(rig_set_marker(PLACE, 1), PAGING_ALREADY_MAPPED);
    assert_status(rig_set_marker(PLACE + 2 * MIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + 4 * MIB - 4 * KIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + GIB + 4 * KIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + 8 * MIB + 4 * KIB, 1), PAGING_MARKED);
    enum paging_status expected = rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_OK;
    assert_status(rig_set_marker(rig_address(slot * PAGING_RECURSIVE_SLOT), 1), expected);
    assert_status(rig_set_marker(rig_address(slot * PAGING_ALTERNATE_SLOT + 1), 1), expected);
    assert_status(rig_set_marker(rig_address(slot * PAGING_SCRATCH_SLOT), 1), expected);
    assert_status(rig_set_marker(rig_address(slot * (PAGING_SCRATCH_SLOT + 1) - 1), 1), expected);
}

static void clear_marker_refuses(void **state)
{
    rig_open();
    uint64_t slot = paging_level_pages(rig.model.levels);
    assert_status(rig_clear_marker(PLACE), PAGING_NOT_MAPPED);
    assert_status(rig_set_marker(PLACE, 1), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_NOT_MAPPED);
    assert_status(rig_clear_marker(PLACE + GIB), PAGING_NOT_MAPPED);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 2 * MIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_clear_marker(PLACE + 2 * MIB + 4 * KIB), PAGING_ALREADY_MAPPED);
    enum paging_status expected = rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_NOT_MAPPED;
    assert_status(rig_clear_marker(rig_address(slot * PAGING_RECURSIVE_SLOT)), expected);
    assert_status(rig_clear_marker(rig_address(slot * PAGING_ALTERNATE_SLOT)), expected);
    assert_status(rig_clear_marker(rig_address(slot * PAGING_SCRATCH_SLOT)), expected);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 1);
}

/* A marker in an upper table is one of each page: only that of the page goes, and tables come. */
static void entries_in_upper_tables(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x10);
    rig_plant_marker(PLACE + GIB, 3, 0x20);
    static const uint64_t places[] = {2 * MIB,       4 * MIB - 4 * KIB, 2 * MIB + 36 * KIB, GIB,
                                      GIB + 2 * MIB, 2 * GIB - 4 * KIB, GIB + 4 * KIB};
    unsigned out = machine_frames_out();
    for (unsigned i = 0; i < 7; i++) {
        assert_status(rig_clear_marker(PLACE + places[i]), PAGING_OK);
        assert_int_equal(rig.marker_value, value_of_marker(i < 3 ? 0x10 : 0x20));
        assert_status(rig_clear_marker(PLACE + places[i]), PAGING_NOT_MAPPED);
    }
    assert_int_equal(machine_frames_out() - out, 1 + 2 + 1 + 1);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_unmap_range(PLACE + 2 * MIB, 2 * GIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
}

/* ---- ranges ---- */

static void set_range(uint64_t start, uint64_t bytes, uint64_t number, uint64_t flags)
{
    machine_fill_tlb();
    assert_status(rig_set_marker_range(start, bytes, number, flags), PAGING_OK);
}

/* As few entries as can be: what a page touches first takes two tables, and the rest costs nothing. */
static void a_range_takes_few_entries(void **state)
{
    struct paging_stats stats;
    for (unsigned huge = 0; huge < 2; huge++) {
        struct machine_setup setup = rig_setup();
        setup.pages_1g = huge;
        rig_open_on(setup);
        set_range(PLACE, 256 * MIB, 7, 0);
        assert_status(paging_count(&rig.space, &stats), PAGING_OK);
        assert_int_equal(stats.markers, 128);
        assert_int_equal(machine_frames_out() - rig.base_frames, rig.model.levels - 2);
        set_range(PLACE + GIB - 8 * KIB, 3 * GIB + 12 * KIB, 8, 0);
        assert_status(paging_count(&rig.space, &stats), PAGING_OK);
        assert_int_equal(stats.markers, 128 + 2 + 3 + 1);
        assert_status(rig_map(PLACE + 2 * GIB + 5 * MIB, RW | PAGING_REPLACE_MARKER), PAGING_OK);
        assert_status(paging_count(&rig.space, &stats), PAGING_OK);
        assert_int_equal(stats.markers, 128 + 2 + 2 + 511 + 511 + 1);
        assert_status(rig_unmap_range(PLACE, 5 * GIB), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* Each page has the value, however large the entry is, and keeps it when its neighbours go. */
static void each_page_has_the_value(void **state)
{
    rig_open();
    set_range(PLACE, 2 * GIB, 0x777, 0);
    assert_status(rig_unmap_range(PLACE + MIB, GIB), PAGING_OK);
    static const uint64_t kept[] = {0, MIB - 4 * KIB, GIB + MIB, GIB + 2 * MIB, 2 * GIB - 4 * KIB};
    for (unsigned i = 0; i < 5; i++) {
        assert_status(rig_translate(PLACE + kept[i]), PAGING_MARKED);
        assert_status(rig_clear_marker(PLACE + kept[i]), PAGING_OK);
        assert_int_equal(rig.marker_value, 0x777);
    }
}

/* Values of a part are changed: the markers around keep theirs. */
static void values_are_replaced(void **state)
{
    rig_open();
    set_range(PLACE, 2 * GIB, 1, 0);
    assert_status(rig_set_marker_range(PLACE + GIB, 4 * KIB, 2, 0), PAGING_MARKED);
    set_range(PLACE + GIB, 4 * KIB, 2, PAGING_REPLACE_MARKER);
    set_range(PLACE + MIB, GIB, 3, PAGING_REPLACE_MARKER);
    set_range(PLACE - GIB, GIB + 4 * KIB, 4, PAGING_REPLACE_MARKER);
    static const uint64_t expected[][2] = {
        {0, 4},         {4 * KIB, 1},          {MIB, 3}, {GIB, 3}, {GIB + MIB - 4 * KIB, 3},
        {GIB + MIB, 1}, {2 * GIB - 4 * KIB, 1}};
    for (unsigned i = 0; i < 7; i++) {
        assert_status(rig_clear_marker(PLACE + expected[i][0]), PAGING_OK);
        assert_int_equal(rig.marker_value, expected[i][1]);
    }
}

static void a_range_is_refused(void **state)
{
    rig_open();
    assert_status(rig_set_marker_range(PLACE, 0, 1, 0), PAGING_EMPTY_RANGE);
    assert_status(rig_set_marker_range(PLACE + 1, 4 * KIB, 1, 0), PAGING_MISALIGNED);
    assert_status(rig_set_marker_range(PLACE, 4 * KIB, 0, 0), PAGING_BAD_FLAGS);
    assert_status(rig_set_marker_range(PLACE, 4 * KIB, PAGING_MARKER_LIMIT + 1, 0), PAGING_BAD_FLAGS);
    for (unsigned bit = 0; bit < 64; bit++)
        if ((uint64_t)1 << bit != PAGING_REPLACE_MARKER)
            assert_status(rig_set_marker_range(PLACE, 4 * KIB, 1, (uint64_t)1 << bit), PAGING_BAD_FLAGS);
    assert_status(rig_map(PLACE + GIB, RW), PAGING_OK);
    assert_status(rig_set_marker_range(PLACE, 2 * GIB, 1, PAGING_REPLACE_MARKER), PAGING_ALREADY_MAPPED);
    assert_status(rig_unmap(PLACE + GIB), PAGING_OK);
    for (unsigned left = 0; left <= rig.model.levels + 1; left++) {
        machine_limit_frames(left);
        assert_status(rig_set_marker_range(PLACE + GIB - 4 * KIB, 4 * MIB, 1, 0),
                      left < rig.model.levels + 1 ? PAGING_NO_FRAMES : PAGING_OK);
    }
}

static void malformed(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE + 4 * KIB, 1), PAGING_OK);
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        uint64_t entry = *entry_at(PLACE, level);
        entry_write(PLACE, level, entry | (uint64_t)1 << 51);
        uint64_t value = 99;
        rig_look_before(1u << PAGING_MALFORMED);
        rig_judge_one_space(paging_set_marker(&rig.space, rig_page(PLACE), 1, machine_frames()));
        rig_judge_one_space(
            paging_clear_marker(&rig.space, rig_page(PLACE + 4 * KIB), machine_frames(), &value));
        assert_int_equal(value, 99);
        entry_write(PLACE, level, entry);
    }
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_OK);
    assert_int_equal(rig.marker_value, 1);
}

static void out_of_frames(void **state)
{
    rig_open();
    unsigned needed = rig.model.levels - 1;
    for (unsigned left = 0; left <= needed; left++) {
        machine_limit_frames(left);
        assert_status(rig_set_marker(PLACE, 5), left < needed ? PAGING_NO_FRAMES : PAGING_OK);
    }
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 5);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* By direct map, as before a space is active: nothing is flushed, all else is the same. */
static void by_direct_map(void **state)
{
    rig_open();
    uint64_t value = 0;
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
    machine_reset_log();
    assert_status(paging_set_marker(&rig.space, rig_page(PLACE), 77, machine_frames()), PAGING_OK);
    assert_status(paging_clear_marker(&rig.space, rig_page(PLACE), machine_frames(), &value), PAGING_OK);
    assert_int_equal(value, 77);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("set_marker: the value is kept", value_is_kept),
    RIG_TEST("set_marker: the value is never taken for a leaf", value_is_not_a_leaf),
    RIG_TEST("set_marker: a value of no bit or of more than 43 is refused", value_that_does_not_fit),
    RIG_TEST("marker: no value names a frame that there may be", no_value_names_a_frame),
    RIG_TEST("set_marker: tables come and go as for a page", tables_come_and_go),
    RIG_TEST("set_marker: a neighbour keeps the table", neighbour_keeps_the_table),
    RIG_RECURSIVE_TEST("clear_marker: the window of a freed table is flushed", windows_are_forgotten),
    RIG_TEST("set_marker: map, unmap and split refuse the page", map_refuses),
    RIG_TEST("set_marker: what is not free is refused", set_marker_refuses),
    RIG_TEST("clear_marker: what is not a marker is refused", clear_marker_refuses),
    RIG_TEST("clear_marker: markers in upper tables", entries_in_upper_tables),
    RIG_TEST("set_marker_range: as few entries as can be", a_range_takes_few_entries),
    RIG_TEST("set_marker_range: each page has the value, and keeps it", each_page_has_the_value),
    RIG_TEST("set_marker_range: values are replaced in a part", values_are_replaced),
    RIG_TEST("set_marker_range: what is not free, or not a marker's, is refused", a_range_is_refused),
    RIG_TEST("set_marker: malformed tables are refused", malformed),
    RIG_TEST("set_marker: out of frames, nothing leaks", out_of_frames),
    RIG_TEST("set_marker: by direct map nothing is flushed", by_direct_map),
};

RIG_MAIN("marker", tests)
