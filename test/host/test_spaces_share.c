/* spaces: the upper half is lent, borrowed, changed through the live one, and given back. */
#include "entries.h"
#include "rig_parts.h"
#include "rig_spaces.h"
#include "spaces.h"

#define RW        ENTRY_WRITABLE
#define NX        ENTRY_NO_EXECUTE
#define DEVICE_2M (FRAME_2M * PAGE_BYTES)

static struct rig_side *const home = &rig.sides[0], *const other = &rig.sides[1],
                              *const third = &rig.sides[2];

/* The upper half of this geometry, in slots of the root that can be lent. */
static unsigned half_slots(void)
{
    unsigned slots = 0;
    for (unsigned slot = ENTRY_COUNT / 2; slot < ENTRY_COUNT; slot++)
        slots += !model_is_kept(rig_levels, slot * level_pages(rig_levels));
    return slots;
}

/* The live space lends, the other borrows and is open. */
static void open_borrower(void)
{
    rig_open_spaces();
    assert_status(rig_lend(home), PAGING_OK);
    assert_status(rig_create_beside(other, home), PAGING_OK);
    assert_status(rig_open_foreign(home, other), PAGING_OK);
    rig.at = home;
}

/* ---- lending ---- */

/* Each entry of the root leads to a table; tables that were there are lent as they are. */
static void lend_and_unlend(void **state)
{
    (void)state;
    rig_open_spaces();
    uint64_t upper = rig_upper_place();
    unsigned out = machine_frames_out();
    assert_status(rig_map(upper, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_map(upper + GIB, RW), PAGING_OK);
    unsigned with_pages = machine_frames_out();
    assert_status(rig_lend(home), PAGING_OK);
    assert_int_equal(machine_frames_out(), with_pages + half_slots() - 1);
    assert_status(rig_lend(home), PAGING_OK);
    assert_int_equal(machine_stores(), 0);
    assert_status(rig_map(upper + SLOT_BYTES * ENTRY_COUNT / 8, RW), PAGING_OK);
    assert_status(rig_unmap(upper + GIB, NULL), PAGING_OK); /* which no count has seen go */
    machine_fill_tlb();
    assert_status(rig_unlend(home), PAGING_OK);
    assert_status(rig_unlend(home), PAGING_OK);
    assert_int_equal(machine_stores(), 0);
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
    assert_status(rig_unmap(upper + SLOT_BYTES * ENTRY_COUNT / 8, NULL), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
}

/* Where few of the tables are empty, window by window; the rig expects each. */
static void unlend_flushes_windows(void **state)
{
    (void)state;
    rig_open_spaces();
    unsigned left = half_slots();
    for (unsigned slot = ENTRY_COUNT / 2; left > 5; slot++) {
        page_t page = {slot * level_pages(rig_levels)};
        frame_t frame = {FRAME_1G};
        if (model_is_kept(rig_levels, page.number))
            continue;
        assert_status(paging_map_sized(&rig.space, page, frame, PAGE_1G, NX, machine_frames()), PAGING_OK);
        machine_forget_promise();
        model_add(&rig.model, (struct model_leaf){page.number, FRAME_1G, PAGE_1G, NX, false, 0});
        left--;
    }
    assert_status(rig_lend(home), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_unlend(home), PAGING_OK);
    assert_int_equal(machine_flushes(), 5);
    assert_int_equal(machine_full_flushes(), 0);
}

static void lend_out_of_frames(void **state)
{
    (void)state;
    rig_open_spaces();
    static const unsigned lefts[] = {0, 1, 100};
    for (unsigned i = 0; i < 3; i++) {
        machine_limit_frames(lefts[i]);
        assert_status(rig_lend(home), PAGING_NO_FRAMES);
    }
    machine_limit_frames(half_slots() - 1);
    assert_status(rig_lend(home), PAGING_NO_FRAMES);
    machine_limit_frames(half_slots());
    assert_status(rig_lend(home), PAGING_OK);
}

static void assert_not_lent(enum paging_status expected)
{
    machine_snapshot();
    struct address_space as_it_was = rig.space;
    assert_status(paging_lend_upper_half(&rig.space, machine_frames()), expected);
    assert_true(machine_unchanged());
    assert_same_space(&rig.space, &as_it_was);
}

/* The root's entries are the core's alone. */
static void lend_refuses(void **state)
{
    (void)state;
    open_borrower();
    assert_status(rig_lend(other), PAGING_SHARED);
    assert_status(rig_unlend(other), PAGING_SHARED);
    assert_status(rig_unlend(home), PAGING_SHARED);
    rig_close(NULL);
    rig_open_spaces();
    volatile uint64_t *last = entry_at(rig_address(level_pages(rig_levels) * (ENTRY_COUNT - 4)), rig_levels);
    assert_int_equal(*last, 0);
    *last = 2;
    assert_not_lent(PAGING_RESERVED);
    *last = DEVICE_FRAME << 12 | 0xe7;
    assert_not_lent(PAGING_MALFORMED);
    *last = 0;
    assert_status(rig_lend(home), PAGING_OK);
}

/* ---- sharing ---- */

static void borrower_sees_it(void **state)
{
    (void)state;
    open_borrower();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGE_2M, NX), PAGING_OK);
    rig.at = other;
    rig_translate(upper);
    rig_translate(upper + 2 * MIB + 5);
    assert_int_equal(rig_walk(upper + 2 * MIB).frame, FRAME_2M);
    rig.at = home;
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
    rig.at = other;
    rig_translate(upper);
    assert_status(rig_create_beside(third, other), PAGING_OK); /* a borrower passes it on */
    assert_ptr_equal(third->lender, home);
    assert_status(rig_destroy(third), PAGING_OK);
}

static void judge_shared(uint64_t upper)
{
    assert_status(rig_map(upper + 4 * KIB, RW), PAGING_SHARED);
    assert_status(rig_map_to(upper + 4 * KIB, DEVICE_FRAME, RW), PAGING_SHARED);
    assert_status(rig_map_sized(upper + 4 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_SHARED);
    assert_status(rig_unmap(upper, NULL), PAGING_SHARED);
    assert_status(rig_reserve_page(upper + 4 * KIB, 1), PAGING_SHARED);
    rig_unreserve_page(upper + 8 * KIB, PAGING_SHARED);
    assert_status(rig_map_range(upper + 16 * KIB, DEVICE, 8 * KIB, RW), PAGING_SHARED);
    assert_status(rig_map_range_alloc(upper + 16 * KIB, 8 * KIB, RW), PAGING_SHARED);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_SHARED);
    assert_status(rig_protect_range(upper, 8 * MIB, NX, RW), PAGING_SHARED);
    assert_status(rig_split(upper + 2 * MIB), PAGING_SHARED);
    assert_status(rig_merge_range(upper, GIB), PAGING_SHARED);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
}

/* Through a borrower that is open, and through the lender while a borrower is live. */
static void changed_through_the_live_one_only(void **state)
{
    (void)state;
    open_borrower();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_OK);
    assert_status(rig_reserve_page(upper + 8 * KIB, 1), PAGING_OK);
    rig.at = other;
    judge_shared(upper);
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    assert_status(rig_activate(home, other), PAGING_OK);
    assert_status(rig_open_foreign(other, home), PAGING_OK);
    judge_shared(upper);
    rig.at = other;
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
    assert_status(rig_close_foreign(other, home), PAGING_OK);
    assert_status(rig_destroy(home), PAGING_SHARED);
}

/* The same by offset, where nothing is cached but another might be live. */
static void by_offset_too(void **state)
{
    (void)state;
    open_borrower();
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    struct paging_unmapped unmapped;
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    paging_went_dormant(other->space, machine_offset());
    machine_snapshot();
    assert_status(paging_map(other->space, rig_page(upper + 4 * KIB), RW, machine_frames()), PAGING_SHARED);
    assert_status(paging_unmap(other->space, rig_page(upper), machine_frames(), &unmapped), PAGING_SHARED);
    assert_true(machine_unchanged());
    machine_forget_promise();
    assert_status(paging_map(other->space, rig_page(PLACE), RW, machine_frames()), PAGING_OK);
    assert_status(paging_unmap(other->space, rig_page(PLACE), machine_frames(), &unmapped), PAGING_OK);
    rig_check();
}

/* ---- the other's view of it ---- */

/* Each of these takes a table away, or puts one where a huge page leaks, in both spaces' windows. */
static void change_shared(uint64_t upper)
{
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGE_2M, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_protect_range(upper + 2 * MIB, 2 * MIB, NX, 0), PAGING_OK);
    assert_status(rig_split(upper + 2 * MIB), PAGING_OK);
    assert_status(rig_merge_range(upper + 2 * MIB, 2 * MIB), PAGING_OK);
    assert_status(rig_unmap(upper + 2 * MIB, NULL), PAGING_OK);
    assert_status(rig_map_sized(upper + GIB, FRAME_1G, PAGE_1G, RW), PAGING_OK);
    assert_status(rig_unmap_range(upper + GIB + 2 * MIB, 4 * KIB), PAGING_OK);
    assert_status(rig_unmap_range(upper, 4 * GIB), PAGING_OK);
    assert_int_equal(rig.at->model->count, 0);
}

/* The rig expects each single flush of rig_unmap in both windows, and everything is cached meanwhile. */
static void view_is_forgotten(void **state)
{
    (void)state;
    for (unsigned borrower_is_live = 0; borrower_is_live < 2; borrower_is_live++) {
        open_borrower();
        if (borrower_is_live) {
            assert_status(rig_close_foreign(home, other), PAGING_OK);
            assert_status(rig_activate(home, other), PAGING_OK);
            assert_status(rig_open_foreign(other, home), PAGING_OK);
        }
        rig.at = rig.live;
        uint64_t tables = home->space->tables;
        machine_fill_tlb();
        change_shared(rig_upper_place());
        assert_int_equal(home->space->tables, tables); /* the lender's, whoever is live */
    }
}

/* A space that shares nothing does not see it, and no flush is wasted on its windows. */
static void stranger_has_no_view(void **state)
{
    (void)state;
    rig_open_spaces();
    assert_status(rig_create_beside(other, home), PAGING_OK);
    assert_status(rig_lend(home), PAGING_OK);
    assert_status(rig_open_foreign(home, other), PAGING_OK);
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK); /* in its own */
    rig.at = home;
    change_shared(upper);
    rig.at = other;
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
}

/* ---- switching ---- */

static void shared_half_stays_cached(void **state)
{
    (void)state;
    open_borrower();
    uint64_t upper = rig_upper_place();
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(upper, DEVICE_FRAME, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_map_sized(upper + 2 * MIB, FRAME_2M, PAGE_2M, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_map_to(upper + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    struct rig_side *from = home, *to = other;
    for (unsigned i = 0; i < 4; i++, from = rig.live, to = from == home ? other : home) {
        machine_fill_tlb();
        assert_status(rig_activate(from, to), PAGING_OK);
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
    assert_status(rig_unmap(upper, NULL), PAGING_OK);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_OK);
}

/* Global pages of the one must not answer for the other. */
static void strangers_flush_all(void **state)
{
    (void)state;
    rig_open_spaces();
    uint64_t upper = rig_upper_place();
    assert_status(rig_create_beside(other, home), PAGING_OK);
    assert_status(rig_lend(home), PAGING_OK);
    assert_status(rig_map(upper, RW | ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_open_foreign(home, other), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, ENTRY_GLOBAL), PAGING_OK);
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    machine_fill(DEVICE_FRAME);
    for (unsigned i = 0; i < 2; i++) {
        machine_fill_tlb();
        assert_true(machine_caches(upper));
        assert_status(rig_activate(i ? other : home, i ? home : other), PAGING_OK);
        assert_int_equal(machine_full_flushes(), 1);
        assert_false(machine_caches(upper));
        if (i == 0)
            assert_reads(upper, DEVICE_FRAME);
    }
}

/* ---- the end ---- */

static void destroying_leaves_what_is_lent(void **state)
{
    (void)state;
    open_borrower();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(upper + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    unsigned out = machine_frames_out() - rig_levels;
    rig.at = other;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + GIB, 64 * KIB, NX), PAGING_OK);
    assert_status(rig_create_beside(third, other), PAGING_OK);
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_activate(home, third), PAGING_OK);
    assert_status(rig_destroy(home), PAGING_SHARED);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_status(rig_activate(third, home), PAGING_OK);
    assert_status(rig_destroy(third), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    assert_allowed(upper + 2 * MIB, WALK_WRITE);
    assert_status(rig_unlend(home), PAGING_OK);
    assert_status(rig_unmap_range(upper, 8 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig_levels);
}

/* A lender that nobody borrows from any more takes its pinned tables with it. */
static void lender_is_destroyed(void **state)
{
    (void)state;
    open_borrower();
    assert_status(rig_map(rig_upper_place(), RW), PAGING_OK);
    assert_status(rig_close_foreign(home, other), PAGING_OK);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_status(rig_unlend(home), PAGING_OK);
    assert_status(rig_create_beside(other, home), PAGING_OK);
    assert_status(rig_lend(home), PAGING_OK);
    assert_status(rig_activate(home, other), PAGING_OK);
    assert_status(rig_destroy(home), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig_levels);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("lend: a table for every entry; unlend: empty ones back, the others counted", lend_and_unlend),
    RIG_TEST("unlend: the window of each table that goes is flushed", unlend_flushes_windows),
    RIG_TEST("lend: out of frames at any number, nothing has changed", lend_out_of_frames),
    RIG_TEST("lend: what is borrowed, or not the core's, is refused", lend_refuses),
    RIG_TEST("share: what the live space maps, a borrower maps", borrower_sees_it),
    RIG_TEST("share: only the live space changes the half", changed_through_the_live_one_only),
    RIG_TEST("share: by offset the half is not changed either", by_offset_too),
    RIG_TEST("share: the open space's view of what goes is forgotten too", view_is_forgotten),
    RIG_TEST("share: a space with a half of its own has no view", stranger_has_no_view),
    RIG_TEST("activate: with the same half, global pages stay cached and right", shared_half_stays_cached),
    RIG_TEST("activate: with another half, everything is flushed", strangers_flush_all),
    RIG_TEST("destroy: what is borrowed stays, and what others borrow", destroying_leaves_what_is_lent),
    RIG_TEST("destroy: a lender takes its tables with it", lender_is_destroyed),
};

RIG_MAIN("spaces_share", tests)
