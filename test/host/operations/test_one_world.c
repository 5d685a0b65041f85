/* SPDX-License-Identifier: MIT */
/*
 * Tests a core that is built for one world: which spaces it makes, how they live, and what it refuses. The
 * kinds `only` and `only_direct` are two such builds.
 */
#include "rig/entries.h"
#include "rig/rig.h"

static void other_levels_are_refused(void **state)
{
    struct paging_space space = {.counters = {{.full_flushes = 77}}};
    for (unsigned levels = 0; levels < 8; levels++) {
        struct paging_cpu cpu = {.levels = levels, .physical_bits = 40};
        if (levels != PAGING_ONLY_LEVELS)
            assert_int_equal(paging_create(&space, cpu, 0, NULL), PAGING_NOT_SUPPORTED);
    }
    assert_int_equal(paging_counted(&space).full_flushes, 77);
}

static void the_other_life_is_refused(void **state)
{
    struct paging_space space = {.counters = {{.full_flushes = 77}}};
    rig_open();
    unsigned out = machine_frames_out();
    enum paging_status status =
        paging_create_direct(&space, rig.space.cpu, machine_offset(), machine_frames());
    if (PAGING_HAS_ONLY_RECURSIVE) {
        assert_status(status, PAGING_NOT_SUPPORTED);
        assert_int_equal(paging_counted(&space).full_flushes, 77);
    } else {
        assert_status(status, PAGING_OK); /* it is the only one */
        assert_true(space.by_direct_map);
        assert_status(paging_destroy(&space, machine_frames()), PAGING_OK);
    }
    assert_int_equal(machine_frames_out(), out);
}

/* Root and nothing else by direct map; with the scratch page's tables where a space lives recursively. */
static void paging_create_makes_the_one_life(void **state)
{
    struct paging_space space;
    rig_open();
    unsigned out = machine_frames_out();
    machine_reset_log();
    assert_status(paging_create(&space, rig.space.cpu, machine_offset(), machine_frames()), PAGING_OK);
    assert_int_equal(space.mode, PAGING_MODE_DIRECT);
    assert_int_equal(space.by_direct_map, PAGING_HAS_ONLY_DIRECT);
    assert_int_equal(machine_frames_out() - out, PAGING_HAS_ONLY_DIRECT ? 1 : rig_levels);
    assert_int_equal(paging_counted(&space).tables, PAGING_HAS_ONLY_DIRECT ? 1 : rig_levels);
    assert_status(paging_destroy(&space, machine_frames()), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
}

/* A space of paging_create is used as the active one, in the last slot of its root too, and given back. */
static void mark_active_keeps_the_life(void **state)
{
    const uint64_t place = PAGING_HAS_ONLY_DIRECT ? -(uint64_t)(4 * KIB) : PLACE;
    const enum paging_mode mode = PAGING_HAS_ONLY_DIRECT ? PAGING_MODE_DIRECT_ACTIVE : PAGING_MODE_RECURSIVE;
    rig_open(); /* whose space the machine loads */
    assert_int_equal(rig.space.by_direct_map, PAGING_HAS_ONLY_DIRECT);
    assert_int_equal(rig.space.mode, mode);
    paging_mark_inactive(&rig.space, machine_offset());
    assert_int_equal(rig.space.mode, PAGING_MODE_DIRECT);
    paging_mark_active(&rig.space);
    assert_int_equal(rig.space.mode, mode);
    assert_int_equal(rig.space.by_direct_map, PAGING_HAS_ONLY_DIRECT);
    assert_status(rig_map_to(place, DEVICE_FRAME, RW), PAGING_OK);
    machine_fill(DEVICE_FRAME);
    assert_reads(place, DEVICE_FRAME);
    assert_status(rig_unmap(place), PAGING_OK);
    assert_refused(place, WALK_READ, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("one world: other numbers of levels are refused", other_levels_are_refused),
    RIG_TEST("one world: the other life is refused", the_other_life_is_refused),
    RIG_TEST("one world: paging_create makes spaces of the one life", paging_create_makes_the_one_life),
    RIG_TEST("one world: a space that is marked active keeps its life", mark_active_keeps_the_life),
};

RIG_MAIN("one world", tests)
