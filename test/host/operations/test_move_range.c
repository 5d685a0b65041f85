/* SPDX-License-Identifier: MIT */
/*
 * Tests move_range: pages go to other addresses, whole tables where that can be, and none is lost on the
 * way.
 */
#include "rig/entries.h"
#include "rig/rig.h"

#define THERE (PLACE + 4 * GIB)

static void map_small(uint64_t start, uint64_t bytes)
{
    assert_status(rig_map_range(start, DEVICE, bytes, RW | PAGING_LARGEST_4K), PAGING_OK);
}

static void pages_arrive(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 8 * KIB, NX), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 12 * KIB, 77), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    uint64_t owned = frame_at(PLACE + 8 * KIB);
    machine_fill_tlb();
    assert_status(rig_move_range(PLACE, THERE + 20 * KIB, 16 * KIB), PAGING_OK);
    assert_refused(PLACE, WALK_READ, 0);
    assert_reads(THERE + 20 * KIB, DEVICE_FRAME);
    assert_int_equal(leaf_of(THERE + 20 * KIB) & TOUCHED, TOUCHED);
    assert_int_equal(frame_at(THERE + 28 * KIB), owned);
    assert_status(rig_clear_marker(THERE + 32 * KIB), PAGING_OK);
    assert_int_equal(rig.marker_value, 77);
    assert_status(rig_unmap(THERE + 28 * KIB), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_status(rig_unmap(THERE + 20 * KIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Both P2s are there: a P1 is linked there, counted, unlinked here, and counted. No page is touched. */
static void a_whole_table_takes_few_stores(void **state)
{
    rig_open();
    map_small(PLACE, 2 * MIB);
    assert_status(rig_map_to(PLACE + 8 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(THERE, DEVICE_FRAME, RW), PAGING_OK);
    machine_limit_frames(0);
    assert_status(rig_move_range(PLACE, THERE + 6 * MIB, 2 * MIB), PAGING_OK);
    machine_unlimit_frames();
    assert_int_equal(machine_stores(), 4);
    assert_int_equal(frame_at(THERE + 8 * MIB - 4 * KIB), DEVICE_FRAME + 511);
}

/* Also those of 1 GiB, and the ends entry by entry. */
static void tables_with_ragged_ends(void **state)
{
    rig_open();
    map_small(PLACE - 8 * KIB, 4 * MIB + 16 * KIB);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_move_range(PLACE - 8 * KIB, THERE - 8 * KIB, GIB + 16 * KIB), PAGING_OK);
    assert_int_equal(frame_at(THERE - 4 * KIB), DEVICE_FRAME + 1);
    assert_int_equal(frame_at(THERE + 4 * MIB + 4 * KIB), DEVICE_FRAME + 1027);
    assert_int_equal(frame_at(THERE + GIB), DEVICE_FRAME);
    assert_status(rig_move_range(THERE - 8 * KIB, PLACE + 4 * KIB, GIB + 16 * KIB), PAGING_OK);
    assert_int_equal(frame_at(PLACE + GIB + 12 * KIB), DEVICE_FRAME);
}

static void huge_pages(void **state)
{
    rig_open();
    assert_status(rig_map_owned(PLACE, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, NX), PAGING_OK);
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 2 * MIB), PAGING_MISALIGNED);
    assert_status(rig_move_range(PLACE, THERE + 2 * MIB, 2 * GIB), PAGING_MISALIGNED);
    assert_status(rig_move_range(PLACE, THERE, MIB), PAGING_INSIDE_HUGE);
    assert_status(rig_move_range(PLACE + MIB, THERE, 2 * MIB), PAGING_INSIDE_HUGE);
    machine_fill_tlb();
    assert_status(rig_move_range(PLACE, THERE + 6 * MIB, 2 * MIB), PAGING_OK);
    assert_status(rig_move_range(PLACE, THERE + 2 * GIB, 2 * GIB), PAGING_OK);
    assert_int_equal(frame_at(THERE + 3 * GIB), FRAME_1G);
    assert_status(rig_unmap(THERE + 6 * MIB), PAGING_OK);
    assert_true(rig.unmapped.released && rig.unmapped.size == PAGING_2M);
}

/* What cannot move is refused, although what comes after it could. */
static void one_refused_refuses_all(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_move_range(PLACE + MIB, THERE + MIB, 2 * MIB), PAGING_INSIDE_HUGE);
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 4 * MIB), PAGING_MISALIGNED);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_set_marker_range(PLACE, 2 * MIB, 7, 0), PAGING_OK);
    assert_status(rig_move_range(PLACE + MIB, THERE + MIB, 2 * MIB), PAGING_MARKED);
}

/* Eight P1s with two pages each, at a place that is aligned otherwise: a table is counted once. */
static void tables_are_counted_exactly(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 16; i++)
        assert_status(rig_map_to(PLACE + i / 2 * 2 * MIB + i % 2 * 4 * KIB, DEVICE_FRAME + i, RW), PAGING_OK);
    assert_status(rig_map_to(THERE + GIB, DEVICE_FRAME, RW), PAGING_OK);
    machine_limit_frames(8);
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 16 * MIB - 4 * KIB), PAGING_NO_FRAMES);
    machine_limit_frames(9); /* the P1s and a P2; the tables above it are there */
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 16 * MIB - 4 * KIB), PAGING_OK);
    machine_unlimit_frames();
    assert_status(rig_move_range(THERE + 4 * KIB, PLACE, 16 * MIB - 4 * KIB), PAGING_OK);
}

/* The table that the range begins in becomes empty, unless the rest of the range moves into it. */
static void backwards_into_its_first_table(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE + 2 * MIB - 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 2 * MIB, RW), PAGING_OK);
    assert_status(rig_move_range(PLACE + 2 * MIB - 4 * KIB, PLACE + 2 * MIB - 12 * KIB, 8 * KIB), PAGING_OK);
    assert_status(rig_move_range(PLACE + 2 * MIB - 12 * KIB, PLACE + 2 * MIB - 4 * KIB, 8 * KIB), PAGING_OK);
}

/* A page in each of 40 tables: all of them go. */
static void many_tables_become_empty(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 40; i++)
        assert_status(rig_map_to(PLACE + i * 2 * MIB, DEVICE_FRAME + i, RW), PAGING_OK);
    machine_fill_tlb();
    unsigned out = machine_frames_out();
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 80 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(frame_at(THERE + i * 2 * MIB + 4 * KIB), DEVICE_FRAME + i);
}

/*
 * 32 tables of pages go back after one flush. Of the next one, which held markers only, no page is flushed:
 * what is cached of the way to it is flushed by itself.
 */
static void a_table_of_markers_goes(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 32; i++)
        assert_status(rig_map_to(PLACE + i * 2 * MIB, DEVICE_FRAME + i, RW), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 64 * MIB, 7), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_move_range(PLACE, THERE + 4 * KIB, 66 * MIB), PAGING_OK);
    if (!rig_has_windows())
        assert_int_equal(machine_flushed(machine_flushes() - 1), PLACE + 64 * MIB);
}

/* An entry of the root moves as it is: all that it maps costs two stores, and no frame. */
static void a_whole_root_slot(void **state)
{
    rig_open();
    uint64_t slot = paging_level_bytes(rig.model.levels), from = PLACE - PLACE % slot;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, NX), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    uint64_t owned = frame_at(PLACE);
    machine_limit_frames(0);
    machine_reset_log();
    assert_status(rig_move_range(from, from + slot, slot), PAGING_OK);
    assert_int_equal(machine_stores(), 2);
    assert_refused(PLACE, WALK_READ, 0);
    assert_int_equal(frame_at(PLACE + slot), owned);
    assert_int_equal(frame_at(PLACE + slot + GIB), FRAME_1G);
    machine_unlimit_frames();
}

/* Moves two pages, with a reserved bit set in the entry of this level on the way to an address. */
static void assert_malformed(uint64_t address, unsigned level)
{
    struct paging_frame_source *frames = machine_frames();
    const uint64_t whole = *entry_at(address, level);
    entry_write(address, level, whole | (uint64_t)1 << 51);
    machine_snapshot();
    assert_status(
        paging_move_range(&rig.space, (paging_virt_t){PLACE}, (paging_virt_t){THERE}, 8 * KIB, frames),
        PAGING_MALFORMED);
    assert_true(machine_unchanged());
    entry_write(address, level, whole);
}

/* A bit is set by hand, without the rig: its model has no such entry. */
static void malformed_entries(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(THERE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_malformed(PLACE + 4 * KIB, 1);
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        assert_malformed(PLACE, level);
        assert_malformed(THERE, level);
    }
    rig_check();
    assert_status(rig_move_range(PLACE, THERE, 8 * KIB), PAGING_OK);
}

static void refusals(void **state)
{
    rig_open();
    uint64_t slot = paging_level_bytes(rig.model.levels), upper = rig_upper_place();
    uint64_t reserved = rig_address(PAGING_RECURSIVE_SLOT * slot / PAGING_PAGE_BYTES);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_move_range(PLACE, PLACE, 4 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_move_range(PLACE, PLACE + 4 * KIB, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_move_range(PLACE + 4 * KIB, PLACE, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_move_range(PLACE, upper, 4 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_move_range(PLACE, THERE, 0), PAGING_EMPTY_RANGE);
    assert_status(rig_move_range(PLACE, THERE + 8, 4 * KIB), PAGING_MISALIGNED);
    bool same_half = model_is_upper(&rig.model, rig_page(reserved).number);
    enum paging_status free = same_half ? PAGING_OK : PAGING_RANGE_TOO_LONG;
    enum paging_status expected = rig_has_windows() ? PAGING_RESERVED_SLOT : free;
    assert_status(rig_move_range(upper, reserved, 4 * KIB), expected);
    assert_status(rig_move_range(reserved, upper, 4 * KIB), expected);
    assert_status(rig_map_to(THERE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_move_range(PLACE, THERE, 8 * KIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_set_marker(THERE + 8 * KIB, 1), PAGING_OK);
    assert_status(rig_move_range(PLACE, THERE + 8 * KIB, 4 * KIB), PAGING_MARKED);
    assert_status(rig_move_range(PLACE + MIB, THERE + MIB, MIB), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
    for (unsigned left = 0; left < rig.model.levels - 1; left++) {
        machine_limit_frames(left);
        assert_status(rig_move_range(PLACE, PLACE + SLOT_BYTES, 4 * KIB),
                      left < 3 ? PAGING_NO_FRAMES : PAGING_OK);
    }
    machine_unlimit_frames();
}

/* Entries of the root never change for a half that spaces share. */
static void a_shared_half(void **state)
{
    rig_open_sharer();
    uint64_t here = rig_upper_place(), there = here + 2 * paging_level_bytes(rig.model.levels - 1);
    assert_status(rig_map(here, RW), PAGING_OK);
    assert_status(rig_map(here + 2 * MIB, RW), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_move_range(here, there, 4 * MIB), PAGING_OK);
    assert_status(rig_move_range(there, here + 4 * KIB, 4 * MIB), PAGING_OK);
    assert_status(rig_move_range(here, here + paging_level_bytes(rig.model.levels),
                                 paging_level_bytes(rig.model.levels)),
                  PAGING_OK);
    rig.at = &rig.sides[1];
    assert_status(rig_move_range(here, there, 4 * MIB), PAGING_SHARED);
}

/*
 * Writes at the old place as soon as the page is at the new one, too, and reads at the new one once it is
 * alone. If it is written there as well, that hides whether the first write has followed.
 */
static bool writes_twice;

static void access_meanwhile(void)
{
    struct walk there = rig_walk(THERE), here = rig_walk(PLACE);
    if (!there.faulted && !here.faulted)
        *entry_at(PLACE, 1) |= TOUCHED;
    else if (!there.faulted)
        *entry_at(THERE, 1) |= writes_twice && there.entry & PAGING_ACCESSED ? PAGING_DIRTY : PAGING_ACCESSED;
}

static void move_meanwhile(bool twice)
{
    writes_twice = twice;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    machine_observe(access_meanwhile);
    machine_observe_loads(access_meanwhile);
    assert_status(rig_move_range(PLACE, THERE, 4 * KIB), PAGING_OK);
    machine_observe(NULL);
    machine_observe_loads(NULL);
    assert_int_equal(leaf_of(THERE) & TOUCHED, TOUCHED);
}

static void dirty_meanwhile(void **state)
{
    move_meanwhile(false);
}

static void dirty_twice(void **state)
{
    move_meanwhile(true);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("move_range: pages arrive with their bits, frames and markers", pages_arrive),
    RIG_TEST("move_range: a whole P1 takes four stores, and no frame", a_whole_table_takes_few_stores),
    RIG_TEST("move_range: tables are linked anew, ragged ends go entry by entry", tables_with_ragged_ends),
    RIG_TEST("move_range: huge pages stay whole, or are refused", huge_pages),
    RIG_TEST("move_range: one unit that is refused refuses all", one_refused_refuses_all),
    RIG_TEST("move_range: exactly the missing tables are reserved", tables_are_counted_exactly),
    RIG_TEST("move_range: backwards into the table that the range begins in", backwards_into_its_first_table),
    RIG_TEST("move_range: more tables become empty than go back after one flush", many_tables_become_empty),
    RIG_TEST("move_range: a table of markers goes after one of pages", a_table_of_markers_goes),
    RIG_TEST("move_range: all of a root slot moves with two stores", a_whole_root_slot),
    RIG_TEST("move_range: malformed entries are refused at both places", malformed_entries),
    RIG_TEST("move_range: what is refused changes nothing", refusals),
    RIG_TEST("move_range: in a half that spaces share no entry of the root changes", a_shared_half),
    RIG_TEST("move_range: a dirty bit that the processor sets meanwhile follows the page", dirty_meanwhile),
    RIG_TEST("move_range: bits that the processor sets at both places meanwhile are kept", dirty_twice),
};

RIG_MAIN("move_range", tests)
