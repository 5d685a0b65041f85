/* SPDX-License-Identifier: MIT */
/*
 * Tests boundaries in the core that no other test reaches: a mistake of one character there would go
 * unnoticed.
 */
#include "rig/rig_merge.h"
#include <selfmap/translate.h>
#include <string.h>

/* A larger leaf would be of a level at which the processor has none. */
static void no_page_is_larger_than_1g(void **state)
{
    rig_open();
    uint64_t frames = (uint64_t)1 << 27; /* 512 GiB: aligned for a page of that size */
    assert_status(rig_map_range(PLACE, frames * PAGING_PAGE_BYTES, 512 * GIB, RW), PAGING_OK);
    merge(PLACE, 512 * GIB);
    ASSERT_RUNS(PLACE, {3, 512});
}

/* Markers that look like contiguous pages, except for PRESENT, are not merged. */
static void a_row_of_markers(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    for (unsigned page = 0; page < 512; page++)
        *entry_at(PLACE + page * 4 * KIB, 1) &= ~PAGING_PRESENT;
    machine_flush_all();
    machine_snapshot();
    paging_virt_t start = {PLACE};
    assert_status(paging_merge_range(&rig.space, start, 2 * MIB, machine_frames()), PAGING_OK);
    assert_true(machine_unchanged());
    assert_refused(PLACE, WALK_READ, 0);
}

/* Nothing of an inactive space is cached: nothing is flushed, and the loop over the pages still ends. */
static void merge_while_inactive(void **state)
{
    rig_open();
    paging_mark_inactive(&rig.space, machine_offset());
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_merge_range(PLACE, 2 * MIB), PAGING_OK);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    assert_int_equal(paging_counted(&rig.space).flushes + paging_counted(&rig.space).full_flushes, 0);
}

/* From 33 pages on, a full flush costs less. */
static void one_by_one_or_all_at_once(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_protect_range(PLACE, 32 * 4 * KIB, 0, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), 32);
    assert_int_equal(machine_full_flushes(), 0);
    assert_status(rig_protect_range(PLACE + MIB, 33 * 4 * KIB, 0, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_int_equal(machine_full_flushes(), 1);
}

/* Storing an entry unchanged could undo an accessed or dirty bit that the processor sets at that moment. */
static void only_what_changes_is_written(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    for (unsigned page = 0; page < 512; page += 16)
        assert_status(rig_protect_range(PLACE + page * 4 * KIB, 32 * KIB, 0, RW), PAGING_OK);
    machine_reset_log();
    assert_status(rig_protect_range(PLACE, 2 * MIB, 0, RW), PAGING_OK);
    assert_int_equal(machine_stores(), 256);
    machine_reset_log();
    assert_status(rig_protect_range(PLACE, 2 * MIB, RW, 0), PAGING_OK);
    assert_int_equal(machine_stores(), 512);
}

/* With this number of pages the flush list is full already when eight holes in a row come. */
static void holes_among_many_pages(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_unmap_range(PLACE + 256 * 4 * KIB, 32 * KIB), PAGING_OK);
    machine_reset_log();
    assert_status(rig_protect_range(PLACE, 2 * MIB, 0, RW), PAGING_OK);
    assert_int_equal(machine_stores(), 512 - 8);
    ASSERT_RUNS(PLACE, {1, 256}, {0, 8}, {1, 248});
}

static struct {
    bool marked, lost;
} second_page;

/* Markers with the same bits as the pages around them, except PRESENT. */
static void markers_among_many_pages(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_unmap_range(PLACE + MIB, 64 * KIB), PAGING_OK);
    for (unsigned page = 0; page < 16; page++)
        assert_status(rig_set_marker(PLACE + MIB + page * 4 * KIB, RW | PAGING_USER), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 2 * MIB, 0, RW), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 2 * MIB, RW | PAGING_USER, 0), PAGING_OK);
    for (unsigned page = 0; page < 16; page++) {
        assert_status(rig_clear_marker(PLACE + MIB + page * 4 * KIB), PAGING_OK);
        assert_int_equal(rig.marker_value, RW | PAGING_USER);
    }
}

static void touch_the_second_page(void)
{
    bool accessed = (*entry_at(PLACE + 2 * MIB, 2) & PAGING_ACCESSED) != 0;
    second_page.lost |= second_page.marked && !accessed;
    machine_speculate(PLACE + 3 * MIB);
    second_page.marked = true;
}

/*
 * The huge page at the end of the range needs no change when the operation checks, so it is not split.
 * While the first one is split, the processor sets its accessed bit. That bit stays, because most of the
 * page is not in the range.
 */
static void an_accessed_bit_beyond_the_range_stays(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_2M, 2 * MIB, RW | PAGING_ACCESSED), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_2M + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    second_page.marked = second_page.lost = false;
    machine_observe(touch_the_second_page);
    assert_status(rig_protect_range(PLACE + MIB, 2 * MIB, 0, PAGING_ACCESSED), PAGING_OK);
    machine_observe(NULL);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1});
    assert_true(second_page.marked);
    assert_false(second_page.lost);
}

/* Bit 7 of a 4 KiB leaf is PAT, not PS. A reserved bit counts with and without it. */
static void a_reserved_bit_with_pat(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    uint64_t leaf = *entry_at(PLACE, 1), pat = (uint64_t)1 << 7,
             beyond = (uint64_t)1 << rig_setup().physical_bits;
    struct paging_translation found;
    struct paging_unmapped gone;
    struct paging_space *space = &rig.space;
    for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
        entry_write(PLACE, 1, leaf | pat | (is_bad ? beyond : 0));
        assert_status(paging_translate(space, (paging_virt_t){PLACE}, &found),
                      is_bad ? PAGING_MALFORMED : PAGING_OK);
        assert_int_equal(machine_access(PLACE, WALK_READ).faulted, is_bad);
    }
    assert_status(paging_unmap(space, rig_page(PLACE), machine_frames(), &gone), PAGING_MALFORMED);
    entry_write(PLACE, 1, leaf);
}

/* Bit 12 of a huge leaf is PAT, not a bit of its frame. It stays in all that a split and a merge make. */
static void pat_in_a_huge_page(void **state)
{
    static const uint64_t frames[] = {FRAME_2M, FRAME_1G}, pat = (uint64_t)1 << 12;
    for (enum paging_size size = PAGING_2M; size <= PAGING_1G; size++) {
        rig_open();
        assert_status(rig_map_sized(PLACE, frames[size - 2], size, RW), PAGING_OK);
        entry_write(PLACE, size, *entry_at(PLACE, size) | pat);
        struct paging_translation found;
        struct paging_unmapped gone;
        assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE + 5}, &found), PAGING_OK);
        assert_int_equal(found.address.value, frames[size - 2] * PAGING_PAGE_BYTES + 5);
        assert_int_equal(found.flags & PAGING_CACHE_FLAGS, PAGING_PAT);
        assert_status(paging_split(&rig.space, rig_page(PLACE), machine_frames()), PAGING_OK);
        assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE + 5}, &found), PAGING_OK);
        assert_int_equal(found.address.value, frames[size - 2] * PAGING_PAGE_BYTES + 5);
        assert_int_equal(found.flags & PAGING_CACHE_FLAGS, PAGING_PAT);
        paging_virt_t start = {PLACE};
        assert_status(paging_merge_range(&rig.space, start, paging_level_bytes(size), machine_frames()),
                      PAGING_OK);
        assert_int_equal(*entry_at(PLACE, size) & pat, pat);
        assert_status(paging_unmap(&rig.space, rig_page(PLACE), machine_frames(), &gone), PAGING_OK);
        assert_int_equal(gone.flags & PAGING_CACHE_FLAGS, PAGING_PAT);
        assert_int_equal(gone.frame.number, frames[size - 2]);
        machine_close();
    }
}

static void result_is_not_written(void **state)
{
    rig_open();
    uint64_t gap = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    struct paging_walk_result path, before;
    memset(&path, 0x5a, sizeof(path));
    before = path;
    assert_status(paging_walk_address(&rig.space, (paging_virt_t){gap}, &path), PAGING_NOT_CANONICAL);
    assert_memory_equal(&path, &before, sizeof(path));
}

static void names_of_statuses(void **state)
{
    const char *unknown = paging_status_name((enum paging_status) - 1);
    assert_string_equal(paging_status_name(PAGING_STATUS_COUNT), unknown);
    for (unsigned status = 0; status < PAGING_STATUS_COUNT; status++) {
        const char *name = paging_status_name((enum paging_status)status);
        assert_string_not_equal(name, unknown);
        for (unsigned other = 0; other < status; other++)
            assert_string_not_equal(name, paging_status_name((enum paging_status)other));
    }
}

/* No processor has pages of 512 GiB, even if the frame is aligned for one. */
static void a_huge_page_in_the_root(void **state)
{
    rig_open();
    struct paging_translation found;
    volatile uint64_t *entry = entry_at(rig_address(7 * paging_level_pages(rig_levels)), rig_levels);
    *entry = PAGING_PRESENT | RW | PAGING_HUGE;
    paging_virt_t inside = {rig_address(7 * paging_level_pages(rig_levels))};
    assert_status(paging_translate(&rig.space, inside, &found), PAGING_MALFORMED);
    *entry = 0;
}

/* A marker is in no TLB, because it is not present. */
static void nothing_is_flushed_for_a_marker(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0xbeef0);
    assert_status(rig_unmap_range(PLACE + 2 * MIB, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    rig_plant_marker(PLACE + 8 * KIB, 1, 0xbeef0);
    assert_status(rig_unmap_range(PLACE + 4 * KIB, 8 * KIB), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
}

/* In an entry that points to a table, bit 11 would say that spaces share it. */
static void every_bit_of_a_marker_in_the_root(void **state)
{
    rig_open();
    uint64_t bytes = paging_level_bytes(rig.model.levels),
             slot = rig_address(300 * paging_level_pages(rig.model.levels));
    rig_plant_marker(slot, rig.model.levels, ~(uint64_t)1);
    assert_status(rig_map(slot, RW), PAGING_MARKED);
    assert_status(rig_protect_range(slot, bytes, 0, RW), PAGING_OK);
    assert_status(rig_unmap_range(slot, bytes), PAGING_OK);
    assert_int_equal(*entry_at(slot, rig.model.levels), 0);
}

/* The page is aligned and its first frame can be addressed, but not all of the GiB. */
static void half_of_a_page_can_be_addressed(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 29;
    rig_open_on(setup);
    assert_status(rig_map_sized(PLACE, 0, PAGING_1G, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, 0, PAGING_2M, RW), PAGING_OK);
    machine_close();
    setup.physical_bits = 30;
    rig_open_on(setup);
    assert_status(rig_map_sized(PLACE, 0, PAGING_1G, RW), PAGING_OK);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("merge: 512 pages of 1 GiB stay, because there is no larger page", no_page_is_larger_than_1g),
    RIG_TEST("merge: 512 markers in a row are not merged", a_row_of_markers),
    RIG_TEST("merge: in an inactive space nothing is flushed", merge_while_inactive),
    RIG_TEST("protect_range: 32 pages are flushed one by one, 33 all at once", one_by_one_or_all_at_once),
    RIG_TEST("protect_range: pages that have the flags already are not written",
             only_what_changes_is_written),
    RIG_TEST("protect_range: holes stay holes among many pages that change", holes_among_many_pages),
    RIG_TEST("protect_range: markers stay among many pages that change", markers_among_many_pages),
    RIG_TEST("protect_range: a huge page that was not split keeps its accessed bit",
             an_accessed_bit_beyond_the_range_stays),
    RIG_TEST("map: a huge page that ends beyond MAXPHYADDR is refused", half_of_a_page_can_be_addressed),
    RIG_TEST("malformed: a huge page in the root, even if it is aligned", a_huge_page_in_the_root),
    RIG_TEST("unmap_range: nothing is flushed for a marker", nothing_is_flushed_for_a_marker),
    RIG_TEST("unmap_range: a marker in the root goes, whatever its bits", every_bit_of_a_marker_in_the_root),
    RIG_TEST("malformed: a reserved bit in a 4 KiB leaf counts with the PAT bit set too",
             a_reserved_bit_with_pat),
    RIG_TEST("PAT: bit 12 of a huge leaf is not a bit of its frame", pat_in_a_huge_page),
    RIG_TEST("walk_address: a non-canonical address leaves the result as it was", result_is_not_written),
    RIG_TEST("status: each has a name of its own, and other numbers have none", names_of_statuses),
};

RIG_MAIN("boundaries", tests)
