/* SPDX-License-Identifier: MIT */
/* Tests protect: the flags of one page of any size, without frames. */
#include "rig/entries.h"
#include "rig/rig.h"

static void takes_effect_at_once(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE, WALK_FETCH);
    assert_status(rig_protect(PLACE, NX, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
    assert_status(rig_protect(PLACE, RW, NX), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE, WALK_FETCH);
}

static void nothing_to_do(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, NX), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_protect(PLACE, RW, NX | US), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
    assert_status(rig_protect(PLACE, 0, 0), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
    assert_status(rig_protect(PLACE + GIB, NX, RW), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
}

static void accessed_and_dirty(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_protect(PLACE, PAGING_SYSTEM_10, RW), PAGING_OK);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
    assert_status(rig_protect(PLACE, RW, PAGING_DIRTY), PAGING_OK);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, PAGING_ACCESSED);
    assert_allowed(PLACE, WALK_WRITE);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
    assert_int_equal(leaf_of(PLACE) & PAGING_SYSTEM_BITS, PAGING_SYSTEM_10);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
}

static void huge_pages_stay_whole(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_protect(PLACE + 4 * KIB, NX, RW), PAGING_INSIDE_HUGE);
    assert_status(rig_protect(PLACE + GIB + 4 * KIB, NX, RW), PAGING_INSIDE_HUGE);
    machine_fill_tlb();
    assert_status(rig_protect(PLACE, NX, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? 3 : 1);
    assert_refused(PLACE + GIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    machine_fill_tlb();
    assert_status(rig_protect(PLACE + GIB, NX, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? 2 : 1);
    assert_refused(PLACE + GIB + 2 * MIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

static void both_halves(void **state)
{
    rig_open();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map_to(upper, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_protect(upper, PAGING_GLOBAL, RW), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_protect(upper, RW, PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_protect(PLACE, PAGING_GLOBAL, RW), PAGING_BAD_FLAGS);
    assert_status(rig_protect(PLACE, RW, PAGING_GLOBAL), PAGING_OK);
}

static void refusals(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.no_execute = false;
    rig_open_on(setup);
    assert_status(rig_protect(PLACE, RW, 0), PAGING_NOT_MAPPED);
    assert_status(rig_set_marker(PLACE + 4 * KIB, 1), PAGING_OK);
    assert_status(rig_protect(PLACE + 4 * KIB, RW, 0), PAGING_MARKED);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_protect(PLACE, RW, RW), PAGING_BAD_FLAGS);
    assert_status(rig_protect(PLACE, NX, 0), PAGING_NOT_SUPPORTED);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        if (flag & PAGING_LEAF_FLAGS & ~PAGING_PRESENT)
            continue;
        assert_status(rig_protect(PLACE, flag, 0), PAGING_BAD_FLAGS);
        assert_status(rig_protect(PLACE, 0, flag), PAGING_BAD_FLAGS);
    }
    uint64_t slot = rig_address(PAGING_RECURSIVE_SLOT * paging_level_pages(rig.model.levels));
    assert_status(rig_protect(slot, RW, 0), rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_NOT_MAPPED);
    paging_page_t beyond = {paging_page_limit(rig.model.levels)};
    assert_status(paging_protect(&rig.space, beyond, RW, 0), PAGING_BAD_PAGE);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("protect: the next access goes by the new flags", takes_effect_at_once),
    RIG_TEST("protect: a page that has the flags is not written, and not flushed", nothing_to_do),
    RIG_TEST("protect: accessed and dirty stay unless they are named", accessed_and_dirty),
    RIG_TEST("protect: a huge page stays whole", huge_pages_stay_whole),
    RIG_TEST("protect: GLOBAL comes and goes in the upper half alone", both_halves),
    RIG_TEST("protect: what is refused changes nothing", refusals),
};

RIG_MAIN("protect", tests)
