/* SPDX-License-Identifier: MIT */
/* Tests the operations on lists of pages: each page as by itself, or none of them. */
#include "rig/entries.h"
#include "rig/page_list.h"
#include "rig/rig.h"
#include <selfmap/list.h>
#include <string.h>

#define AT(n) (PLACE + (uint64_t)(n)*PAGING_PAGE_BYTES)

static void each_reads_its_frame(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 40; i++)
        machine_fill(DEVICE_FRAME + i);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(10), RW), PAGING_OK);
    assert_status(rig_map_list(AT(11), DEVICE_FRAME + 11, 0x2e5, RW), PAGING_OK);
    for (unsigned i = 0; i < 10; i++)
        assert_reads(AT(i), DEVICE_FRAME + i);
    assert_refused(AT(10), WALK_READ, 0);
    for (unsigned i = 0; i < 10; i++)
        if (0x2e5 >> i & 1)
            assert_reads(AT(11 + i), DEVICE_FRAME + 11 + i);
        else
            assert_refused(AT(11 + i), WALK_READ, 0);
}

/* Two pages in each of eight P1s: no more tables than those, and each is reserved once. */
static void tables_are_counted_exactly(void **state)
{
    rig_open();
    uint64_t list = 0, needed = rig.model.levels - 2 + 8;
    for (unsigned i = 0; i < 8; i++)
        list |= (uint64_t)3 << 4 * i;
    list |= (uint64_t)(PAGING_INDEX_BITS - 2) << LIST_STEP_SHIFT;
    machine_limit_frames((unsigned)needed - 1);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW), PAGING_NO_FRAMES);
    machine_limit_frames((unsigned)needed);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW), PAGING_OK);
    assert_status(rig_unmap_list(PLACE, list), PAGING_OK);
    machine_limit_frames((unsigned)needed + 15);
    assert_status(rig_map_list_alloc(PLACE, list, RW), PAGING_NO_FRAMES);
    machine_limit_frames((unsigned)needed + 16);
    assert_status(rig_map_list_alloc(PLACE, list, RW), PAGING_OK);
    machine_unlimit_frames();
    assert_status(rig_unmap_list(PLACE, list), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* The last page of the list is the one that is refused: nothing has changed, the judge sees to that. */
static void one_refused_refuses_all(void **state)
{
    rig_open();
    assert_status(rig_map_to(AT(9), DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(10), RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_list_alloc(PLACE, LIST_OF(10), RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_unmap_list(AT(9), 3), PAGING_NOT_MAPPED);
    assert_status(rig_set_marker(AT(3), 7), PAGING_OK);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(10), RW), PAGING_MARKED);
    assert_status(rig_unmap_list(AT(3), 1 | 1 << 6), PAGING_MARKED);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_EACH(2, PAGING_INDEX_BITS), RW), PAGING_INSIDE_HUGE);
    assert_status(rig_unmap_list(AT(9), 1 | (uint64_t)1 << 53 | LIST_TWICE), PAGING_NOT_MAPPED);
    if (rig_has_windows()) {
        assert_status(rig_map_list(rig_window(1, PLACE), DEVICE_FRAME, 3, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_unmap_list(rig_window(1, PLACE), 1), PAGING_RESERVED_SLOT);
    }
    uint64_t far = rig_address(paging_page_limit(rig.model.levels) / 2 - 1);
    assert_status(
        rig_map_list(far, DEVICE_FRAME, 1 | (uint64_t)1 << 53 | (uint64_t)40 << LIST_STEP_SHIFT, RW),
        PAGING_BAD_PAGE);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, 7, RW | PAGING_GLOBAL), PAGING_BAD_FLAGS);
    uint64_t frames = (uint64_t)1 << (rig.space.cpu.physical_bits - PAGING_PAGE_SHIFT);
    assert_status(rig_map_list(PLACE, frames - 2, 7, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_list(PLACE, frames, 1, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_list(PLACE + 64 * MIB, frames, 1, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_list(PLACE, frames - 2, 3, RW), PAGING_OK);
}

/* GLOBAL is for the upper half only: a list that begins there and one that ends there. */
static void both_halves_in_one_list(void **state)
{
    rig_open();
    uint64_t half = paging_page_limit(rig.model.levels) / 2, first = rig_address(half - 1);
    assert_status(rig_map_list(first, DEVICE_FRAME, 3, RW | PAGING_GLOBAL), PAGING_BAD_FLAGS);
    assert_status(rig_map_list(first, DEVICE_FRAME, 3, RW), PAGING_OK);
    assert_status(rig_translate_list(first, 3), PAGING_OK);
    assert_status(rig_unmap_list(first, 3), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static enum paging_status map_these(const uint64_t *numbers, unsigned count)
{
    paging_page_t pages[8];
    paging_frame_t frames[8];
    for (unsigned i = 0; i < count; i++) {
        pages[i].number = rig_page(PLACE).number + numbers[i];
        frames[i].number = DEVICE_FRAME + i;
    }
    return paging_map_list(&rig.space, pages, frames, count, RW, machine_frames());
}

static enum paging_status unmap_these(const uint64_t *numbers, unsigned count)
{
    paging_page_t pages[8];
    for (unsigned i = 0; i < count; i++)
        pages[i].number = rig_page(PLACE).number + numbers[i];
    return paging_unmap_list(&rig.space, pages, count, machine_frames(), NULL);
}

/* In one P1, from one P1 to the one before it, below an unused entry, and a page twice. */
static void out_of_order_is_refused(void **state)
{
    static const uint64_t wrong[][3] = {{2, 1, 3},     {0, 2, 1},          {1, 1, 2},      {0, 512, 511},
                                        {512, 513, 3}, {3000, 2999, 4000}, {0, 3000, 3000}};
    rig_open();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
            machine_snapshot();
            assert_status(map_these(wrong[i], 3), PAGING_UNSORTED);
            assert_true(machine_unchanged());
        }
        assert_status(rig_map_to(AT(100), DEVICE_FRAME, RW), PAGING_OK);
        assert_status(rig_map_to(AT(612), DEVICE_FRAME, RW), PAGING_OK);
        if (round == 0)
            assert_status(rig_unmap(AT(612)), PAGING_OK);
        if (round == 0)
            assert_status(rig_unmap(AT(100)), PAGING_OK);
    }
    assert_status(rig_map_range(PLACE, DEVICE, 100 * PAGING_PAGE_BYTES, RW), PAGING_OK);
    assert_status(rig_map_range(AT(511), DEVICE, 5 * PAGING_PAGE_BYTES, RW), PAGING_OK);
    for (unsigned i = 0; i < 5; i++) {
        machine_snapshot();
        assert_status(unmap_these(wrong[i], 3), PAGING_UNSORTED);
        assert_true(machine_unchanged());
    }
}

static void no_pages_are_done_at_once(void **state)
{
    rig_open();
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, 0, RW), PAGING_OK);
    assert_status(rig_map_list_alloc(PLACE, 0, RW), PAGING_OK);
    assert_status(rig_unmap_list(PLACE, 0), PAGING_OK);
    assert_status(rig_translate_list(PLACE, 0), PAGING_OK);
    assert_status(paging_map_list(&rig.space, NULL, NULL, 0, RW, machine_frames()), PAGING_OK);
    assert_status(paging_map_list_alloc(&rig.space, NULL, 0, RW, machine_frames()), PAGING_OK);
    assert_status(paging_unmap_list(&rig.space, NULL, 0, machine_frames(), NULL), PAGING_OK);
    assert_status(paging_translate_list(&rig.space, NULL, 0, NULL), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).flushes + paging_counted(&rig.space).full_flushes, 0);
}

static void next_accesses_fault(void **state)
{
    rig_open();
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(20), RW), PAGING_OK);
    assert_status(rig_map_list_alloc(AT(20), LIST_OF(20), RW), PAGING_OK);
    for (unsigned i = 0; i < 40; i++)
        assert_allowed(AT(i), WALK_WRITE);
    assert_status(rig_unmap_list(PLACE, 0xaaaaa), PAGING_OK); /* some of those that are not owned */
    assert_status(rig_unmap_list(PLACE, LIST_OF(3)), PAGING_NOT_MAPPED);
    assert_status(rig_unmap_list(PLACE, 0x5555555555), PAGING_OK);
    for (unsigned i = 0; i < 40; i++)
        if (i % 2 == 0 || i < 20)
            assert_refused(AT(i), WALK_READ, 0);
        else
            assert_allowed(AT(i), WALK_READ);
    assert_status(rig_unmap_list(PLACE, 0xaaaaa00000), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* The flush list is full with 32 pages; the judge compares with exactly these. */
static void one_flush_decision(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 400 * PAGING_PAGE_BYTES, RW), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_unmap_list(PLACE, LIST_OF(32)), PAGING_OK);
    assert_int_equal(machine_flushes(), 32);
    machine_fill_tlb();
    assert_status(rig_unmap_list(AT(32), LIST_OF(33)), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_int_equal(machine_full_flushes(), 1);
    machine_fill_tlb();
    assert_status(rig_unmap_list(AT(65), LIST_EACH(54, 2)), PAGING_OK);
    assert_int_equal(machine_full_flushes(), 1);
}

/* Tables on all levels go, in the active space with their windows, and some stay. */
static void tables_go_with_their_windows(void **state)
{
    rig_open();
    for (unsigned level = 0; level < rig.model.levels - 1; level++) {
        uint64_t list = LIST_EACH(3, level * PAGING_INDEX_BITS);
        assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW), PAGING_OK);
        machine_fill_tlb();
        assert_status(rig_unmap_list(PLACE, list), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        assert_status(rig_map_list_alloc(PLACE, list, RW), PAGING_OK);
        machine_fill_tlb();
        assert_status(rig_unmap_list(PLACE, list & ~(uint64_t)2), PAGING_OK);
        assert_status(rig_unmap_list(PLACE, (list & ~(uint64_t)7) | 2), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* A huge page is removed whole, by the page that it begins with. */
static void huge_pages_whole(void **state)
{
    rig_open_large();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_unmap_list(PLACE, LIST_EACH(3, PAGING_INDEX_BITS - 1)), PAGING_INSIDE_HUGE);
    machine_fill_tlb();
    assert_status(rig_unmap_list(PLACE, LIST_EACH(3, PAGING_INDEX_BITS)), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void what_was_removed_is_told(void **state)
{
    paging_page_t pages[3] = {rig_page(PLACE)};
    struct paging_unmapped unmapped[3];
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | NX), PAGING_OK);
    assert_status(rig_map(AT(1), US), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    uint64_t frame = rig_walk(AT(1)).frame;
    for (unsigned i = 0; i < 3; i++)
        pages[i] = rig_page(i < 2 ? AT(i) : PLACE + 2 * MIB);
    assert_status(paging_unmap_list(&rig.space, pages, 3, machine_frames(), unmapped), PAGING_OK);
    assert_int_equal(unmapped[0].frame.number, DEVICE_FRAME);
    assert_int_equal(unmapped[0].flags, PAGING_PRESENT | RW | NX | TOUCHED);
    assert_int_equal(unmapped[0].size, PAGING_4K);
    assert_false(unmapped[0].released);
    assert_int_equal(unmapped[1].frame.number, frame);
    assert_true(unmapped[1].released);
    assert_int_equal(unmapped[2].frame.number, FRAME_2M);
    assert_int_equal(unmapped[2].size, PAGING_2M);
}

/* A marker keeps its place in the counts when a page takes it. */
static void markers_give_way(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_set_marker(AT(3 * i), 5), PAGING_OK);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(8), RW | PAGING_REPLACE_MARKER), PAGING_OK);
    assert_status(rig_map_list_alloc(AT(8), LIST_OF(8), RW | PAGING_REPLACE_MARKER), PAGING_OK);
    assert_status(rig_unmap_list(PLACE, LIST_OF(16)), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* A marker above the P1s gives way to two P1s, and stays on the pages that are not in the list. */
static void larger_markers_give_way(void **state)
{
    uint64_t list = 5 | (uint64_t)1 << 8 | (uint64_t)(PAGING_INDEX_BITS - 3) << LIST_STEP_SHIFT;
    rig_open();
    assert_status(rig_set_marker_range(PLACE, 4 * MIB, 9, 0), PAGING_OK);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW), PAGING_MARKED);
    machine_limit_frames(1);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW | PAGING_REPLACE_MARKER), PAGING_NO_FRAMES);
    machine_limit_frames(2);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, list, RW | PAGING_REPLACE_MARKER), PAGING_OK);
    machine_unlimit_frames();
    assert_status(rig_translate(AT(1)), PAGING_MARKED);
    assert_status(rig_unmap_list(PLACE, list), PAGING_OK);
    assert_status(rig_translate(PLACE), PAGING_NOT_MAPPED);
    assert_status(rig_unmap_range(PLACE, 4 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Any order, holes, markers, huge pages, windows, and pages that are none. */
static void translations_of_anything(void **state)
{
    rig_open();
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, 0x10f, RW | NX), PAGING_OK);
    assert_status(rig_set_marker(AT(5), 77), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * MIB, FRAME_2M * PAGING_PAGE_BYTES, 2 * MIB, US), PAGING_OK);
    for (unsigned shift = 0; shift < 40; shift++) {
        assert_status(rig_translate_list(PLACE, LIST_EACH(54, shift) | LIST_TWICE), PAGING_OK);
        assert_status(rig_translate_list(rig_window(1, PLACE), LIST_EACH(54, shift)), PAGING_OK);
    }
    assert_status(rig_map_to(PLACE - 4 * KIB, DEVICE_FRAME + 9, RW), PAGING_OK);
    paging_page_t pages[] = {rig_page(AT(3)), rig_page(PLACE - 4 * KIB), rig_page(AT(1)),
                             rig_page(PLACE + 3 * MIB), rig_page(AT(2))};
    struct paging_page_translation found[5];
    assert_status(paging_translate_list(&rig.space, pages, 5, found), PAGING_OK);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(found[i].frame.number, rig_walk(rig_address(pages[i].number)).frame);
}

static void nothing_is_flushed_by_direct_map(void **state)
{
    rig_open();
    paging_mark_inactive(&rig.space, machine_offset());
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_EACH(20, 6), RW), PAGING_OK);
    assert_status(rig_map_list_alloc(AT(1), LIST_OF(30), RW), PAGING_OK);
    assert_status(rig_translate_list(PLACE, LIST_EACH(20, 6)), PAGING_OK);
    paging_page_t pages[2] = {rig_page(PLACE), rig_page(AT(1))};
    struct paging_unmapped unmapped[2];
    assert_status(paging_unmap_list(&rig.space, pages, 2, machine_frames(), unmapped), PAGING_OK);
    assert_true(unmapped[1].released);
    assert_int_equal(paging_counted(&rig.space).flushes + paging_counted(&rig.space).full_flushes, 0);
}

/* What somebody else has written to a table is not mistaken for a page. */
static void malformed_is_refused(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 8 * PAGING_PAGE_BYTES, RW), PAGING_OK);
    *entry_at(AT(5), 1) |= rig.space.reserved_bits & ~PAGING_NO_EXECUTE;
    machine_flush_all();
    machine_snapshot();
    paging_page_t pages[8];
    struct paging_page_translation found[8];
    for (unsigned i = 0; i < 8; i++)
        pages[i] = rig_page(AT(i));
    assert_status(paging_unmap_list(&rig.space, pages, 8, machine_frames(), NULL), PAGING_MALFORMED);
    assert_status(paging_translate_list(&rig.space, pages, 8, found), PAGING_OK);
    for (unsigned i = 0; i < 8; i++)
        assert_status(found[i].status, i == 5 ? PAGING_MALFORMED : PAGING_OK);
    paging_frame_t frames[8] = {{DEVICE_FRAME}};
    assert_status(paging_map_list(&rig.space, pages + 5, frames, 1, RW, machine_frames()), PAGING_MALFORMED);
    assert_true(machine_unchanged());
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_list: each page reads its frame, and those between them fault", each_reads_its_frame),
    RIG_TEST("map_list: a marker above the P1s stays around the pages of the list", larger_markers_give_way),
    RIG_TEST("map_list: exactly the missing tables are reserved", tables_are_counted_exactly),
    RIG_TEST("list: one page that is refused refuses all", one_refused_refuses_all),
    RIG_TEST("list: the end of one half and the start of the other", both_halves_in_one_list),
    RIG_TEST("list: pages out of order are refused", out_of_order_is_refused),
    RIG_TEST("list: no pages are done at once", no_pages_are_done_at_once),
    RIG_TEST("unmap_list: the next accesses fault", next_accesses_fault),
    RIG_TEST("unmap_list: 32 pages are flushed by themselves, 33 with everything", one_flush_decision),
    RIG_TEST("unmap_list: tables of all levels go with their windows", tables_go_with_their_windows),
    RIG_TEST("unmap_list: huge pages go whole", huge_pages_whole),
    RIG_TEST("unmap_list: tells what was removed", what_was_removed_is_told),
    RIG_TEST("map_list: markers give way", markers_give_way),
    RIG_TEST("translate_list: anything, in any order", translations_of_anything),
    RIG_TEST("list: by direct map nothing is flushed", nothing_is_flushed_by_direct_map),
    RIG_TEST("list: malformed entries are refused", malformed_is_refused),
};

RIG_MAIN("list", tests)
