/* SPDX-License-Identifier: MIT */
/* Tests find_hole: the lowest unused addresses, as the abstract map knows them. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <selfmap/find_hole.h>

#define END (PLACE + 4 * GIB)

/* The judge compares the address with that of the map. Here it is said in plain words. */
static uint64_t hole(uint64_t from, uint64_t until, uint64_t bytes, uint64_t alignment)
{
    paging_virt_t start = {0};
    assert_status(rig_find_hole(from, until, bytes, alignment), PAGING_OK);
    assert_status(paging_find_hole(rig.at->space, (paging_virt_t){from}, (paging_virt_t){until}, bytes,
                                   alignment, &start),
                  PAGING_OK);
    return start.value;
}

static void between_pages(void **state)
{
    rig_open();
    assert_int_equal(hole(PLACE, END, GIB, 4 * KIB), PLACE);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 12 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 20 * KIB, 7), PAGING_OK);
    assert_int_equal(hole(PLACE, END, 4 * KIB, 4 * KIB), PLACE + 4 * KIB);
    assert_int_equal(hole(PLACE, END, 8 * KIB, 4 * KIB), PLACE + 4 * KIB);
    assert_int_equal(hole(PLACE, END, 8 * KIB, 8 * KIB), PLACE + 24 * KIB);
    assert_int_equal(hole(PLACE, END, 12 * KIB, 4 * KIB), PLACE + 24 * KIB);
    assert_int_equal(hole(PLACE, END, 2 * MIB, 2 * MIB), PLACE + 2 * MIB);
    assert_int_equal(hole(PLACE + 16 * KIB, END, 4 * KIB, 4 * KIB), PLACE + 16 * KIB);
}

/* Over the boundaries of tables, and around huge pages. */
static void over_tables(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_int_equal(hole(PLACE, END, 4 * MIB - 4 * KIB, 4 * KIB), PLACE + 4 * KIB);
    assert_int_equal(hole(PLACE, END, 4 * MIB, 4 * KIB), PLACE + 6 * MIB);
    assert_int_equal(hole(PLACE, END, GIB, 4 * KIB), PLACE + 2 * GIB);
    assert_int_equal(hole(PLACE + 4 * MIB + 4 * KIB, END, 4 * KIB, 4 * KIB), PLACE + 6 * MIB);
}

static void no_hole(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(hole(PLACE, PLACE + 16 * KIB, 8 * KIB, 4 * KIB), PLACE);
    assert_status(rig_find_hole(PLACE + 4 * KIB, PLACE + 16 * KIB, 8 * KIB, 4 * KIB), PAGING_NO_HOLE);
    assert_status(rig_find_hole(PLACE, PLACE + 16 * KIB, 12 * KIB, 4 * KIB), PAGING_NO_HOLE);
    assert_status(rig_find_hole(PLACE + 4 * KIB, PLACE + 16 * KIB, 4 * KIB, 2 * MIB), PAGING_NO_HOLE);
    assert_status(rig_find_hole(0, 0, ~0ull << 12, 4 * KIB), PAGING_NO_HOLE);
}

/* No hole lies in both halves, nor in a reserved slot, nor right over one. */
static void halves_and_slots(void **state)
{
    rig_open();
    uint64_t slot = paging_level_bytes(rig.model.levels), gap = slot * (PAGING_TABLE_ENTRIES / 2);
    uint64_t upper = rig_address(gap / PAGING_PAGE_BYTES), slots = PAGING_TABLE_ENTRIES / 2;
    assert_int_equal(hole(gap - 8 * KIB, 0, 8 * KIB, 4 * KIB), gap - 8 * KIB);
    assert_int_equal(hole(gap - 8 * KIB, 0, 12 * KIB, 4 * KIB),
                     model_is_reserved_slot(rig.at->model, rig_page(upper).number) ? upper + slot : upper);
    assert_int_equal(hole(0, gap, slot, slot), 0);
    for (uint64_t first = 0; first < 2 * slots; first += 64)
        for (uint64_t length = 1; length <= slots; length *= 2)
            (void)rig_find_hole(rig_address(first * slot / PAGING_PAGE_BYTES), 0, length * slot, 4 * KIB);
    uint64_t first_reserved = rig_address(PAGING_RECURSIVE_SLOT * slot / PAGING_PAGE_BYTES);
    assert_status(rig_find_hole(first_reserved, first_reserved + slot, 4 * KIB, 4 * KIB),
                  rig_has_windows() ? PAGING_NO_HOLE : PAGING_OK);
}

static void full_tables(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE + 4 * KIB, 8 * MIB - 4 * KIB, RW), PAGING_OK);
    assert_int_equal(hole(PLACE, END, 4 * KIB, 4 * KIB), PLACE + 8 * MIB - 4 * KIB);
    assert_status(rig_unmap(PLACE + 6 * MIB - 4 * KIB), PAGING_OK);
    assert_int_equal(hole(PLACE, END, 4 * KIB, 4 * KIB), PLACE + 6 * MIB - 4 * KIB);
    assert_int_equal(hole(PLACE, END, 8 * KIB, 4 * KIB), PLACE + 8 * MIB - 4 * KIB);
}

/* Each entry of a P2 is used, by huge pages and by one table: there the holes are. */
static void a_full_table_of_tables(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE + 2 * MIB, GIB - 2 * MIB, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(hole(PLACE, END, 4 * KIB, 4 * KIB), PLACE + 4 * KIB);
}

/* What somebody else broke is not offered. */
static void malformed_entries(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    entry_write(PLACE, 2, *entry_at(PLACE, 2) | (uint64_t)1 << 51);
    paging_virt_t start;
    assert_status(
        paging_find_hole(&rig.space, (paging_virt_t){PLACE}, (paging_virt_t){END}, 4 * KIB, 4 * KIB, &start),
        PAGING_OK);
    assert_int_equal(start.value, PLACE + 2 * MIB);
}

static void refusals(void **state)
{
    rig_open();
    uint64_t gap = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    assert_status(rig_find_hole(PLACE, END, 0, 4 * KIB), PAGING_EMPTY_RANGE);
    assert_status(rig_find_hole(END, PLACE, 4 * KIB, 4 * KIB), PAGING_EMPTY_RANGE);
    assert_status(rig_find_hole(PLACE, PLACE, 4 * KIB, 4 * KIB), PAGING_EMPTY_RANGE);
    assert_status(rig_find_hole(PLACE + 8, END, 4 * KIB, 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_find_hole(PLACE, END + 8, 4 * KIB, 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_find_hole(PLACE, END, 4 * KIB + 8, 4 * KIB), PAGING_MISALIGNED);
    static const uint64_t alignments[] = {0, 8, 12 * KIB, 2 * KIB, 3 * GIB};
    for (unsigned i = 0; i < 5; i++)
        assert_status(rig_find_hole(PLACE, END, 4 * KIB, alignments[i]), PAGING_MISALIGNED);
    assert_status(rig_find_hole(gap, 0, 4 * KIB, 4 * KIB), PAGING_NOT_CANONICAL);
    assert_status(rig_find_hole(PLACE, gap + 4 * KIB, 4 * KIB, 4 * KIB), PAGING_NOT_CANONICAL);
}

/* Whatever is mapped, every length and alignment. */
static void random_maps(void **state)
{
    for (unsigned round = 0; round < 10; round++) {
        rig_open();
        for (unsigned i = 0; i < 24; i++) {
            uint64_t place = PLACE + rig_random(3) * GIB + rig_random(4) * 2 * MIB;
            uint64_t page = place + rig_random(512) * 4 * KIB;
            if (rig_random(3))
                (void)rig_map(page, RW);
            else if (rig_random(2))
                (void)rig_map_sized(place, FRAME_2M, PAGING_2M, RW);
            else
                (void)rig_set_marker(page, 5);
        }
        for (unsigned i = 0; i < 100; i++) {
            uint64_t from = PLACE + rig_random(2) * GIB + rig_random(2048) * 4 * KIB;
            uint64_t bytes = (1 + rig_random(8)) << (12 + 9 * rig_random(3));
            (void)rig_find_hole(from, from + (rig_random(GIB) & ~4095ull) + 4 * KIB, bytes,
                                1ull << (12 + rig_random(19)));
        }
        machine_close();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("find_hole: the first one that is long enough, aligned, between pages and markers",
             between_pages),
    RIG_TEST("find_hole: over the boundaries of tables, around huge pages", over_tables),
    RIG_TEST("find_hole: nothing is large enough", no_hole),
    RIG_TEST("find_hole: lies in one half, and in no reserved slot", halves_and_slots),
    RIG_TEST("find_hole: full P1s, and one with a single hole", full_tables),
    RIG_TEST("find_hole: a full P2 above a P1 with holes", a_full_table_of_tables),
    RIG_TEST("find_hole: below a malformed entry there is none", malformed_entries),
    RIG_TEST("find_hole: what makes no sense is refused", refusals),
    RIG_TEST("find_hole: random maps", random_maps),
};

RIG_MAIN("find_hole", tests)
