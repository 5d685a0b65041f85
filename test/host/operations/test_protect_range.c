/* SPDX-License-Identifier: MIT */
/* Tests protect_range: rights change, and every byte stays where it was. */
#include "rig/entries.h"
#include "rig/runs.h"

static void map(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    assert_status(rig_map_range(start, to, bytes, flags), PAGING_OK);
}

/* With everything in the TLB that can be cached. */
static void protect(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    machine_fill_tlb();
    assert_status(rig_protect_range(start, bytes, set, clear), PAGING_OK);
}

static void writable_off_and_on(void **state)
{
    rig_open();
    map(PLACE, DEVICE + 4 * KIB, 64 * KIB, RW);
    machine_fill(DEVICE_FRAME + 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
        protect(PLACE + 4 * KIB, 8 * KIB, 0, RW);
        assert_refused(PLACE + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_refused(PLACE + 12 * KIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_allowed(PLACE, WALK_WRITE);
        assert_allowed(PLACE + 12 * KIB, WALK_WRITE);
        assert_reads(PLACE + 4 * KIB, DEVICE_FRAME + 2);
        protect(PLACE, 64 * KIB, RW, 0);
    }
    rig_check();
}

static void no_execute_and_user(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    machine_fill(FRAME_1G);
    assert_allowed(PLACE, WALK_FETCH);
    protect(PLACE, 2 * MIB, NX, 0);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_refused(PLACE, WALK_USER, WALK_PRESENT | WALK_USER);
    protect(PLACE, 2 * MIB, PAGING_USER, RW | NX);
    assert_allowed(PLACE, WALK_FETCH | WALK_USER);
    assert_refused(PLACE, WALK_WRITE | WALK_USER, WALK_PRESENT | WALK_WRITE | WALK_USER);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    protect(PLACE, 2 * MIB, 0, PAGING_USER);
    assert_refused(PLACE, WALK_USER, WALK_PRESENT | WALK_USER);
    rig_check();
}

static void other_flags(void **state)
{
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    map(PLACE, DEVICE_1G - 4 * KIB, 2 * MIB, PAGING_SYSTEM_10);
    protect(PLACE, 8 * KIB, PAGING_NO_CACHE | PAGING_SYSTEM_11, PAGING_SYSTEM_10);
    protect(PLACE, 8 * KIB, PAGING_WRITE_THROUGH | PAGING_SYSTEM_BITS, PAGING_NO_CACHE);
    map(upper, DEVICE_1G, 4 * MIB, 0);
    protect(upper, 4 * MIB, PAGING_GLOBAL, 0);
    protect(upper, 2 * MIB, RW | NX, 0);
    assert_int_equal(leaf_of(upper) & (PAGING_GLOBAL | RW), PAGING_GLOBAL | RW);
    protect(upper + 4 * KIB, 4 * KIB, 0, PAGING_GLOBAL);
    ASSERT_RUNS(upper, {1, 512}, {2, 1}, {0, 1});
}

/* PAT has two places, and a page of each size is split, changed as a whole, and merged with it. */
static void caching_and_keys(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, GIB, RW);
    map(PLACE + GIB, DEVICE_1G, 2 * MIB, RW);
    protect(PLACE, GIB, PAGING_CACHE_UNCACHED, 0);
    ASSERT_RUNS(PLACE, {3, 1}, {2, 1}, {0, 1});
    protect(PLACE + 2 * MIB, 2 * MIB, PAGING_CACHE_ENTRY(4), PAGING_CACHE_FLAGS & ~PAGING_CACHE_ENTRY(4));
    protect(PLACE + GIB, 8 * KIB, PAGING_CACHE_ENTRY(5), PAGING_CACHE_FLAGS & ~PAGING_CACHE_ENTRY(5));
    protect(PLACE + GIB, 2 * MIB, PAGING_KEY(9), PAGING_KEY(6));
    ASSERT_RUNS(PLACE, {2, 512}, {1, 512}, {0, 1});
    assert_int_equal(flags_of_leaf(leaf_of(PLACE), 2) & PAGING_CACHE_FLAGS, PAGING_CACHE_UNCACHED);
    assert_int_equal(flags_of_leaf(leaf_of(PLACE + 2 * MIB), 2) & PAGING_CACHE_FLAGS, PAGING_CACHE_ENTRY(4));
    assert_int_equal(flags_of_leaf(leaf_of(PLACE + GIB), 1) & PAGING_CACHE_FLAGS, PAGING_CACHE_ENTRY(5));
    assert_int_equal(PAGING_KEY_OF(leaf_of(PLACE + GIB + 64 * KIB)), 9);
    protect(PLACE, GIB + 2 * MIB, 0, PAGING_CACHE_FLAGS | PAGING_KEY(15));
    assert_status(rig_merge_range(PLACE, 2 * GIB), PAGING_OK);
    ASSERT_RUNS(PLACE, {3, 1}, {2, 1}, {0, 1});
}

/* Accessed and dirty bits stay, unless they are named. */
static void accessed_and_dirty(void **state)
{
    rig_open();
    map(PLACE, DEVICE, 12 * KIB, RW);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE + 4 * KIB, WALK_READ);
    assert_status(rig_protect_range(PLACE, 12 * KIB, NX, 0), PAGING_OK);
    static const uint64_t touched[] = {TOUCHED, PAGING_ACCESSED, 0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(leaf_of(PLACE + i * 4 * KIB) & TOUCHED, touched[i]);
    assert_status(rig_protect_range(PLACE, 12 * KIB, 0, TOUCHED), PAGING_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(leaf_of(PLACE + i * 4 * KIB) & TOUCHED, 0);
    assert_allowed(PLACE, WALK_WRITE); /* the processor sets them again, so the page was flushed */
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
    assert_status(rig_protect_range(PLACE, 12 * KIB, TOUCHED, NX), PAGING_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(leaf_of(PLACE + i * 4 * KIB) & TOUCHED, TOUCHED);
}

static void holes_and_markers(void **state)
{
    rig_open();
    map(PLACE, DEVICE, 4 * KIB, RW);
    map(PLACE + 4 * MIB, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + 5 * GIB, DEVICE_1G, GIB, RW);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xfffffffffffffffc);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x82);
    protect(PLACE - GIB, SLOT_BYTES, 0, RW);
    static const uint64_t places[] = {0, 4 * MIB, 5 * GIB};
    for (unsigned i = 0; i < 3; i++)
        assert_refused(PLACE + places[i], WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_int_equal(rig.model.count, 5);
}

/* The rig judges that no byte changes, no frame is taken and nothing is flushed. */
static void nothing_to_change(void **state)
{
    rig_open();
    machine_limit_frames(6);
    protect(PLACE, SLOT_BYTES, RW, NX);
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + GIB, DEVICE_1G, GIB, RW);
    machine_limit_frames(0); /* a huge page that is in part in the range stays whole */
    protect(PLACE + 4 * KIB, 4 * KIB, RW, NX);
    protect(PLACE + 4 * KIB, 4 * KIB, 0, 0);
    protect(PLACE + GIB + 2 * MIB, 2 * MIB, RW, 0);
    protect(PLACE + MIB, GIB, RW, PAGING_USER);
    assert_allowed(PLACE, WALK_WRITE);
    protect(PLACE + 4 * KIB, 4 * KIB, RW | TOUCHED, 0);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    ASSERT_RUNS(PLACE + GIB, {3, 1}, {0, 1});
}

/* The page at one end changes and the one at the other end does not: only one is split. */
static void only_what_changes_is_split(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, 0);
    map(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW);
    unsigned out = machine_frames_out();
    protect(PLACE + MIB, 2 * MIB, 0, RW);
    ASSERT_RUNS(PLACE, {2, 1}, {1, 512}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 1);
    assert_refused(PLACE + 3 * MIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 3 * MIB, WALK_WRITE);
    rig_check();
}

static void ends_in_huge_pages(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, GIB, RW);
    unsigned out = machine_frames_out();
    protect(PLACE + 4 * MIB + 4 * KIB, 4 * KIB, NX, RW);
    ASSERT_RUNS(PLACE, {2, 2}, {1, 512}, {2, 509}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 2);
    assert_refused(PLACE + 4 * MIB + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 4 * MIB, WALK_WRITE);
    assert_allowed(PLACE + 4 * MIB + 8 * KIB, WALK_WRITE);
    protect(PLACE + 2 * MIB - 4 * KIB, 2 * MIB, 0, RW);
    ASSERT_RUNS(PLACE, {1, 1536}, {2, 509}, {0, 1});
    protect(PLACE, GIB, 0, RW);
    assert_refused(PLACE + GIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    rig_check();
}

static void refuses_flags(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        assert_status(rig_protect_range(PLACE + 4 * KIB, 4 * KIB, flag, flag), PAGING_BAD_FLAGS);
        bool known = (flag & PAGING_LEAF_FLAGS) && flag != PAGING_PRESENT;
        if (!known)
            assert_status(rig_protect_range(PLACE, 2 * MIB, 0, flag), PAGING_BAD_FLAGS);
        if (!known || flag == PAGING_GLOBAL)
            assert_status(rig_protect_range(PLACE, 2 * MIB, flag, 0), PAGING_BAD_FLAGS);
        else
            protect(PLACE, 2 * MIB, flag, 0);
    }
}

static void out_of_frames(void **state)
{
    for (unsigned same = 0; same < 2; same++) {
        rig_open();
        map(PLACE, DEVICE_1G, 2 * GIB, RW);
        uint64_t start = PLACE + GIB - (same ? 16 * MIB : 4 * KIB);
        unsigned needed = same ? 3 : 4;
        for (unsigned left = 0; left <= needed; left++) {
            machine_limit_frames(left);
            machine_fill_tlb();
            assert_status(rig_protect_range(start + (same ? 4 * KIB : 0), same ? 8 * MIB : 8 * KIB, 0, RW),
                          left < needed ? PAGING_NO_FRAMES : PAGING_OK);
        }
        machine_limit_frames(0);
        assert_status(rig_split(PLACE + 2 * GIB - 4 * KIB), PAGING_NO_FRAMES);
    }
}

static void touch_the_second_page(void)
{
    machine_speculate(PLACE + 3 * MIB);
}

/*
 * The page at the end needs no change when the operation checks. Then the processor sets its accessed bit,
 * and there is no frame to split it with.
 */
static void marked_meanwhile(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW | PAGING_ACCESSED);
    map(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW);
    machine_limit_frames(1);
    machine_observe(touch_the_second_page);
    assert_status(rig_protect_range(PLACE + MIB, 2 * MIB, 0, PAGING_ACCESSED), PAGING_OK);
    machine_observe(NULL);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {0, 1});
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("protect_range: writes are refused and allowed again", writable_off_and_on),
    RIG_TEST("protect_range: no-execute and user, on a huge page", no_execute_and_user),
    RIG_TEST("protect_range: caching, system bits, global", other_flags),
    RIG_TEST("protect_range: PAT and protection keys, in pages of each size", caching_and_keys),
    RIG_TEST("protect_range: accessed and dirty stay unless named", accessed_and_dirty),
    RIG_TEST("protect_range: holes and markers are passed over", holes_and_markers),
    RIG_TEST("protect_range: nothing to change, nothing written or split", nothing_to_change),
    RIG_TEST("protect_range: only the huge page that changes is split", only_what_changes_is_split),
    RIG_TEST("protect_range: both ends inside the same huge page", ends_in_huge_pages),
    RIG_TEST("protect_range: unknown, reserved and contradicting flags are refused", refuses_flags),
    RIG_TEST("protect_range: out of frames at every number, no change", out_of_frames),
    RIG_TEST("protect_range: the processor sets an accessed bit meanwhile", marked_meanwhile),
};

RIG_MAIN("protect_range", tests)
