/* SPDX-License-Identifier: MIT */
/* Tests remap: one store replaces a page's frame and flags, and nobody sees the page missing. */
#include "rig/entries.h"
#include "rig/rig.h"
#include <string.h>

/* A fault on a shared page that may not be written: the bytes are copied, and the copy is mapped. */
static void breaks_copy_on_write(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    machine_fill(DEVICE_FRAME);
    assert_reads(PLACE, DEVICE_FRAME);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_status(rig_remap(PLACE, 0, RW, FRAME_TAKEN), PAGING_OK);
    assert_int_equal(machine_flushes(), 1);
    assert_int_equal(machine_flushed(0), PLACE);
    assert_int_equal(rig.unmapped.frame.number, DEVICE_FRAME);
    assert_false(rig.unmapped.released);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void the_old_frame_goes_back(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    uint64_t old = frame_at(PLACE);
    machine_fill_tlb();
    assert_status(rig_remap(PLACE, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_int_equal(rig.unmapped.frame.number, old);
    assert_false(machine_frame_is_out(old));
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_false(rig.unmapped.released);
}

static void reports_accessed_and_dirty(void **state)
{
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE};
    static const uint64_t touched[] = {PAGING_ACCESSED, PAGING_ACCESSED | PAGING_DIRTY};
    rig_open();
    assert_status(rig_map(PLACE, RW | PAGING_SYSTEM_9), PAGING_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_allowed(PLACE, accesses[i]);
        assert_status(rig_remap(PLACE, 0, RW, FRAME_TAKEN), PAGING_OK);
        assert_int_equal(rig.unmapped.flags & TOUCHED, touched[i]);
        assert_int_equal(rig.unmapped.flags & PAGING_SYSTEM_9, i == 0 ? PAGING_SYSTEM_9 : 0);
        assert_int_equal(leaf_of(PLACE) & TOUCHED, 0);
    }
}

/* The bytes are the same, so they are as dirty as before. */
static void the_same_frame_stays_dirty(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_remap(PLACE, 0, NX, FRAME_SAME), PAGING_OK);
    assert_false(rig.unmapped.released);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

static void nothing_to_do(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW | NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, US), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_remap(PLACE, 0, RW | NX, FRAME_SAME), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
    assert_status(rig_remap(PLACE + GIB, FRAME_2M, US, FRAME_GIVEN), PAGING_OK);
    assert_int_equal(machine_stores() + machine_flushes(), 0);
}

static void huge_pages(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map_owned(PLACE + GIB, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_remap(PLACE + 4 * KIB, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_INSIDE_HUGE);
    assert_status(rig_remap(PLACE + GIB + 4 * KIB, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_INSIDE_HUGE);
    assert_status(rig_remap(PLACE, FRAME_1G + 512, RW, FRAME_GIVEN), PAGING_MISALIGNED);
    assert_status(rig_remap(PLACE + GIB, FRAME_2M + 1, RW, FRAME_GIVEN), PAGING_MISALIGNED);
    machine_fill_tlb();
    assert_true(!rig_has_windows() || machine_caches(rig_window(1, PLACE)));
    assert_status(rig_remap(PLACE, 2 * FRAME_1G, RW | NX, FRAME_GIVEN), PAGING_OK);
    assert_false(machine_caches(rig_window(1, PLACE)));
    assert_false(machine_caches(rig_window(2, PLACE)));
    assert_int_equal(machine_flushes(), rig_has_windows() ? 3 : 1);
    assert_int_equal(frame_at(PLACE + 6 * MIB), 2 * FRAME_1G + 3 * 512);
    machine_fill_tlb();
    assert_status(rig_remap(PLACE + GIB, 0, RW | NX, FRAME_TAKEN), PAGING_OK);
    assert_int_equal(machine_flushes(), rig_has_windows() ? 2 : 1);
    assert_true(rig.unmapped.released && rig.unmapped.size == PAGING_2M);
    assert_int_equal(machine_runs_left(PAGING_2M), 7);
}

static void refusals(void **state)
{
    rig_open();
    assert_status(rig_remap(PLACE, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_NOT_MAPPED);
    assert_status(rig_set_marker(PLACE + 4 * KIB, 1), PAGING_OK);
    assert_status(rig_remap(PLACE + 4 * KIB, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_MARKED);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, (uint64_t)1 << 53, FRAME_GIVEN), PAGING_BAD_FLAGS);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, PAGING_OWNED, FRAME_GIVEN), PAGING_BAD_FLAGS);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, RW | PAGING_REPLACE_MARKER, FRAME_GIVEN), PAGING_BAD_FLAGS);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, PAGING_GLOBAL, FRAME_TAKEN), PAGING_BAD_FLAGS);
    assert_status(rig_remap(PLACE, (uint64_t)1 << 34, RW, FRAME_GIVEN), PAGING_FRAME_TOO_HIGH);
    uint64_t slot = rig_address(PAGING_RECURSIVE_SLOT * paging_level_pages(rig.model.levels));
    assert_status(rig_remap(slot, DEVICE_FRAME, RW, FRAME_GIVEN),
                  rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_NOT_MAPPED);
    paging_page_t beyond = {paging_page_limit(rig.model.levels)};
    assert_status(
        paging_remap(&rig.space, beyond, (paging_frame_t){DEVICE_FRAME}, RW, false, machine_frames(), NULL),
        PAGING_BAD_PAGE);
}

static enum paging_status remap_now(uint64_t frame, bool owned)
{
    machine_reset_log();
    return paging_remap(&rig.space, rig_page(PLACE), (paging_frame_t){frame}, RW, owned, machine_frames(),
                        NULL);
}

/* Without a report, the same happens. */
static void needs_no_report(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    uint64_t old = frame_at(PLACE);
    assert_status(remap_now(DEVICE_FRAME, false), PAGING_OK);
    assert_false(machine_frame_is_out(old));
    assert_int_equal(frame_at(PLACE), DEVICE_FRAME);
}

/* The page's frame becomes the caller's, and later the page's again; it never goes back in between. */
static void the_frame_changes_hands(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    uint64_t frame = frame_at(PLACE);
    unsigned out = machine_frames_out();
    assert_status(remap_now(frame, false), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    assert_int_equal(leaf_of(PLACE) & PAGING_OWNED, 0);
    assert_status(remap_now(DEVICE_FRAME, false), PAGING_OK);
    assert_true(machine_frame_is_out(frame));
    assert_status(remap_now(frame, true), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Where a P1 gets its first owned page, its P2 says so before; between the two stores the page is written. */
static void write_meanwhile(void)
{
    if (machine_stores() == 1)
        *entry_at(PLACE, 1) |= TOUCHED;
}

static void dirty_meanwhile(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    machine_reset_log();
    machine_observe(write_meanwhile);
    struct paging_unmapped before;
    assert_status(paging_remap(&rig.space, rig_page(PLACE), (paging_frame_t){DEVICE_FRAME}, RW, true,
                               machine_frames(), &before),
                  PAGING_OK);
    machine_observe(NULL);
    assert_int_equal(before.flags & TOUCHED, TOUCHED);
    assert_int_equal(leaf_of(PLACE) & TOUCHED, TOUCHED);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("remap: copy-on-write is broken by one store and one flush", breaks_copy_on_write),
    RIG_TEST("remap: an owned frame goes back when another one takes its place", the_old_frame_goes_back),
    RIG_TEST("remap: reports accessed and dirty, and the new page has neither", reports_accessed_and_dirty),
    RIG_TEST("remap: with the same frame the page stays dirty", the_same_frame_stays_dirty),
    RIG_TEST("remap: what is as it was is not written, and not flushed", nothing_to_do),
    RIG_TEST("remap: a huge page, and the windows in which it was visible", huge_pages),
    RIG_TEST("remap: what is refused changes nothing", refusals),
    RIG_TEST("remap: needs no report", needs_no_report),
    RIG_TEST("remap: a page's frame becomes its caller's, and the page's again", the_frame_changes_hands),
    RIG_TEST("remap: a dirty bit that the processor sets meanwhile is reported, and kept", dirty_meanwhile),
};

RIG_MAIN("remap", tests)
