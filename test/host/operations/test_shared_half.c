/* SPDX-License-Identifier: MIT */
/* Tests a shared upper half: it is changed through the active space, and all sharers see the change. */
#include "rig/rig_internal.h"
#include <selfmap/share.h>
#include <selfmap/switch.h>

#define DEVICE_2M (FRAME_2M * PAGING_PAGE_BYTES)

static struct rig_side *const home = &rig.sides[0], *const other = &rig.sides[1],
                              *const third = &rig.sides[2];

/* What is not attached can be reached all the same, by direct map. */
static void attach(struct rig_side *active, struct rig_side *side)
{
    if (rig_has_windows())
        assert_status(rig_attach(active, side), PAGING_OK);
    rig.at = side;
}

static void detach(struct rig_side *active, struct rig_side *side)
{
    if (rig_has_windows())
        assert_status(rig_detach(active, side), PAGING_OK);
    rig.at = active;
}

/* ---- sharing ---- */

static void sharer_sees_it(void **state)
{
    rig_open_sharer();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGING_2M, NX), PAGING_OK);
    rig.at = other;
    rig_translate(upper);
    rig_translate(upper + 2 * MIB + 5);
    assert_int_equal(rig_walk(upper + 2 * MIB).frame, FRAME_2M);
    rig.at = home;
    assert_status(rig_unmap(upper), PAGING_OK);
    rig.at = other;
    rig_translate(upper);
    assert_status(rig_create_sibling(third, other),
                  PAGING_OK); /* a sibling of a sharer shares the same half */
    assert_ptr_equal(third->shared_owner, home);
    assert_status(rig_destroy(third), PAGING_OK);
}

static void judge_shared(uint64_t upper)
{
    assert_status(rig_map(upper + 4 * KIB, RW), PAGING_SHARED);
    assert_status(rig_map_to(upper + 4 * KIB, DEVICE_FRAME, RW), PAGING_SHARED);
    assert_status(rig_map_sized(upper + 4 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_SHARED);
    assert_status(rig_unmap(upper), PAGING_SHARED);
    assert_status(rig_set_marker(upper + 4 * KIB, 1), PAGING_SHARED);
    assert_status(rig_clear_marker(upper + 8 * KIB), PAGING_SHARED);
    assert_status(rig_map_range(upper + 16 * KIB, DEVICE, 8 * KIB, RW), PAGING_SHARED);
    assert_status(rig_map_range_alloc(upper + 16 * KIB, 8 * KIB, RW), PAGING_SHARED);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_SHARED);
    assert_status(rig_protect_range(upper, 8 * MIB, NX, RW), PAGING_SHARED);
    assert_status(rig_split(upper + 2 * MIB), PAGING_SHARED);
    assert_status(rig_merge_range(upper, GIB), PAGING_SHARED);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
}

/* Not through an attached sharer, and not through the owner while a sharer is active. */
static void changed_through_the_active_one_only(void **state)
{
    rig_open_sharer();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_set_marker(upper + 8 * KIB, 1), PAGING_OK);
    rig.at = other;
    judge_shared(upper);
    detach(home, other);
    assert_status(rig_switch_to(home, other), PAGING_OK);
    attach(other, home);
    judge_shared(upper);
    rig.at = other;
    assert_status(rig_unmap(upper), PAGING_OK);
    detach(other, home);
    assert_status(rig_destroy(home), PAGING_SHARED);
}

/* The same by direct map: nothing of the space is cached, but another sharer might be active. */
static void by_direct_map_too(void **state)
{
    rig_open_sharer();
    detach(home, other);
    struct paging_unmapped unmapped;
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    paging_mark_inactive(other->space, machine_offset());
    machine_snapshot();
    assert_status(paging_map(other->space, rig_page(upper + 4 * KIB), RW, machine_frames()), PAGING_SHARED);
    assert_status(paging_unmap(other->space, rig_page(upper), machine_frames(), &unmapped), PAGING_SHARED);
    assert_true(machine_unchanged());
    machine_begin_operation(NULL);
    assert_status(paging_map(other->space, rig_page(PLACE), RW, machine_frames()), PAGING_OK);
    assert_status(paging_unmap(other->space, rig_page(PLACE), machine_frames(), &unmapped), PAGING_OK);
    rig_check();
}

/* ---- the window of the attached space ---- */

/* Each of these changes which tables the windows of both spaces show. */
static void change_shared(uint64_t upper)
{
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_unmap(upper), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGING_2M, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_protect_range(upper + 2 * MIB, 2 * MIB, NX, 0), PAGING_OK);
    assert_status(rig_split(upper + 2 * MIB), PAGING_OK);
    assert_status(rig_merge_range(upper + 2 * MIB, 2 * MIB), PAGING_OK);
    assert_status(rig_unmap(upper + 2 * MIB), PAGING_OK);
    assert_status(rig_map_sized(upper + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_unmap_range(upper + GIB + 2 * MIB, 4 * KIB), PAGING_OK);
    assert_status(rig_unmap_range(upper, 4 * GIB), PAGING_OK);
    assert_int_equal(rig.at->model->count, 0);
}

/* The rig expects each single flush in both windows, and everything is cached meanwhile. */
static void windows_are_flushed(void **state)
{
    for (unsigned sharer_is_active = 0; sharer_is_active < 2; sharer_is_active++) {
        rig_open_sharer();
        if (sharer_is_active) {
            detach(home, other);
            assert_status(rig_switch_to(home, other), PAGING_OK);
            attach(other, home);
        }
        rig.at = rig.active;
        uint64_t tables = paging_counted(home->space).tables;
        machine_fill_tlb();
        change_shared(rig_upper_place());
        assert_int_equal(paging_counted(home->space).tables,
                         tables); /* those of the owner, whichever space is active */
    }
}

/* A space that does not share the half has nothing of it in its window: there is nothing to flush there. */
static void judge_unrelated(bool one_shares)
{
    rig_open_spaces();
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    if (one_shares)
        assert_status(rig_share_upper_half(home), PAGING_OK);
    attach(home, other);
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK); /* in its own half */
    rig.at = home;
    change_shared(upper);
    rig.at = other;
    assert_status(rig_unmap(upper), PAGING_OK);
    rig_close(NULL);
}

static void unrelated_is_not_flushed(void **state)
{
    judge_unrelated(true);
    judge_unrelated(false);
}

/* ---- switching ---- */

static void shared_half_stays_cached(void **state)
{
    rig_open_sharer();
    uint64_t upper = rig_upper_place();
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(upper, DEVICE_FRAME, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGING_2M, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_map_to(upper + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    detach(home, other);
    struct rig_side *from = home, *to = other;
    for (unsigned i = 0; i < 4; i++, from = rig.active, to = from == home ? other : home) {
        machine_fill_tlb();
        assert_status(rig_switch_to(from, to), PAGING_OK);
        assert_int_equal(machine_full_flushes(), 0);
        assert_true(machine_caches(upper) && machine_caches(upper + 2 * MIB));
        assert_false(machine_caches(upper + 4 * KIB) || machine_caches(PLACE));
        machine_fill_tlb();
        machine_audit();
        assert_reads(upper, DEVICE_FRAME);
        if (to == home)
            assert_allowed(PLACE, WALK_WRITE);
        else
            assert_refused(PLACE, WALK_WRITE, WALK_WRITE);
    }
    assert_status(rig_unmap(upper), PAGING_OK);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_OK);
}

/* Global pages of one half must not be found while the other is active. */
static void another_half_flushes_all(void **state)
{
    rig_open_spaces();
    uint64_t upper = rig_upper_place();
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_status(rig_map(upper, RW | PAGING_GLOBAL), PAGING_OK);
    attach(home, other);
    assert_status(rig_map_to(upper, DEVICE_FRAME, PAGING_GLOBAL), PAGING_OK);
    detach(home, other);
    machine_fill(DEVICE_FRAME);
    for (unsigned i = 0; i < 2; i++) {
        machine_fill_tlb();
        assert_true(machine_caches(upper));
        assert_status(rig_switch_to(i ? other : home, i ? home : other), PAGING_OK);
        assert_int_equal(machine_full_flushes(), 1);
        assert_false(machine_caches(upper));
        if (i == 0)
            assert_reads(upper, DEVICE_FRAME);
    }
}

/* ---- the end ---- */

static void destroying_leaves_the_shared_half(void **state)
{
    rig_open_sharer();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(upper + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    unsigned out = machine_frames_out() - rig_own_tables();
    rig.at = other;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + GIB, 64 * KIB, NX), PAGING_OK);
    assert_status(rig_create_sibling(third, other), PAGING_OK);
    detach(home, other);
    machine_fill_tlb();
    assert_status(rig_switch_to(home, third), PAGING_OK);
    assert_status(rig_destroy(home), PAGING_SHARED);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_status(rig_switch_to(third, home), PAGING_OK);
    assert_status(rig_destroy(third), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    assert_allowed(upper + 2 * MIB, WALK_WRITE);
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig_own_tables());
}

/* An owner without sharers gives its shared tables back when it is destroyed. */
static void owner_is_destroyed(void **state)
{
    rig_open_sharer();
    assert_status(rig_map(rig_upper_place(), RW), PAGING_OK);
    detach(home, other);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_status(rig_unshare_upper_half(home), PAGING_OK);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    assert_status(rig_share_upper_half(home), PAGING_OK);
    assert_status(rig_switch_to(home, other), PAGING_OK);
    assert_status(rig_destroy(home), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig_own_tables());
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("shared half: what the active space maps, a sharer maps", sharer_sees_it),
    RIG_TEST("shared half: only the active space changes it", changed_through_the_active_one_only),
    RIG_TEST("shared half: by direct map it is not changed either", by_direct_map_too),
    RIG_RECURSIVE_TEST("shared half: what goes is flushed in the window of the attached space too",
                       windows_are_flushed),
    RIG_RECURSIVE_TEST("shared half: the window of a space that does not share it is not flushed",
                       unrelated_is_not_flushed),
    RIG_TEST("switch_to: with the same half, global pages stay cached and right", shared_half_stays_cached),
    RIG_TEST("switch_to: with another half, everything is flushed", another_half_flushes_all),
    RIG_TEST("destroy: a shared half stays, as long as it is shared", destroying_leaves_the_shared_half),
    RIG_TEST("destroy: an owner gives its tables back", owner_is_destroyed),
};

RIG_MAIN("shared half", tests)
