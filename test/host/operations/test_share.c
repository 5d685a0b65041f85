/* SPDX-License-Identifier: MIT */
/* Tests share_upper_half and unshare_upper_half: tables come for the whole half, and empty ones go back. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <selfmap/share.h>
#include <selfmap/switch.h>

static struct rig_side *const home = &rig.sides[0], *const other = &rig.sides[1];

/* Returns the number of slots of the root that are shared: those of the upper half that are not reserved. */
static unsigned half_slots(void)
{
    unsigned slots = 0;
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++)
        slots += !model_is_reserved_slot(&rig.model, slot * paging_level_pages(rig_levels));
    return slots;
}

/* Each entry of the root leads to a table then. Tables that existed are shared as they are. */
static void share_and_unshare(void **state)
{
    rig_open_spaces();
    uint64_t upper = rig_upper_place();
    unsigned out = machine_frames_out();
    assert_status(rig_map(upper, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_map(upper + GIB, RW), PAGING_OK);
    unsigned with_pages = machine_frames_out();
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_int_equal(machine_frames_out(), with_pages + half_slots() - 1);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_int_equal(machine_stores(), 0);
    assert_status(rig_map(upper + SLOT_BYTES * PAGING_TABLE_ENTRIES / 8, RW), PAGING_OK);
    assert_status(rig_unmap(upper + GIB), PAGING_OK); /* which is not counted while it is shared */
    machine_fill_tlb();
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_int_equal(machine_stores(), 0);
    assert_status(rig_unmap(upper), PAGING_OK);
    assert_status(rig_unmap(upper + SLOT_BYTES * PAGING_TABLE_ENTRIES / 8), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
}

/* Where few tables are empty, they are flushed window by window: the rig expects each. */
static void unshare_flushes_windows(void **state)
{
    rig_open_spaces();
    unsigned left = half_slots();
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; left > 5; slot++) {
        paging_page_t page = {slot * paging_level_pages(rig_levels)};
        paging_frame_t frame = {FRAME_1G};
        if (model_is_reserved_slot(&rig.model, page.number))
            continue;
        assert_status(paging_map_sized(&rig.space, page, frame, PAGING_1G, NX, machine_frames()), PAGING_OK);
        machine_begin_operation(NULL);
        model_add(&rig.model, (struct model_leaf){page.number, FRAME_1G, PAGING_1G, NX, false, 0});
        left--;
    }
    assert_status(rig_share_upper_half(home), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_int_equal(machine_flushes(), 5);
    assert_int_equal(machine_full_flushes(), 0);
}

static void share_out_of_frames(void **state)
{
    rig_open_spaces();
    static const unsigned lefts[] = {0, 1, 100};
    for (unsigned i = 0; i < 3; i++) {
        machine_limit_frames(lefts[i]);
        assert_status(rig_share_upper_half(home), PAGING_NO_FRAMES);
    }
    machine_limit_frames(half_slots() - 1);
    assert_status(rig_share_upper_half(home), PAGING_NO_FRAMES);
    machine_limit_frames(half_slots());
    assert_status(rig_share_upper_half(home), PAGING_OK);
}

static void assert_share_refused(enum paging_status expected)
{
    machine_snapshot();
    struct paging_space as_it_was = rig.space;
    assert_status(paging_share_upper_half(&rig.space, machine_frames()), expected);
    assert_true(machine_unchanged());
    assert_same_space(&rig.space, &as_it_was);
}

/* Entries of the root that are not the core's are refused. */
static void share_refuses(void **state)
{
    rig_open_sharer();
    assert_status(rig_share_upper_half(other), PAGING_SHARED);
    assert_status(rig_unshare_upper_half(other), PAGING_SHARED);
    assert_status(rig_unshare_upper_half(home), PAGING_SHARED);
    rig_close(NULL);
    rig_open_spaces();
    volatile uint64_t *last =
        entry_at(rig_address(paging_level_pages(rig_levels) * (PAGING_TABLE_ENTRIES - 4)), rig_levels);
    assert_int_equal(*last, 0);
    *last = 2;
    assert_share_refused(PAGING_MARKED);
    *last = ~(uint64_t)1; /* not present: none of its bits counts */
    assert_share_refused(PAGING_MARKED);
    *last = DEVICE_FRAME << 12 | 0xe7;
    assert_share_refused(PAGING_MALFORMED);
    *last = 0;
    assert_status(rig_share_upper_half(home), PAGING_OK);
}

/* All that a slot of the root spans is unmapped, but the table stays: others may share it. */
static void a_whole_slot_of_a_shared_half(void **state)
{
    rig_open_spaces();
    uint64_t slot = rig_address(300 * paging_level_pages(rig_levels));
    assert_status(rig_map(slot, RW), PAGING_OK);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    uint64_t entry = *entry_at(slot, rig_levels);
    assert_status(rig_unmap_range(slot, paging_level_bytes(rig_levels)), PAGING_OK);
    assert_int_equal(*entry_at(slot, rig_levels), entry);
    assert_status(rig_map(slot, RW), PAGING_OK);
}

/* ---- the lower half is not shared ---- */

static uint64_t high_in_the_lower_half(void)
{
    return rig_address(paging_level_pages(rig_levels) * (PAGING_TABLE_ENTRIES / 2 - 30));
}

static void lower_half_is_not_shared(void **state)
{
    rig_open_spaces();
    assert_status(rig_map(high_in_the_lower_half(), RW), PAGING_OK);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    rig.at = other;
    assert_true(rig_walk(high_in_the_lower_half()).faulted);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
}

/* An entry of the root that is not present, and whose value looks like a frame, or like a detached entry. */
static void marker_stays(void **state)
{
    const uint64_t entry = DEVICE_FRAME << 12 | 2;
    rig_open_spaces();
    rig_plant_marker(high_in_the_lower_half(), rig_levels, entry);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_int_equal(*entry_at(high_in_the_lower_half(), rig_levels), entry);
}

/* The same in an upper half that is not shared: there is nothing to take back. */
static void nothing_is_shared(void **state)
{
    rig_open_spaces();
    rig_plant_marker(rig_upper_place(), rig_levels, DEVICE_FRAME << 12 | 2);
    machine_snapshot();
    assert_status(paging_unshare_upper_half(&rig.space, machine_frames()), PAGING_OK);
    assert_true(machine_unchanged());
    rig_check();
}

/* ---- by direct map ---- */

static enum paging_status map_at(struct paging_space *space, uint64_t address)
{
    machine_begin_operation(NULL);
    return paging_map_to(space, rig_page(address), (paging_frame_t){DEVICE_FRAME}, RW, machine_frames());
}

/* Neither space is active, but a third one may be and share the half. So neither may change it. */
static void by_direct_map(void **state)
{
    rig_open_spaces();
    struct paging_space owner, sharer;
    struct paging_unmapped unmapped;
    uint64_t upper = rig_upper_place();
    assert_status(rig_create(&owner, rig.space.cpu, machine_frames()), PAGING_OK);
    assert_status(map_at(&owner, upper), PAGING_OK);
    machine_begin_operation(NULL);
    assert_status(paging_share_upper_half(&owner, machine_frames()), PAGING_OK);
    assert_status(map_at(&owner, upper + 4 * KIB), PAGING_OK);
    machine_begin_operation(NULL);
    assert_status(paging_create_sibling(&sharer, &owner, machine_frames()), PAGING_OK);
    assert_int_equal(owner.sharers, 1);
    assert_status(map_at(&owner, upper + 8 * KIB), PAGING_SHARED);
    assert_status(map_at(&sharer, upper + 8 * KIB), PAGING_SHARED);
    assert_status(map_at(&owner, PLACE), PAGING_OK);
    assert_status(map_at(&sharer, PLACE), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_status(paging_destroy(&sharer, machine_frames()), PAGING_OK);
    assert_status(map_at(&owner, upper + 8 * KIB), PAGING_OK);
    assert_status(paging_unmap(&owner, rig_page(upper), machine_frames(), &unmapped), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_status(paging_destroy(&owner, machine_frames()), PAGING_OK);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("share: a table for every entry; unshare: empty ones go back, others are counted",
             share_and_unshare),
    RIG_TEST("unshare: the window of each table that goes is flushed", unshare_flushes_windows),
    RIG_TEST("share: out of frames at every number, no change", share_out_of_frames),
    RIG_TEST("share: another's half, and entries that are not the core's, are refused", share_refuses),
    RIG_TEST("share: all of a slot is unmapped, and its table stays", a_whole_slot_of_a_shared_half),
    RIG_TEST("share: the lower half is not shared", lower_half_is_not_shared),
    RIG_TEST("unshare: a marker in the lower half stays", marker_stays),
    RIG_TEST("unshare: with nothing shared nothing changes", nothing_is_shared),
    RIG_TEST("share: by direct map, neither the owner nor a sharer changes the half", by_direct_map),
};

RIG_MAIN("share", tests)
