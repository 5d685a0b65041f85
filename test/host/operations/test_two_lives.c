/* SPDX-License-Identifier: MIT */
/*
 * Tests the two ways to live: what is different through a direct map, and spaces of both kinds beside each
 * other. What is alike is in the other files: each also runs with `LIFE=direct`.
 */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <selfmap/for_each.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

static struct rig_side *const home = &rig.sides[0], *const other = &rig.sides[1];

static void open_direct(void)
{
    struct machine_setup setup = rig_setup();
    setup.by_direct_map = true;
    rig_open_spaces_on(setup);
}

/* ---- no slot is reserved ---- */

static const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};

static uint64_t slot_start(unsigned slot)
{
    return rig_address(slot * paging_level_pages(rig.model.levels));
}

/* No table is made for a scratch page, not even in the frame 0 of whoever forgot to take one. */
static void an_empty_space_is_one_frame(void **state)
{
    struct paging_space space;
    open_direct();
    assert_int_equal(machine_frames_out(), 1);
    assert_int_equal(paging_counted(&rig.space).tables, 1);
    assert_int_equal(used_entries(rig.space.root.number), 0);
    machine_fill(0);
    machine_reset_log();
    assert_status(paging_create_direct(&space, rig.space.cpu, machine_offset(), machine_frames()), PAGING_OK);
    assert_int_equal(used_entries(space.root.number), 0);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        assert_int_equal(machine_frame(0)[i], machine_junk(0));
    assert_status(paging_destroy(&space, machine_frames()), PAGING_OK);
}

/* Single pages take the fast path once their tables are there. */
static void every_slot_is_the_callers(void **state)
{
    open_direct();
    for (unsigned i = 0; i < 3; i++) {
        uint64_t first = slot_start(slots[i]), last = first + paging_level_bytes(rig.model.levels) - 4 * KIB;
        assert_status(rig_map_to(first, DEVICE_FRAME, RW), PAGING_OK);
        assert_status(rig_map_to(first + 4 * KIB, DEVICE_FRAME + 1, RW), PAGING_OK);
        assert_status(rig_map(last, RW), PAGING_OK);
        assert_status(rig_map_sized(first + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
        assert_status(rig_split(first + GIB), PAGING_OK);
        assert_status(rig_merge_range(first + GIB, GIB), PAGING_OK);
        assert_status(rig_protect_range(first, 8 * KIB, NX, RW), PAGING_OK);
        assert_status(rig_set_marker(first + 8 * KIB, 5), PAGING_OK);
        rig_translate(first);
        rig_translate(last + 8);
        assert_status(rig_unmap(first), PAGING_OK);
        assert_status(rig_unmap(last), PAGING_OK);
        assert_status(rig_unmap_range(first, 2 * GIB), PAGING_OK);
    }
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* A range from one end of the half to the other, in one call. */
static void all_of_a_half_at_once(void **state)
{
    open_direct();
    uint64_t half = paging_level_bytes(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2);
    uint64_t start = slots[0] < PAGING_TABLE_ENTRIES / 2 ? 0 : 0 - half;
    for (unsigned i = 0; i < 3; i++)
        assert_status(rig_map(slot_start(slots[i]), RW), PAGING_OK);
    assert_status(rig_protect_range(start, half, NX, RW), PAGING_OK);
    assert_status(rig_unmap_range(start, half), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static enum paging_visit count_slots(void *context, const struct paging_entry_info *info)
{
    if (info->level == rig.model.levels)
        *(uint64_t *)context += info->pages / paging_level_pages(info->level);
    return PAGING_VISIT_NEXT;
}

static void for_each_shows_every_slot(void **state)
{
    open_direct();
    uint64_t seen = 0;
    assert_status(rig_map(slot_start(PAGING_RECURSIVE_SLOT), RW), PAGING_OK);
    assert_status(paging_for_each(&rig.space, count_slots, &seen), PAGING_OK);
    assert_int_equal(seen, PAGING_TABLE_ENTRIES);
}

static void the_whole_half_is_shared(void **state)
{
    open_direct();
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_int_equal(machine_frames_out(), 1 + PAGING_TABLE_ENTRIES / 2);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t start = slot_start(slots[i]);
        rig.at = home;
        if (model_is_upper(&rig.model, rig_page(start).number)) {
            assert_status(rig_map(start, RW | PAGING_GLOBAL), PAGING_OK);
            rig.at = other;
            assert_status(rig_map(start + 4 * KIB, RW), PAGING_SHARED);
        }
    }
}

/* ---- flushes ---- */

/* The only tables that go without a leaf are those of markers. Nothing else tells the processor of them. */
static void tables_of_markers_are_forgotten(void **state)
{
    open_direct();
    const uint64_t places[] = {PLACE, PLACE + 2 * MIB, PLACE + GIB};
    for (unsigned i = 0; i < 3; i++)
        assert_status(rig_set_marker(places[i], 7), PAGING_OK);
    machine_fill_tlb();
    for (unsigned i = 0; i < 3; i++)
        assert_refused(places[i], WALK_READ, 0); /* the processor now knows the way to each P1 */
    assert_status(rig_unmap_range(PLACE, 4 * MIB), PAGING_OK);
    assert_int_equal(machine_flushes(), 2);
    assert_int_equal(machine_flushed(0), PLACE);
    assert_int_equal(machine_flushed(1), PLACE + 2 * MIB);
    assert_status(rig_clear_marker(PLACE + GIB), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE + GIB);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Where a leaf goes with them, its flush does for all tables. Where the table stays, nothing is needed. */
static void leaves_do_for_their_tables(void **state)
{
    open_direct();
    assert_status(rig_set_marker(PLACE, 7), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 8 * KIB, 7), PAGING_OK);
    assert_status(rig_map(PLACE + 4 * KIB, RW), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 8 * KIB), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE + 4 * KIB);
}

/* The list has room for 32. With more, tables of markers too, everything is flushed at once. */
static void many_tables_of_markers(void **state)
{
    for (unsigned count = 32; count <= 33; count++) {
        open_direct();
        for (unsigned i = 0; i < count; i++)
            assert_status(rig_set_marker(PLACE + i * 2 * MIB, 7), PAGING_OK);
        assert_status(rig_unmap_range(PLACE, GIB), PAGING_OK);
        assert_int_equal(machine_flushes(), count == 32 ? 32 : 0);
        assert_int_equal(machine_full_flushes(), count == 32 ? 0 : 1);
        rig_close(NULL);
    }
}

/* An inactive space is edited where it is, and the processor need not know. */
static void the_inactive_is_edited_directly(void **state)
{
    open_direct();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    machine_fill_tlb();
    rig.at = other;
    assert_status(rig_map_to(PLACE, DEVICE_FRAME + 1, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 4 * MIB, NX, RW), PAGING_OK);
    assert_status(rig_unmap_range(PLACE + 2 * MIB + 4 * KIB, 4 * KIB), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME + 1, 0), PAGING_OK);
    assert_int_equal(paging_counted(other->space).flushes + paging_counted(other->space).full_flushes, 0);
    machine_fill(DEVICE_FRAME + 1);
    assert_allowed(PLACE, WALK_WRITE); /* in the active one */
    assert_status(rig_switch_to(home, other), PAGING_OK);
    assert_reads(PLACE, DEVICE_FRAME + 1);
    rig.at = home;
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_status(rig_destroy(home), PAGING_OK);
}

static void nothing_is_attached(void **state)
{
    open_direct();
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    assert_status(rig_attach(home, other), PAGING_NOT_SUPPORTED);
    assert_status(rig_attach(other, home), PAGING_NOT_ACTIVE);
    assert_status(rig_attach(home, home), PAGING_ACTIVE);
    assert_status(rig_detach(home, other), PAGING_UNREACHABLE);
}

/* ---- both kinds beside each other: the rig knows spaces of one kind, so these calls are not judged ---- */

static struct paging_space recursive, direct;

static struct paging_frame_source *frames(void)
{
    machine_begin_operation(NULL);
    return machine_frames();
}

/* A processor that forgets all ways at each INVLPG, and a core that may reach memory in both ways. */
static void open_both(void)
{
    struct machine_setup setup = rig_setup();
    setup.by_direct_map = false;
    machine_open(&setup);
    rig.model.levels = setup.levels;
    struct paging_cpu cpu = {.levels = setup.levels,
                             .physical_bits = setup.physical_bits,
                             .has_no_execute = true,
                             .has_1g_pages = true};
    assert_status(paging_create(&recursive, cpu, machine_offset(), frames()), PAGING_OK);
    assert_status(paging_create_direct(&direct, cpu, machine_offset(), frames()), PAGING_OK);
    assert_int_equal(recursive.mode, PAGING_MODE_DIRECT);
    assert_int_equal(direct.mode, PAGING_MODE_DIRECT);
    machine_load_cr3(recursive.root.number);
    paging_mark_active(&recursive);
    machine_reset_log();
}

static void map_in(struct paging_space *space, uint64_t frame)
{
    assert_status(paging_map_to(space, rig_page(PLACE), (paging_frame_t){frame}, RW, frames()), PAGING_OK);
}

static void unmap_in(struct paging_space *space, uint64_t frame)
{
    struct paging_unmapped gone;
    assert_status(paging_unmap(space, rig_page(PLACE), frames(), &gone), PAGING_OK);
    assert_int_equal(gone.frame.number, frame);
}

/* Each goes to the mode of its own kind. The one that lives recursively must be marked to be reached then. */
static void switching_between_the_kinds(void **state)
{
    open_both();
    machine_fill(DEVICE_FRAME);
    machine_fill(DEVICE_FRAME + 1);
    map_in(&recursive, DEVICE_FRAME);
    map_in(&direct, DEVICE_FRAME + 1);
    assert_reads(PLACE, DEVICE_FRAME);
    machine_reset_log();
    assert_status(paging_switch_to(&recursive, &direct), PAGING_OK);
    assert_int_equal(machine_root_loads(), 1);
    assert_int_equal(machine_full_flushes(), 1);
    assert_int_equal(recursive.mode, PAGING_MODE_UNREACHABLE);
    assert_int_equal(direct.mode, PAGING_MODE_DIRECT_ACTIVE);
    assert_reads(PLACE, DEVICE_FRAME + 1);
    unmap_in(&direct, DEVICE_FRAME + 1);
    assert_refused(PLACE, WALK_READ, 0);
    map_in(&direct, DEVICE_FRAME + 1);
    assert_status(paging_switch_to(&direct, &recursive), PAGING_OK);
    assert_int_equal(recursive.mode, PAGING_MODE_RECURSIVE);
    assert_int_equal(direct.mode, PAGING_MODE_DIRECT);
    assert_reads(PLACE, DEVICE_FRAME);
    machine_reset_log();
    unmap_in(&direct, DEVICE_FRAME + 1);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    machine_fill_tlb();
    unmap_in(&recursive, DEVICE_FRAME);
    assert_refused(PLACE, WALK_READ, 0);
    machine_audit();
}

static void an_unreachable_one_is_marked_and_destroyed(void **state)
{
    open_both();
    map_in(&recursive, DEVICE_FRAME);
    assert_status(paging_switch_to(&recursive, &direct), PAGING_OK);
    paging_mark_inactive(&recursive, machine_offset());
    unmap_in(&recursive, DEVICE_FRAME);
    assert_status(paging_map(&recursive, rig_page(PLACE), RW, frames()), PAGING_OK);
    assert_status(paging_destroy(&recursive, frames()), PAGING_OK);
    assert_int_equal(machine_frames_out(), 1);
    assert_status(paging_destroy(&direct, frames()), PAGING_ACTIVE);
}

static void no_kind_is_attached_to_the_other(void **state)
{
    open_both();
    struct paging_space one = recursive, two = direct;
    unsigned stores = machine_stores();
    assert_status(paging_attach(&recursive, &direct), PAGING_NOT_SUPPORTED);
    assert_same_space(&one, &recursive);
    assert_same_space(&two, &direct);
    assert_int_equal(machine_stores() - stores, 0);
    assert_status(paging_switch_to(&recursive, &direct), PAGING_OK);
    assert_status(paging_attach(&direct, &recursive), PAGING_NOT_SUPPORTED);
    assert_status(paging_detach(&direct, &recursive), PAGING_UNREACHABLE);
}

static void siblings_are_of_one_kind(void **state)
{
    struct paging_space sibling;
    open_both();
    assert_status(paging_create_sibling(&sibling, &direct, frames()), PAGING_OK);
    assert_true(sibling.by_direct_map);
    assert_int_equal(paging_counted(&sibling).tables, 1);
    assert_int_equal(sibling.mode, PAGING_MODE_DIRECT);
    assert_status(paging_destroy(&sibling, frames()), PAGING_OK);
    assert_status(paging_create_sibling(&sibling, &recursive, frames()), PAGING_OK);
    assert_false(sibling.by_direct_map);
    assert_int_equal(sibling.mode, PAGING_MODE_UNREACHABLE);
    assert_status(paging_destroy(&sibling, frames()), PAGING_OK);
}

/* Each space has an offset of its own, which stays when another one becomes active. */
static void the_offset_stays(void **state)
{
    open_both();
    uintptr_t offset = direct.offset;
    assert_status(paging_switch_to(&recursive, &direct), PAGING_OK);
    assert_int_equal(direct.offset, offset);
    assert_status(paging_switch_to(&direct, &recursive), PAGING_OK);
    assert_int_equal(direct.offset, offset);
    paging_mark_inactive(&direct, offset + 1);
    assert_int_equal(direct.offset, offset + 1);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("direct map: an empty space is one frame, all of zeroes", an_empty_space_is_one_frame),
    RIG_TEST("direct map: every slot of the root is the caller's", every_slot_is_the_callers),
    RIG_TEST("direct map: a range can be all of a half", all_of_a_half_at_once),
    RIG_TEST("direct map: for_each shows every slot of the root", for_each_shows_every_slot),
    RIG_TEST("direct map: every entry of the upper half is shared", the_whole_half_is_shared),
    RIG_TEST("direct map: a page is flushed below each table that held markers only",
             tables_of_markers_are_forgotten),
    RIG_TEST("direct map: the flush of a leaf does for the tables that go with it",
             leaves_do_for_their_tables),
    RIG_TEST("direct map: more than 32 tables of markers are one full flush", many_tables_of_markers),
    RIG_TEST("direct map: an inactive space is edited without a flush", the_inactive_is_edited_directly),
    RIG_TEST("direct map: no space is attached", nothing_is_attached),
    RIG_TEST("two lives: switch_to takes each to the mode of its own kind", switching_between_the_kinds),
    RIG_TEST("two lives: an unreachable space is marked inactive, edited and destroyed",
             an_unreachable_one_is_marked_and_destroyed),
    RIG_TEST("two lives: neither kind is attached to the other", no_kind_is_attached_to_the_other),
    RIG_TEST("two lives: a sibling lives as its sibling does", siblings_are_of_one_kind),
    RIG_TEST("two lives: a switch does not change an offset", the_offset_stays),
};

RIG_MAIN("two lives", tests)
