/* SPDX-License-Identifier: MIT */
/*
 * Tests test_and_clear: accessed and dirty bits of a range, as page replacement and live migration use
 * them.
 */
#include "rig/entries.h"
#include "rig/rig.h"
#include "rig/rig_internal.h"
#include <selfmap/test_and_clear.h>

static void map_pages(unsigned count)
{
    rig_open();
    for (unsigned i = 0; i < count; i++)
        assert_status(rig_map_to(PLACE + i * 4 * KIB, DEVICE_FRAME + i, RW), PAGING_OK);
}

/* Each round finds what was written since the last one, and nothing else. */
static void rounds_of_a_migration(void **state)
{
    map_pages(8);
    for (unsigned round = 0; round < 4; round++) {
        assert_allowed(PLACE + round * 8 * KIB, WALK_WRITE);
        assert_allowed(PLACE + 4 * KIB, WALK_READ);
        assert_status(rig_test_and_clear(PLACE, 32 * KIB, PAGING_DIRTY), PAGING_OK);
        assert_int_equal(machine_flushes(), 1);
        assert_int_equal(machine_flushed(0), PLACE + round * 8 * KIB);
        assert_int_equal(leaf_of(PLACE + round * 8 * KIB) & TOUCHED, PAGING_ACCESSED);
        assert_status(rig_test_and_clear(PLACE, 32 * KIB, PAGING_DIRTY), PAGING_OK);
        assert_int_equal(machine_flushes() + machine_stores(), 0);
    }
}

static void pages_that_nobody_uses(void **state)
{
    map_pages(4);
    machine_fill_tlb();
    assert_status(rig_test_and_clear(PLACE, 16 * KIB, TOUCHED), PAGING_OK);
    assert_allowed(PLACE + 4 * KIB, WALK_READ);
    assert_allowed(PLACE + 8 * KIB, WALK_WRITE);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal((leaf_of(PLACE + i * 4 * KIB) & PAGING_ACCESSED) != 0, i == 1 || i == 2);
}

/* From 33 pages on, a full flush costs less. */
static void one_flush_for_many(void **state)
{
    map_pages(40);
    machine_fill_tlb();
    assert_status(rig_test_and_clear(PLACE, 32 * 4 * KIB, PAGING_ACCESSED), PAGING_OK);
    assert_int_equal(machine_flushes(), 32);
    machine_fill_tlb();
    assert_status(rig_test_and_clear(PLACE, 40 * 4 * KIB, PAGING_ACCESSED), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    assert_int_equal(machine_full_flushes(), 1);
}

static void huge_pages(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
    assert_allowed(PLACE + GIB + 6 * MIB, WALK_WRITE);
    assert_status(rig_test_and_clear(PLACE + 8 * KIB, 4 * KIB, PAGING_DIRTY), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
    machine_fill_tlb();
    assert_status(rig_test_and_clear(PLACE, 2 * GIB, PAGING_DIRTY), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? 5 : 2);
    assert_int_equal(leaf_of(PLACE) & PAGING_DIRTY, 0);
    assert_int_equal(leaf_of(PLACE + GIB) & PAGING_DIRTY, 0);
    assert_allowed(PLACE + GIB, WALK_WRITE);
    assert_int_equal(leaf_of(PLACE + GIB) & PAGING_DIRTY, PAGING_DIRTY);
}

static void markers_and_holes(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE, 0x30), PAGING_OK); /* like ACCESSED and DIRTY */
    assert_status(rig_map(PLACE + GIB, RW), PAGING_OK);
    assert_allowed(PLACE + GIB, WALK_WRITE);
    assert_status(rig_test_and_clear(PLACE, 2 * GIB, TOUCHED), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
}

static enum paging_visit stop_at_second(void *context, const struct paging_entry_info *info)
{
    unsigned *shown = context;
    assert_true(info->flags == PAGING_DIRTY);
    return ++*shown == 2 ? PAGING_VISIT_STOP : PAGING_VISIT_NEXT;
}

/* What was shown is cleared and flushed, the rest stays for the next call; and nobody has to be told. */
static void stops_and_goes_on(void **state)
{
    map_pages(4);
    for (unsigned i = 0; i < 4; i++)
        assert_allowed(PLACE + i * 4 * KIB, WALK_WRITE);
    unsigned shown = 0;
    const paging_virt_t start = {PLACE};
    machine_reset_log();
    assert_status(paging_test_and_clear(&rig.space, start, 16 * KIB, PAGING_DIRTY, stop_at_second, &shown),
                  PAGING_OK);
    assert_int_equal(machine_flushes(), 2);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal((leaf_of(PLACE + i * 4 * KIB) & PAGING_DIRTY) != 0, i >= 2);
    assert_status(paging_test_and_clear(&rig.space, start, 16 * KIB, PAGING_DIRTY, NULL, NULL), PAGING_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(leaf_of(PLACE + i * 4 * KIB) & PAGING_DIRTY, 0);
    machine_audit();
}

static void refusals(void **state)
{
    map_pages(1);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_test_and_clear(PLACE, 4 * KIB, 0), PAGING_BAD_FLAGS);
    assert_status(rig_test_and_clear(PLACE, 4 * KIB, PAGING_DIRTY | RW), PAGING_BAD_FLAGS);
    assert_status(rig_test_and_clear(PLACE, 0, PAGING_DIRTY), PAGING_EMPTY_RANGE);
    assert_status(rig_test_and_clear(PLACE + 8, 4 * KIB, PAGING_DIRTY), PAGING_MISALIGNED);
    uint64_t slot = rig_address(PAGING_RECURSIVE_SLOT * paging_level_pages(rig.model.levels));
    assert_status(rig_test_and_clear(slot, 4 * KIB, PAGING_DIRTY),
                  rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_OK);
    uint64_t entry = *entry_at(PLACE, 3);
    entry_write(PLACE, 3, entry | (uint64_t)1 << 51);
    assert_status(
        paging_test_and_clear(&rig.space, (paging_virt_t){PLACE}, 4 * KIB, PAGING_DIRTY, NULL, NULL),
        PAGING_MALFORMED);
    entry_write(PLACE, 3, entry);
    assert_int_equal(leaf_of(PLACE) & PAGING_DIRTY, PAGING_DIRTY);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("test_and_clear: each round finds what was written since the last", rounds_of_a_migration),
    RIG_TEST("test_and_clear: pages that nobody uses stay clear", pages_that_nobody_uses),
    RIG_TEST("test_and_clear: one flush for many pages", one_flush_for_many),
    RIG_TEST("test_and_clear: huge pages, cleared whole or not at all", huge_pages),
    RIG_TEST("test_and_clear: markers and holes are passed over", markers_and_holes),
    RIG_TEST("test_and_clear: the callback can stop it, and need not be there", stops_and_goes_on),
    RIG_TEST("test_and_clear: what is refused changes nothing", refusals),
};

RIG_MAIN("test_and_clear", tests)
