/* SPDX-License-Identifier: MIT */
/* Tests unmap: afterwards no translation leads to what was mapped, whatever was cached. */
#include "rig/entries.h"
#include "rig/rig.h"
#include <string.h>

static void next_access_faults(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_FETCH};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
        assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
        assert_allowed(PLACE, accesses[i]);
        assert_status(rig_unmap(PLACE), PAGING_OK);
        for (unsigned j = 0; j < 3; j++)
            assert_refused(PLACE, accesses[j], accesses[j]);
        assert_allowed(PLACE + 4 * KIB, accesses[i]);
        assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
        for (unsigned j = 0; j < 3; j++)
            assert_refused(PLACE + 4 * KIB, accesses[j], accesses[j]);
    }
}

/* Returns the page whose index is the same in every table. */
static uint64_t page_of_indices(uint64_t index)
{
    uint64_t number = 0;
    for (unsigned level = rig.model.levels; level > 0; level--)
        number = number * PAGING_TABLE_ENTRIES + index;
    return rig_address(number);
}

/*
 * A walk that starts a level too low meets entries that are used all the same if all indices of the page are
 * alike. Only the page goes, not a table that maps it.
 */
static void all_indices_alike(void **state)
{
    rig_open();
    for (unsigned half = 0; half < 2; half++) {
        uint64_t page = page_of_indices(half * (PAGING_TABLE_ENTRIES / 2) + 1);
        uint64_t next = page ^ 2 * PAGING_PAGE_BYTES;
        assert_status(rig_map_to(page, DEVICE_FRAME, RW), PAGING_OK);
        assert_status(rig_map_to(next, DEVICE_FRAME, RW), PAGING_OK);
        uint64_t tables = paging_counted(&rig.space).tables;
        assert_status(rig_unmap(page), PAGING_OK);
        assert_int_equal(rig.unmapped.frame.number, DEVICE_FRAME);
        assert_int_equal(paging_counted(&rig.space).tables, tables);
        assert_refused(page, WALK_READ, WALK_READ);
        assert_allowed(next, WALK_READ);
        assert_status(rig_unmap(next), PAGING_OK);
    }
}

static void map_inactive(uint64_t address, bool owned)
{
    paging_page_t page = rig_page(address);
    paging_frame_t frame = {DEVICE_FRAME};
    uint64_t flags = RW | PAGING_USER;
    assert_status(owned ? paging_map(&rig.space, page, flags, machine_frames())
                        : paging_map_to(&rig.space, page, frame, flags, machine_frames()),
                  PAGING_OK);
}

static void unmap_inactive(uint64_t address, bool owned)
{
    struct paging_translation found;
    paging_virt_t start = {address};
    assert_status(paging_translate(&rig.space, start, &found), PAGING_OK);
    assert_int_equal(found.owned, owned);
    assert_status(paging_unmap(&rig.space, rig_page(address), machine_frames(), &rig.unmapped), PAGING_OK);
    assert_int_equal(rig.unmapped.frame.number, found.address.value / PAGING_PAGE_BYTES);
    assert_int_equal(rig.unmapped.released, owned);
    assert_status(paging_translate(&rig.space, start, &found), PAGING_NOT_MAPPED);
}

/*
 * The same in an inactive space, while other tables are active. A walk that starts a level too high would, at
 * index 0, take what is in the page for entries: a leaf with all rights and a count looks like an entry to a
 * table.
 */
static void all_indices_alike_while_inactive(void **state)
{
    const uint64_t touched = PAGING_PRESENT | PAGING_ACCESSED | PAGING_DIRTY, count = (uint64_t)1 << 53;
    rig_open();
    paging_mark_inactive(&rig.space, machine_offset());
    memset(machine_frame(DEVICE_FRAME + 1), 0, PAGING_PAGE_BYTES);
    machine_load_cr3(DEVICE_FRAME + 1);
    for (unsigned i = 0; i < 6; i++) {
        bool owned = i % 2;
        uint64_t first = page_of_indices(i < 4 ? i / 2 : PAGING_TABLE_ENTRIES / 2 + 1);
        uint64_t next = first ^ PAGING_PAGE_BYTES, other_table = first ^ 4 * MIB, *words;
        words = machine_frame(DEVICE_FRAME);
        memset(words, 0, PAGING_PAGE_BYTES);
        words[0] = touched;
        map_inactive(other_table, false);
        map_inactive(first, false);
        *entry_below(rig.space.root.number, first, 1) |= touched | count;
        machine_reset_log(); /* the next operation has reserved nothing */
        map_inactive(next, owned);
        unmap_inactive(first, false);
        unmap_inactive(next, owned);
        unmap_inactive(other_table, false);
        assert_int_equal(words[0], touched);
        assert_int_equal(words[1], 0);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

static void owned_and_others(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_false(machine_frame_is_out(rig.unmapped.frame.number));
    assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
    assert_false(rig.unmapped.released);
    assert_int_equal(rig.unmapped.frame.number, DEVICE_FRAME);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* As rig_unmap, without a report. The judge has no call for that. */
static void unmap_without_report(uint64_t address)
{
    machine_fill_tlb();
    machine_reset_log();
    assert_status(paging_unmap(&rig.space, rig_page(address), machine_frames(), NULL), PAGING_OK);
    model_remove(&rig.model, rig_page(address).number);
    rig_check();
}

/* On the fast and on the slow path, a page of each size, owned or not. */
static void needs_no_report(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 8 * KIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 12 * KIB, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_owned(PLACE + 2 * GIB, PAGING_2M, RW), PAGING_OK);
    static const uint64_t places[] = {0, 8 * KIB, GIB, 2 * GIB, 4 * KIB, 12 * KIB};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++)
        unmap_without_report(PLACE + places[i]);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void reports_accessed_and_dirty(void **state)
{
    rig_open();
    static const uint64_t touched[] = {0, PAGING_ACCESSED, PAGING_ACCESSED | PAGING_DIRTY};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_map(PLACE, RW | PAGING_SYSTEM_11), PAGING_OK);
        if (i > 0)
            assert_allowed(PLACE, WALK_READ);
        if (i > 1)
            assert_allowed(PLACE, WALK_WRITE);
        assert_status(rig_unmap(PLACE), PAGING_OK);
        assert_int_equal(rig.unmapped.flags & (PAGING_ACCESSED | PAGING_DIRTY), touched[i]);
        assert_int_equal(rig.unmapped.flags & (RW | NX | PAGING_SYSTEM_BITS), RW | PAGING_SYSTEM_11);
    }
}

static void not_mapped(void **state)
{
    rig_open();
    assert_status(rig_unmap(PLACE), PAGING_NOT_MAPPED);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_NOT_MAPPED);
    assert_status(rig_unmap(PLACE + 2 * MIB), PAGING_NOT_MAPPED);
    assert_status(rig_unmap(PLACE + GIB), PAGING_NOT_MAPPED);
    assert_status(rig_unmap(PLACE + SLOT_BYTES), PAGING_NOT_MAPPED);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_NOT_MAPPED);
}

static void huge_pages(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_INSIDE_HUGE);
    assert_status(rig_unmap(PLACE + 2 * MIB), PAGING_INSIDE_HUGE);
    assert_status(rig_unmap(PLACE + GIB - 4 * KIB), PAGING_INSIDE_HUGE);
    assert_status(rig_unmap(PLACE + GIB + 4 * KIB), PAGING_INSIDE_HUGE);
    assert_allowed(PLACE + 2 * MIB, WALK_WRITE);
    assert_allowed(PLACE + GIB + 8 * KIB, WALK_READ);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(rig.unmapped.size, PAGING_1G);
    assert_refused(PLACE + 2 * MIB, WALK_READ, 0);
    assert_status(rig_unmap(PLACE + GIB), PAGING_OK);
    assert_int_equal(rig.unmapped.size, PAGING_2M);
    assert_refused(PLACE + GIB + 8 * KIB, WALK_READ, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void tables_go_when_empty(void **state)
{
    rig_open();
    static const uint64_t others[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE + others[i], DEVICE_FRAME, RW), PAGING_OK);
        unsigned out = machine_frames_out();
        assert_status(rig_map(PLACE, RW), PAGING_OK);
        assert_int_equal(machine_frames_out() - out, i + 1);
        assert_status(rig_unmap(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), out);
        assert_status(rig_unmap(PLACE + others[i]), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/*
 * A bug of another project: tables that were freed while their window was cached were used again, and both
 * mappings were lost. Every window is cached here, by a processor that forgets nothing it may keep.
 */
static void windows_of_freed_tables_are_flushed(void **state)
{
    rig_open();
    for (unsigned distance = 0; distance < 4; distance++) {
        static const uint64_t others[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
        uint64_t first = PLACE, second = PLACE + others[distance] + (8 << 20);
        assert_status(rig_map(first, RW), PAGING_OK);
        for (unsigned level = 1; level <= rig.model.levels; level++)
            assert_allowed(rig_window(level, first), WALK_WRITE);
        machine_fill_tlb();
        assert_status(rig_unmap(first), PAGING_OK);
        for (unsigned level = 1; level < rig.model.levels; level++)
            assert_false(machine_caches(rig_window(level, first)));
        assert_status(rig_map(second, RW), PAGING_OK); /* on the frames just freed */
        assert_status(rig_map(first, RW), PAGING_OK);
        assert_allowed(first, WALK_WRITE);
        assert_allowed(second, WALK_WRITE);
        assert_status(rig_unmap(second), PAGING_OK);
        assert_allowed(first, WALK_WRITE);
        assert_status(rig_unmap(first), PAGING_OK);
    }
}

static void leaked_windows_are_flushed(void **state)
{
    rig_open();
    machine_fill(FRAME_1G);
    machine_fill(FRAME_2M);
    for (unsigned neighbour = 0; neighbour < 2; neighbour++) {
        if (neighbour)
            assert_status(rig_map_to(PLACE + 4 * MIB, DEVICE_FRAME, RW), PAGING_OK);
        assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
        assert_reads(rig_window(1, PLACE), FRAME_2M);
        machine_fill_tlb();
        assert_status(rig_unmap(PLACE), PAGING_OK);
        assert_false(machine_caches(rig_window(1, PLACE)));
        assert_status(rig_map(PLACE, RW), PAGING_OK);
        assert_allowed(PLACE, WALK_WRITE);
        assert_status(rig_unmap(PLACE), PAGING_OK);

        assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
        assert_reads(rig_window(1, PLACE + GIB), FRAME_1G);
        assert_allowed(rig_window(1, PLACE + 2 * GIB - 1), WALK_READ);
        assert_reads(rig_window(2, PLACE + GIB), FRAME_1G);
        machine_fill_tlb();
        assert_status(rig_unmap(PLACE + GIB), PAGING_OK);
        assert_status(rig_map(PLACE + 2 * GIB - 4 * KIB, RW), PAGING_OK);
        assert_allowed(PLACE + 2 * GIB - 8, WALK_WRITE);
        assert_refused(rig_window(1, PLACE + GIB), WALK_READ, 0);
        assert_status(rig_unmap(PLACE + 2 * GIB - 4 * KIB), PAGING_OK);
    }
}

static bool was_flushed(uint64_t address)
{
    for (unsigned i = 0; i < machine_flushes(); i++)
        if (machine_flushed(i) == address)
            return true;
    return false;
}

/* The judge of unmap compares every list of flushes with the abstract map. Here the list is spelled out. */
static void exact_flushes(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_true(was_flushed(PLACE));
    assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? rig.model.levels : 1);
    assert_true(was_flushed(PLACE + 4 * KIB));
    for (unsigned level = 1; rig_has_windows() && level < rig.model.levels; level++)
        assert_true(was_flushed(rig_window(level, PLACE)));
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE + 2 * MIB), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? 2 : 1);
    assert_true(was_flushed(rig_has_windows() ? rig_window(1, PLACE + 2 * MIB) : PLACE + 2 * MIB));
}

static void counts_its_flushes(void **state)
{
    rig_open();
    uint64_t before = paging_counted(&rig.space).flushes;
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).flushes - before, machine_flushes());
    before = paging_counted(&rig.space).flushes;
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).flushes - before, 1);
}

static void remap_reads_the_other_frame(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    machine_fill(DEVICE_FRAME + 1);
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE, DEVICE_FRAME + (i & 1), i & 2 ? RW : 0), PAGING_OK);
        assert_reads(PLACE, DEVICE_FRAME + (i & 1));
        if (i & 2)
            assert_allowed(PLACE, WALK_WRITE);
        else
            assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_status(rig_unmap(PLACE), PAGING_OK);
    }
}

static void narrower_remap(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE, WALK_FETCH);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, NX), PAGING_OK);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_reads(PLACE, DEVICE_FRAME);
}

/* Neither the core nor the processor uses bits 59 to 62 of such an entry. */
static void odd_bits_do_not_lose_the_count(void **state)
{
    rig_open();
    struct paging_unmapped gone;
    for (unsigned bit = 59; bit < 63; bit++) {
        assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
        *entry_at(PLACE, 2) |= (uint64_t)1 << bit;
        assert_status(paging_unmap(&rig.space, rig_page(PLACE), machine_frames(), &gone), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        model_remove(&rig.model, rig_page(PLACE).number);
        rig_check();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("unmap: needs no report, owned frames go back all the same", needs_no_report),
    RIG_TEST("unmap: the next access faults", next_access_faults),
    RIG_TEST("unmap: a page whose indices are all alike", all_indices_alike),
    RIG_TEST("unmap: such a page of an inactive space", all_indices_alike_while_inactive),
    RIG_TEST("unmap: owned frames go back to the source, others to the caller", owned_and_others),
    RIG_TEST("unmap: reports accessed and dirty of real accesses", reports_accessed_and_dirty),
    RIG_TEST("unmap: what is not mapped is refused", not_mapped),
    RIG_TEST("unmap: huge pages whole or not at all", huge_pages),
    RIG_TEST("unmap: tables go back exactly when they are empty", tables_go_when_empty),
    RIG_RECURSIVE_TEST("unmap: the window of a freed table is flushed too",
                       windows_of_freed_tables_are_flushed),
    RIG_RECURSIVE_TEST("unmap: the window pages a huge page leaks into are flushed",
                       leaked_windows_are_flushed),
    RIG_TEST("unmap: exactly these pages are flushed", exact_flushes),
    RIG_TEST("unmap: odd bits in the entry of a P1 do not lose its count", odd_bits_do_not_lose_the_count),
    RIG_TEST("space: counts its flushes", counts_its_flushes),
    RIG_TEST("remap: the other frame is read", remap_reads_the_other_frame),
    RIG_TEST("remap: to fewer rights", narrower_remap),
};

RIG_MAIN("unmap", tests)
