/* SPDX-License-Identifier: MIT */
/* Tests split: pages of the next smaller size, and every byte, right, accessed and dirty bit stays. */
#include "rig/entries.h"
#include "rig/runs.h"

static void map(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    assert_status(rig_map_range(start, to, bytes, flags), PAGING_OK);
}

/* With everything in the TLB that can be cached. */
static void split(uint64_t address)
{
    machine_fill_tlb();
    assert_status(rig_split(address), PAGING_OK);
}

static unsigned stores_seen;

/* Not at the first store, which points the scratch page to the new table, but while the table is filled. */
static void write_to_the_page(void)
{
    if (++stores_seen < 100)
        return;
    machine_observe(NULL);
    assert_false(machine_access(PLACE + 20 * KIB, WALK_WRITE).faulted);
}

static void dirty_while_split(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    assert_allowed(PLACE, WALK_READ);
    stores_seen = 0;
    machine_observe(write_to_the_page);
    assert_status(paging_split(&rig.space, rig_page(PLACE), machine_frames()), PAGING_OK);
    struct paging_translation found;
    assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE + 20 * KIB}, &found), PAGING_OK);
    assert_int_equal(found.size, PAGING_4K);
    assert_true(found.flags & PAGING_DIRTY);
}

static void keeps_every_byte(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, GIB, RW | PAGING_USER);
    static const uint64_t offsets[] = {
        0, 4 * KIB, 2 * MIB, 2 * MIB + 4 * KIB, 512 * MIB + 8 * KIB, GIB - 4 * KIB};
    for (unsigned step = 0; step < 3; step++) {
        for (unsigned i = 0; i < 6; i++) {
            uint64_t frame = FRAME_1G + offsets[i] / PAGING_PAGE_BYTES;
            machine_fill(frame);
            assert_reads(PLACE + offsets[i], frame);
            assert_reads(PLACE + offsets[i] + 4 * KIB - 8, frame);
            assert_allowed(PLACE + offsets[i], WALK_WRITE | WALK_USER);
            assert_allowed(PLACE + offsets[i], WALK_FETCH);
        }
        rig_check();
        if (step == 2)
            break;
        split(PLACE + 2 * MIB + 4 * KIB);
    }
    ASSERT_RUNS(PLACE, {2, 1}, {1, 512}, {2, 510}, {0, 1});
    split(PLACE + GIB - 4 * KIB);
    split(PLACE);
    ASSERT_RUNS(PLACE, {1, 1024}, {2, 509}, {1, 512}, {0, 1});
    assert_status(rig_unmap_range(PLACE, GIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* The rig compares flags and frames of all 512. This shows that they reach the smallest pages. */
static void keeps_every_attribute(void **state)
{
    static const uint64_t flags[] = {0,
                                     RW | TOUCHED,
                                     PAGING_ACCESSED,
                                     PAGING_DIRTY | RW,
                                     NX,
                                     PAGING_USER | RW,
                                     PAGING_WRITE_THROUGH,
                                     PAGING_NO_CACHE | PAGING_WRITE_THROUGH | NX,
                                     PAGING_PAT,
                                     PAGING_CACHE_UNCACHED | RW,
                                     PAGING_KEY(5) | RW,
                                     PAGING_SYSTEM_9,
                                     PAGING_SYSTEM_10 | RW,
                                     PAGING_SYSTEM_BITS | NX | RW | PAGING_USER};
    for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        rig_open();
        map(PLACE, DEVICE_1G, GIB, flags[i]);
        assert_status(rig_split(PLACE), PAGING_OK);
        assert_status(rig_split(PLACE + 4 * MIB), PAGING_OK);
        for (uint64_t at = 0; at < 8 * MIB; at += 2 * MIB) {
            struct walk walk = rig_walk(PLACE + at + 4 * KIB);
            assert_int_equal(flags_of_leaf(walk.entry, walk.level), flags[i] | PAGING_PRESENT);
        }
        ASSERT_RUNS(PLACE, {2, 2}, {1, 512}, {2, 509}, {0, 1});
    }
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    map(upper, DEVICE_1G, 2 * MIB, PAGING_GLOBAL | RW);
    split(upper);
    assert_int_equal(leaf_of(upper + 4 * KIB) & PAGING_GLOBAL, PAGING_GLOBAL);
}

static void touched_by_the_processor(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + 2 * MIB, DEVICE_1G + 2 * MIB, 2 * MIB, RW);
    assert_allowed(PLACE + 8 * KIB, WALK_WRITE);
    assert_allowed(PLACE + 2 * MIB, WALK_READ);
    assert_status(rig_split(PLACE), PAGING_OK);
    assert_status(rig_split(PLACE + 2 * MIB), PAGING_OK);
    assert_int_equal(leaf_of(PLACE + 2 * MIB - 8) & TOUCHED, TOUCHED);
    assert_int_equal(leaf_of(PLACE + 4 * MIB - 8) & TOUCHED, PAGING_ACCESSED);
}

static void split_refuses(void **state)
{
    rig_open();
    assert_status(rig_split(PLACE), PAGING_NOT_MAPPED);
    map(PLACE, DEVICE, 4 * KIB, RW);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xfffffffffffffffe);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x80);
    assert_status(rig_split(PLACE), PAGING_NOT_HUGE);
    assert_status(rig_split(PLACE + 4 * KIB), PAGING_MARKED);
    assert_status(rig_split(PLACE + 3 * MIB), PAGING_MARKED);
    assert_status(rig_split(PLACE + 8 * KIB), PAGING_NOT_MAPPED);
    map(PLACE + 4 * MIB, DEVICE_1G, 2 * MIB, RW);
    machine_limit_frames(0);
    assert_status(rig_split(PLACE + 5 * MIB), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    split(PLACE + 5 * MIB);
    assert_status(rig_split(PLACE + 5 * MIB), PAGING_NOT_HUGE);
}

/* Through the window of a missing P1 appears the huge page; after the split, the P1. */
static void windows_show_the_new_table(void **state)
{
    rig_open();
    machine_fill(FRAME_1G);
    map(PLACE, DEVICE_1G, GIB, RW);
    for (unsigned size = 2; size >= 1; size--) {
        for (unsigned level = 1; level <= 2; level++)
            assert_allowed(rig_window(level, PLACE), WALK_READ);
        split(PLACE);
        struct machine_access seen = machine_access(rig_window(size, PLACE), WALK_READ);
        assert_false(seen.faulted);
        assert_int_equal(seen.value & ~TOUCHED, leaf_of(PLACE) & ~TOUCHED);
        rig_check();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("split: 1 GiB to 2 MiB to 4 KiB, every byte stays", keeps_every_byte),
    RIG_TEST("split: the processor sets the dirty bit meanwhile", dirty_while_split),
    RIG_TEST("split: every attribute stays", keeps_every_attribute),
    RIG_TEST("split: accessed and dirty as the processor left them", touched_by_the_processor),
    RIG_TEST("split: a small page, no page, a marker and no frame are refused", split_refuses),
    RIG_RECURSIVE_TEST("split: the window shows the new table at once", windows_show_the_new_table),
};

RIG_MAIN("split", tests)
