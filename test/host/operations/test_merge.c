/* SPDX-License-Identifier: MIT */
/* Tests merge_range: 512 pages become one, every byte stays, and no translation leads to the freed table. */
#include "rig/rig_merge.h"

static void small_to_2m(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW | NX | PAGING_SYSTEM_11);
    machine_fill(FRAME_2M + 511);
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    assert_reads(PLACE + 2 * MIB - 8, FRAME_2M + 511);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_allowed(PLACE + MIB, WALK_WRITE);
}

static void large_to_1g(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    machine_fill(FRAME_1G + 512);
    for (unsigned i = 0; rig_has_windows() && i < 4; i++) /* through a P1's window appears the 2 MiB page */
        assert_allowed(rig_window(1, PLACE + i * 2 * MIB), WALK_READ);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
    assert_reads(PLACE + 2 * MIB, FRAME_1G + 512);
}

static void both_levels_at_once(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    static const uint64_t small[] = {0, 2 * MIB, 512 * MIB, GIB - 2 * MIB};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_split(PLACE + small[i]), PAGING_OK);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
}

/* Several tables, next to the boundary of the tables above them. */
static void many_tables(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 3; i++)
        map_small(PLACE + GIB - 4 * MIB + i * 2 * MIB, DEVICE_1G + i * 2 * MIB, RW);
    merge(PLACE + GIB - 4 * MIB, 6 * MIB);
    ASSERT_RUNS(PLACE + GIB - 4 * MIB, {2, 3}, {0, 1});
}

/* What is done for the 1 GiB page must be done before tables below the next one are replaced. */
static void large_and_then_small(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    map_small(PLACE + GIB, DEVICE_1G, RW);
    assert_allowed(PLACE, WALK_WRITE);
    merge(PLACE, GIB + 2 * MIB);
    ASSERT_RUNS(PLACE, {3, 1}, {2, 1}, {0, 1});
}

/*
 * One flush is for 32 tables at most: with more, none is forgotten. The leaves are more than the model
 * has room for.
 */
static void more_tables_than_one_flush(void **state)
{
    enum { TABLES = 70 };
    const paging_virt_t start = {PLACE};
    const uint64_t bytes = TABLES * 2 * MIB;
    rig_open();
    assert_status(
        paging_map_range(&rig.space, start, (paging_phys_t){DEVICE_1G}, bytes, RW, machine_frames()),
        PAGING_OK);
    unsigned merged = machine_frames_out();
    for (unsigned i = 0; i < TABLES; i++)
        assert_status(paging_split(&rig.space, rig_page(PLACE + i * 2 * MIB), machine_frames()), PAGING_OK);
    machine_fill_tlb();
    machine_reset_log();
    assert_status(paging_merge_range(&rig.space, start, bytes, machine_frames()), PAGING_OK);
    assert_int_equal(machine_full_flushes(), 3);
    machine_audit();
    ASSERT_RUNS(PLACE, {2, TABLES}, {0, 1});
    assert_int_equal(machine_frames_out(), merged);
    assert_status(paging_unmap_range(&rig.space, start, bytes, machine_frames()), PAGING_OK);
    rig_check();
}

static void undoes_split(void **state)
{
    rig_open();
    static const struct {
        uint64_t frame;
        unsigned size;
    } pages[] = {{FRAME_2M, PAGING_2M}, {FRAME_1G, PAGING_1G}};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t flags = RW | PAGING_USER | PAGING_NO_CACHE | PAGING_SYSTEM_9;
        assert_status(rig_map_sized(PLACE, pages[i].frame, pages[i].size, flags), PAGING_OK);
        machine_fill_tlb();
        uint64_t entry = *entry_at(PLACE, pages[i].size);
        unsigned out = machine_frames_out();
        assert_status(rig_split(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), out + 1);
        merge(PLACE, walker_span(machine_walker(), pages[i].size));
        assert_int_equal(*entry_at(PLACE, pages[i].size), entry);
        assert_int_equal(machine_frames_out(), out);
        assert_status(rig_unmap(PLACE), PAGING_OK);
    }
}

/* The TLB is not filled here, because that alone would set accessed bits. */
static void accessed_and_dirty_together(void **state)
{
    rig_open();
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE};
    static const uint64_t marks[] = {0, PAGING_ACCESSED, TOUCHED};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned page = 0; page < 512; page += 511) {
            map_small(PLACE, DEVICE_2M, RW);
            if (i > 0)
                assert_allowed(PLACE + page * 4 * KIB, accesses[i - 1]);
            assert_status(rig_merge(PLACE, 2 * MIB), PAGING_OK);
            assert_int_equal(*entry_at(PLACE, 2) & (TOUCHED | 1), marks[i] | 1);
            assert_status(rig_unmap(PLACE), PAGING_OK);
        }
    map_small(PLACE, DEVICE_2M, RW);
    *entry_at(PLACE, 1) |= PAGING_ACCESSED; /* in two different pages */
    *entry_at(PLACE + MIB, 1) |= PAGING_DIRTY;
    assert_status(rig_merge(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(*entry_at(PLACE, 2) & TOUCHED, TOUCHED);
    assert_allowed(PLACE, WALK_WRITE);
}

/* A bug of another project: freed tables were used again while their window was cached. */
static void freed_table_is_forgotten(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    machine_fill(FRAME_2M);
    uint64_t table = *entry_at(PLACE, 2) >> 12 & 0xffffffffff;
    for (unsigned i = 0; i < 512; i++)
        assert_allowed(PLACE + i * 4 * KIB, i & 1 ? WALK_WRITE : WALK_READ);
    assert_allowed(rig_window(1, PLACE), WALK_WRITE);
    merge(PLACE, 2 * MIB);
    for (unsigned i = 0; i < 512; i++)
        assert_false(machine_caches(PLACE + i * 4 * KIB));
    assert_false(machine_caches(rig_window(1, PLACE)));
    assert_false(machine_frame_is_out(table));
    /* Its frame comes again as data. Through the window the processor now sees the start of the huge page. */
    assert_status(rig_map(PLACE + 4 * GIB, RW), PAGING_OK);
    assert_true(machine_frame_is_out(table));
    assert_allowed(PLACE + 4 * GIB, WALK_WRITE);
    assert_reads(rig_window(1, PLACE), FRAME_2M);
    assert_reads(PLACE, FRAME_2M);
    assert_status(rig_split(PLACE), PAGING_OK);
    assert_reads(PLACE, FRAME_2M);
}

/* ---- old or new ---- */

#define WATCHED 64u
static struct {
    uint64_t addresses[WATCHED], before[WATCHED], window_before, window_other;
    unsigned looks, others;
} watched;

/* What a program can notice of a page. Its size is not among it. */
static uint64_t outcome(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    return walk.faulted ? ~(uint64_t)0
                        : walk.frame << 3 | walk.writable << 2 | walk.user << 1 | walk.executable;
}

static void look(void)
{
    watched.looks++;
    for (unsigned i = 0; i < WATCHED; i++)
        if (outcome(watched.addresses[i]) != watched.before[i])
            fail_msg("%#lx translated differently while it was merged", (unsigned long)watched.addresses[i]);
    uint64_t window = outcome(rig_window(1, PLACE));
    if (window != watched.window_before && watched.others++ == 0)
        watched.window_other = window;
    if (window != watched.window_before && window != watched.window_other)
        fail_msg("the window had a torn translation");
}

static void same_after_every_store(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_split(PLACE + i * 2 * MIB), PAGING_OK);
    for (unsigned i = 0; i < WATCHED; i++) {
        watched.addresses[i] = PLACE + (i < 32 ? i * 260 * KIB : i * 16 * MIB);
        watched.before[i] = outcome(watched.addresses[i]);
    }
    static const uint64_t bytes[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        watched.window_before = outcome(rig_window(1, PLACE));
        watched.looks = watched.others = 0;
        machine_fill_tlb();
        machine_observe(look);
        assert_status(rig_merge(PLACE, bytes[i]), PAGING_OK);
        machine_observe(NULL);
        /*
         * Per replaced table: the store of the leaf, and a store and a flush to show the table in the scratch
         * page. Per batch of tables: one flush, and a store and a flush to unmap the scratch page.
         */
        unsigned tables = i == 0 ? 1 : 4, batches = i == 0 ? 1 : 2;
        assert_int_equal(watched.looks, rig_has_windows() ? 3 * (tables + batches) : tables + batches);
    }
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
}

static uint64_t written_meanwhile;

static void write_meanwhile(void)
{
    machine_observe(NULL);
    assert_false(machine_access(written_meanwhile, WALK_WRITE).faulted);
}

/* Through a path that is cached until the flush, the processor still finds the table and sets a dirty bit. */
static void marked_meanwhile(void **state)
{
    static const unsigned pages[] = {0, 5, 511};
    for (unsigned i = 0; i < 3; i++) {
        rig_open();
        map_small(PLACE, DEVICE_2M, RW);
        written_meanwhile = PLACE + pages[i] * 4 * KIB;
        assert_allowed(written_meanwhile, WALK_READ);
        assert_false(*entry_at(written_meanwhile, 1) & PAGING_DIRTY);
        machine_observe(write_meanwhile);
        assert_status(paging_merge_range(&rig.space, (paging_virt_t){PLACE}, 2 * MIB, machine_frames()),
                      PAGING_OK);
        assert_true(*entry_at(PLACE, 2) & PAGING_HUGE);
        assert_true(*entry_at(PLACE, 2) & PAGING_DIRTY);
        machine_close();
    }
}

/* The source is told what was split and what is merged: the rig compares every page with the source. */
static void owned_pages_are_joined(void **state)
{
    rig_open();
    machine_break_huge();
    static const uint64_t pages[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        assert_status(rig_map_range_alloc(PLACE, pages[i], RW), PAGING_OK);
        assert_status(rig_split(PLACE), PAGING_OK);
        merge(PLACE, pages[i]);
        ASSERT_RUNS(PLACE, {i + 2, 1}, {0, 1});
        assert_status(rig_unmap(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* merge_range takes no frame, so an empty source does not matter. */
static void no_frames_needed(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    machine_limit_frames(0);
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("merge: 512 x 4K become 2M", small_to_2m),
    RIG_TEST("merge: 512 x 2M become 1G", large_to_1g),
    RIG_TEST("merge: both levels at once", both_levels_at_once),
    RIG_TEST("merge: a 1 GiB page and then a 2 MiB page below the next entry", large_and_then_small),
    RIG_TEST("merge: several tables, at boundaries of the tables above", many_tables),
    RIG_TEST("merge: undoes split, byte for byte", undoes_split),
    RIG_TEST("merge: accessed and dirty if any of the pages was", accessed_and_dirty_together),
    RIG_RECURSIVE_TEST("merge: the window of the freed table is flushed too", freed_table_is_forgotten),
    RIG_TEST("merge: more tables than one flush is for", more_tables_than_one_flush),
    RIG_TEST("merge: after every store each page translates the same", same_after_every_store),
    RIG_TEST("merge: the processor sets a dirty bit meanwhile", marked_meanwhile),
    RIG_TEST("merge: owned pages are joined in the source", owned_pages_are_joined),
    RIG_TEST("merge: takes no frame", no_frames_needed),
};

RIG_MAIN("merge", tests)
