/* SPDX-License-Identifier: MIT */
/* Tests typed_tables.h of the self-tests: the step from a table to the next, active or inactive. */
#include "kernel/selftest/typed_tables.h"
#include "rig/entries.h"

static struct p4_table *p4_of(paging_page_t page)
{
    const struct paging_space *space = &rig.space;
    return rig_levels == 5 ? next_table(space, root_p5(space), paging_page_index(page, 5)) : root_p4(space);
}

/* Reads through the core's accessor: made-up memory has no addresses of its own. */
static uint64_t bits_at(paging_entry_t *entries, unsigned index)
{
    return paging_entry_load(&entries[index]).bits;
}

static void look_down(uint64_t address)
{
    const struct paging_space *space = &rig.space;
    paging_page_t page = rig_page(address);
    struct p4_table *p4 = p4_of(page);
    struct p3_table *p3 = next_table(space, p4, paging_page_index(page, 4));
    struct p2_table *p2 = next_table(space, p3, paging_page_index(page, 3));
    struct p1_table *p1 = next_table(space, p2, paging_page_index(page, 2));
    assert_int_equal(bits_at(p4->entries, paging_page_index(page, 4)), *entry_at(address, 4));
    assert_int_equal(bits_at(p3->entries, paging_page_index(page, 3)), *entry_at(address, 3));
    assert_int_equal(bits_at(p2->entries, paging_page_index(page, 2)), *entry_at(address, 2));
    assert_int_equal(bits_at(p1->entries, paging_page_index(page, 1)), *entry_at(address, 1));
    if (rig_levels == 5)
        assert_int_equal(bits_at(root_p5(space)->entries, paging_page_index(page, 5)), *entry_at(address, 5));
}

static struct p1_table *p1_of(paging_page_t page)
{
    const struct paging_space *space = &rig.space;
    struct p3_table *p3 = next_table(space, p4_of(page), paging_page_index(page, 4));
    return next_table(space, next_table(space, p3, paging_page_index(page, 3)), paging_page_index(page, 2));
}

static void each_step_leads_to_the_next_table(void **state)
{
    const uint64_t address = PLACE + 3 * GIB + 5 * 2 * MIB + 7 * 4 * KIB;
    rig_open();
    assert_status(rig_map_to(address, DEVICE_FRAME, RW), PAGING_OK);
    look_down(address);
    assert_int_equal((uintptr_t)p1_of(rig_page(address)), rig_window(1, address));
    assert_ptr_equal(root_table(&rig.space),
                     rig_levels == 5 ? (void *)root_p5(&rig.space) : root_p4(&rig.space));
    paging_mark_inactive(&rig.space, machine_offset());
    look_down(address);
    uint64_t frame = (*entry_at(address, 2) & PAGING_FRAME_MASK) / PAGING_PAGE_BYTES;
    assert_int_equal((uintptr_t)p1_of(rig_page(address)), machine_offset() + frame * PAGING_PAGE_BYTES);
}

/* Where there is no table the pointer is NULL, and so is every pointer below. */
static void nothing_is_below(const struct paging_space *space)
{
    paging_page_t page = rig_page(PLACE);
    struct p4_table *p4 = p4_of(page);
    struct p3_table *p3 = next_table(space, p4, paging_page_index(page, 4));
    struct p2_table *p2 = next_table(space, p3, paging_page_index(page, 3));
    assert_non_null(p2);
    assert_null(next_table(space, p2, paging_page_index(page, 2)));     /* a huge page */
    assert_null(next_table(space, p2, paging_page_index(page, 2) + 1)); /* a marker */
    assert_null(next_table(space, p2, paging_page_index(page, 2) + 2)); /* unused */
    assert_null(next_table(space, p3, paging_page_index(page, 3) + 1)); /* a huge page */
    assert_null(next_table(space, p4, PAGING_TABLE_ENTRIES));
    assert_null(next_table(space, p4, PAGING_TABLE_ENTRIES + paging_page_index(page, 4)));
    assert_null(next_table(space, (struct p4_table *)NULL, 0));
    assert_null(next_table(space, next_table(space, (struct p3_table *)NULL, 0), 0));
}

static void no_table_is_null(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * MIB, 2, DEVICE_FRAME << 12 | 2);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    nothing_is_below(&rig.space);
    paging_mark_inactive(&rig.space, machine_offset());
    nothing_is_below(&rig.space);
    /* After the last entry of a table comes another frame. */
    uint64_t *behind = machine_frame(rig.space.root.number + 1), word = *behind;
    *behind = *entry_at(PLACE, rig_levels);
    assert_null(rig_levels == 5 ? (void *)next_table(&rig.space, root_p5(&rig.space), PAGING_TABLE_ENTRIES)
                                : (void *)next_table(&rig.space, root_p4(&rig.space), PAGING_TABLE_ENTRIES));
    *behind = word;
}

static void the_root_has_one_type(void **state)
{
    rig_open_spaces();
    assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
    const struct paging_space *sibling = rig.sides[1].space;
    assert_true((root_p4(&rig.space) != NULL) == (rig_levels == 4));
    assert_true((root_p5(&rig.space) != NULL) == (rig_levels == 5));
    assert_null(root_table(sibling)); /* neither active nor attached: unreachable */
    assert_null(root_p4(sibling));
    assert_null(root_p5(sibling));
}

static const struct CMUnitTest tests[] = {
    RIG_RECURSIVE_TEST("table: each step leads to the next table", each_step_leads_to_the_next_table),
    RIG_RECURSIVE_TEST("table: where there is no table there is NULL, and below it too", no_table_is_null),
    RIG_RECURSIVE_TEST("table: a root is a P4 or a P5, if it can be reached", the_root_has_one_type),
};

RIG_MAIN("typed tables", tests)
