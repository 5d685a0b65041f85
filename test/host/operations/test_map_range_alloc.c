/* SPDX-License-Identifier: MIT */
/*
 * Tests map_range_alloc: frames of the source's choosing, the largest it has.
 *
 * The rig judges each call: which sizes were asked for and where, that no frame is in use twice, and that the
 * source was asked to promise exactly the frames of the worst case.
 */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include "rig/runs.h"

static void alloc(uint64_t start, uint64_t bytes, uint64_t flags)
{
    machine_fill_tlb();
    assert_status(rig_map_range_alloc(start, bytes, flags), PAGING_OK);
    machine_fill_tlb();
}

static void unmap_all(uint64_t start, uint64_t bytes)
{
    assert_status(rig_unmap_range(start, bytes), PAGING_OK);
    assert_int_equal(rig.model.count, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* ---- which sizes ---- */

static void largest_frames(void **state)
{
    rig_open_large();
    uint64_t before = 2 * MIB + 4 * KIB, start = PLACE + GIB - before, bytes = 2 * GIB + 2 * before;
    alloc(start, bytes, RW | NX);
    uint64_t end = ASSERT_RUNS(start, {1, 1}, {2, 1}, {3, 2}, {2, 1}, {1, 1});
    assert_int_equal(end, start + bytes);
    const uint64_t edges[] = {0, 4 * KIB, before, before + GIB, before + 2 * GIB, bytes - 4 * KIB};
    for (unsigned i = 0; i < 6; i++) {
        assert_reads(start + edges[i], frame_at(start + edges[i]));
        assert_allowed(start + edges[i], WALK_WRITE);
        assert_refused(start + edges[i], WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    }
    assert_allowed(end - 8, WALK_WRITE);
    assert_refused(start - 8, WALK_READ, 0);
    assert_refused(end, WALK_READ, 0);
    unmap_all(start, bytes);
}

/* A size that the flags forbid is not asked for. */
static void sizes_that_flags_allow(void **state)
{
    rig_open_large();
    alloc(PLACE, 4 * MIB, RW | PAGING_LARGEST_4K);
    ASSERT_RUNS(PLACE, {1, 1024}, {0, 1});
    unmap_all(PLACE, 4 * MIB);
    alloc(PLACE, 4 * MIB, RW | PAGING_LARGEST_2M);
    ASSERT_RUNS(PLACE, {2, 2}, {0, 1});
    unmap_all(PLACE, 4 * MIB);
}

/* With N huge frames in the source, these come first, in the order of the addresses. */
static void as_many_as_there_are(void **state)
{
    rig_open_large();
    for (unsigned huge = 0; huge <= 4; huge++) {
        machine_limit_huge(huge);
        alloc(PLACE + 2 * MIB, 6 * MIB, RW);
        if (huge < 3)
            ASSERT_RUNS(PLACE + 2 * MIB, {2, huge}, {1, (3 - huge) * 512}, {0, 1});
        ASSERT_RUNS(PLACE + 2 * MIB, {2, huge < 3 ? huge : 3});
        unmap_all(PLACE, GIB);
        machine_unlimit_huge();
        assert_int_equal(machine_runs_left(PAGING_2M), 8);
    }
}

/* Without a frame for a 1 GiB page, or on a processor without such pages: 512 of the next size. */
static void no_frame_of_1g(void **state)
{
    for (unsigned no_pages = 0; no_pages < 2; no_pages++) {
        struct machine_setup setup = rig_setup();
        setup.runs_2m = 514;
        setup.pages_1g = !no_pages;
        rig_open_on(setup);
        machine_break_huge();
        unsigned gigabytes = no_pages ? 0 : 3;
        if (gigabytes > 0)
            alloc(PLACE + 2 * GIB, gigabytes * GIB, 0);
        alloc(PLACE + 4 * KIB, GIB + 2 * MIB - 8 * KIB, RW);
        ASSERT_RUNS(PLACE, {0, 1}, {1, 511}, {2, 511}, {1, 511});
        assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
        assert_int_equal(machine_runs_left(PAGING_2M), 514);
        alloc(PLACE, GIB, RW);
        ASSERT_RUNS(PLACE, {2, 512}, {0, 1});
        assert_int_equal(machine_runs_left(PAGING_1G), 3 - gigabytes);
        unmap_all(PLACE, 6 * GIB);
    }
}

static void whole_gigabytes(void **state)
{
    rig_open_large();
    alloc(PLACE, 3 * GIB, RW);
    ASSERT_RUNS(PLACE, {3, 3}, {0, 1});
    assert_int_equal(paging_counted(&rig.space).tables, rig.base_frames + rig.model.levels - 3);
    assert_status(rig_map_range_alloc(PLACE + 3 * GIB, GIB, RW), PAGING_NO_FRAMES);
    alloc(PLACE + 4 * GIB - 2 * MIB, 2 * MIB + 4 * KIB, RW);
    ASSERT_RUNS(PLACE + 4 * GIB - 2 * MIB, {2, 1}, {1, 1}, {0, 1});
    unmap_all(PLACE, 5 * GIB);
    assert_int_equal(machine_runs_left(PAGING_1G), 3);
}

/* No huge page reaches over an end, however many huge frames there are. */
static void ends_that_are_not_aligned(void **state)
{
    rig_open_large();
    static const struct {
        uint64_t start, bytes;
        struct page_run runs[4];
    } ranges[] = {
        {0, 4 * KIB, {{1, 1}, {0, 1}}},
        {0, 2 * MIB - 4 * KIB, {{1, 511}, {0, 1}}},
        {0, 2 * MIB, {{2, 1}, {0, 1}}},
        {0, 2 * MIB + 4 * KIB, {{2, 1}, {1, 1}, {0, 1}}},
        {4 * KIB, 2 * MIB, {{1, 512}, {0, 1}}},
        {2 * MIB - 4 * KIB, 2 * MIB + 8 * KIB, {{1, 1}, {2, 1}, {1, 1}}},
        {2 * MIB - 8 * KIB, 2 * MIB + 8 * KIB, {{1, 2}, {2, 1}, {0, 1}}},
        {GIB - 4 * KIB, 8 * KIB, {{1, 2}, {0, 1}}},
        {GIB - 2 * MIB, 4 * MIB, {{2, 2}, {0, 1}}},
        {SLOT_BYTES - 2 * MIB, 4 * MIB + 4 * KIB, {{2, 2}, {1, 1}, {0, 1}}},
        {SLOT_BYTES - 4 * KIB, 8 * KIB, {{1, 2}, {0, 1}}},
        {GIB - 2 * MIB - 4 * KIB, GIB + 2 * MIB + 4 * KIB, {{1, 1}, {2, 1}, {3, 1}}},
        {GIB, GIB + 2 * MIB - 4 * KIB, {{3, 1}, {1, 511}, {0, 1}}},
    };
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        alloc(PLACE + ranges[i].start, ranges[i].bytes, RW);
        assert_refused(PLACE + ranges[i].start - 8, WALK_READ, 0);
        assert_refused(PLACE + ranges[i].start + ranges[i].bytes, WALK_READ, 0);
        (void)assert_runs(PLACE + ranges[i].start, ranges[i].runs);
        unmap_all(PLACE, 2 * SLOT_BYTES);
    }
}

/* A table that exists is filled up. What is mapped in it stays, and does not become owned. */
static void tables_in_use(void **state)
{
    rig_open_large();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * MIB + 4 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    alloc(PLACE + 4 * KIB, 4 * MIB, RW);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {1, 2}, {0, 1});
    assert_status(rig_map_range_alloc(PLACE + 4 * MIB, 2 * MIB, RW), PAGING_ALREADY_MAPPED);
    alloc(PLACE + 4 * MIB + 8 * KIB, 2 * MIB, RW);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {1, 514}, {0, 1});
    unmap_all(PLACE, GIB);
    assert_int_equal(machine_runs_left(PAGING_2M), 8);
}

/* The first and the last pages of both halves. Only those of the upper half may be global. */
static void both_halves(void **state)
{
    rig_open_large();
    uint64_t slot = paging_level_bytes(rig.model.levels), half = slot * (PAGING_TABLE_ENTRIES / 2);
    uint64_t upper = 0 - half, bytes = 2 * MIB + 4 * KIB;
    const uint64_t lower[] = {0, half - bytes};
    for (unsigned i = 0; i < 2; i++) {
        assert_status(rig_map_range_alloc(lower[i], bytes, RW | PAGING_GLOBAL), PAGING_BAD_FLAGS);
        alloc(lower[i], bytes, RW | PAGING_USER);
        unmap_all(lower[i], bytes);
    }
    alloc(upper, GIB + bytes, RW | PAGING_GLOBAL | NX);
    ASSERT_RUNS(upper, {3, 1}, {2, 1}, {1, 1}, {0, 1});
    assert_allowed(upper + GIB + bytes - 8, WALK_WRITE);
    machine_load_cr3(machine_walker()->root); /* spares what is global */
    assert_true(machine_caches(upper));
    unmap_all(upper, 2 * GIB);
    assert_refused(upper, WALK_READ, 0);
    if (!rig_has_windows())
        return;
    uint64_t window = rig_address(paging_level_pages(rig.model.levels) * PAGING_RECURSIVE_SLOT);
    assert_status(rig_map_range_alloc(window - 4 * KIB, 8 * KIB, RW), PAGING_RESERVED_SLOT);
    assert_status(rig_map_range_alloc(window, 2 * MIB, RW), PAGING_RESERVED_SLOT);
}

/* ---- what is refused ---- */

/* With one frame too few nothing changes. With just enough it succeeds, and what huge frames save is left. */
static void out_of_frames(void **state)
{
    static const struct {
        uint64_t start, bytes;
        unsigned tables, saved; /* with four levels; these P1s are saved by huge pages */
    } ranges[] = {{0, 4 * KIB, 3, 0},
                  {GIB - 4 * KIB, 8 * KIB, 5, 0},
                  {0, 2 * MIB, 3, 1},
                  {2 * MIB - 4 * KIB, 4 * MIB + 8 * KIB, 6, 2},
                  {GIB - 2 * MIB, 4 * MIB, 5, 2},
                  {GIB - 4 * KIB, GIB + 8 * KIB, 514 + 3 + 1, 513}};
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
        for (unsigned neighbour = 0; neighbour < 2; neighbour++) {
            rig_open_large();
            uint64_t bytes = ranges[i].bytes;
            unsigned needed = (unsigned)(bytes / PAGING_PAGE_BYTES) + ranges[i].tables + rig.model.levels - 4;
            if (neighbour) { /* in the way of no page, but some of the tables exist then */
                assert_status(rig_map_to(PLACE + 8 * MIB, DEVICE_FRAME, 0), PAGING_OK);
                needed -= rig.model.levels - 2;
            }
            const unsigned few[] = {0, 1, needed / 2, needed - 1};
            for (unsigned k = 0; k < 4; k++) {
                machine_limit_frames(few[k]);
                assert_status(rig_map_range_alloc(PLACE + ranges[i].start, bytes, RW),
                              few[k] < needed ? PAGING_NO_FRAMES : PAGING_OK);
            }
            machine_limit_frames(needed);
            alloc(PLACE + ranges[i].start, bytes, RW);
            assert_int_equal(machine_frames_left(), ranges[i].saved);
            machine_unlimit_frames();
            if (bytes > GIB)
                continue;
            assert_status(rig_unmap_range(PLACE + ranges[i].start, bytes), PAGING_OK);
            machine_limit_huge(0);
            machine_limit_frames(needed);
            alloc(PLACE + ranges[i].start, bytes, RW);
            assert_int_equal(machine_frames_left(), 0);
        }
}

static void refuses_flags(void **state)
{
    rig_open();
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = (uint64_t)1 << bit;
        bool fine =
            (flag & (PAGING_LEAF_FLAGS | PAGING_REPLACE_MARKER | PAGING_LARGEST_4K | PAGING_LARGEST_2M)) &&
            flag != PAGING_GLOBAL;
        assert_status(rig_map_range_alloc(PLACE + 2 * MIB - 4 * KIB, 8 * KIB, flag),
                      fine ? PAGING_OK : PAGING_BAD_FLAGS);
        if (fine)
            unmap_all(PLACE, 4 * MIB);
    }
    struct machine_setup setup = rig_setup();
    setup.no_execute = false;
    rig_open_on(setup);
    assert_status(rig_map_range_alloc(PLACE, 4 * KIB, NX), PAGING_NOT_SUPPORTED);
}

static void refuses_what_is_no_range(void **state)
{
    rig_open();
    uint64_t half = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    assert_status(rig_map_range_alloc(PLACE, 0, RW), PAGING_EMPTY_RANGE);
    assert_status(rig_map_range_alloc(PLACE + 8, 4 * KIB, RW), PAGING_MISALIGNED);
    assert_status(rig_map_range_alloc(PLACE, 4 * KIB + 8, RW), PAGING_MISALIGNED);
    assert_status(rig_map_range_alloc(half, 4 * KIB, RW), PAGING_NOT_CANONICAL);
    assert_status(rig_map_range_alloc(half - 4 * KIB, 8 * KIB, RW), PAGING_RANGE_TOO_LONG);
    assert_status(rig_map_range_alloc(0 - (uint64_t)4 * KIB, 8 * KIB, RW), PAGING_RANGE_TOO_LONG);
}

static void refuses_mapped(void **state)
{
    rig_open_large();
    uint64_t bytes = 4 * MIB + 8 * KIB, start = PLACE + 2 * MIB - 4 * KIB;
    const uint64_t in_the_way[] = {0, 4 * KIB, 2 * MIB, 3 * MIB, bytes - 4 * KIB};
    for (unsigned i = 0; i < 5; i++) {
        assert_status(rig_map(start + in_the_way[i], 0), PAGING_OK);
        assert_status(rig_map_range_alloc(start, bytes, RW), PAGING_ALREADY_MAPPED);
        assert_status(rig_map_range_alloc(start + in_the_way[i], 4 * KIB, RW | PAGING_REPLACE_MARKER),
                      PAGING_ALREADY_MAPPED);
        assert_status(rig_unmap(start + in_the_way[i]), PAGING_OK);
    }
    alloc(PLACE, 2 * MIB, RW);
    assert_status(rig_map_range_alloc(PLACE + MIB, 4 * KIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE - 2 * MIB, GIB, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE, GIB, RW), PAGING_ALREADY_MAPPED);
}

/* ---- meanwhile ---- */

#define WATCHED 24u
static uint64_t watched_start, watched_step, outcomes[WATCHED];

static uint64_t outcome(unsigned i)
{
    struct walk walk =
        walker_walk(machine_walker(), NULL, watched_start + i * watched_step, WALK_READ, false);
    return walk.faulted ? 0 : walk.frame << 1 | 1;
}

/* A page that is mapped never changes. */
static void look(void)
{
    for (unsigned i = 0; i < WATCHED; i++) {
        uint64_t now = outcome(i);
        if (outcomes[i] != 0 && now != outcomes[i])
            fail_msg("page %u led to %#lx, and then to %#lx", i, (unsigned long)outcomes[i],
                     (unsigned long)now);
        outcomes[i] = now;
    }
}

static void old_or_new(void **state)
{
    rig_open_large();
    machine_limit_huge(2);
    assert_status(rig_map_to(PLACE + 12 * MIB, DEVICE_FRAME, 0), PAGING_OK);
    watched_start = PLACE + 2 * MIB - 8 * KIB;
    watched_step = 356 * KIB;
    for (unsigned i = 0; i < WATCHED; i++)
        outcomes[i] = 0;
    machine_observe(look);
    alloc(PLACE + 2 * MIB - 8 * KIB, 8 * MIB, RW);
    machine_observe(NULL);
    ASSERT_RUNS(PLACE + 2 * MIB - 8 * KIB, {1, 2}, {2, 2}, {1, 512 * 2 - 2}, {0, 1});
    for (unsigned i = 0; i < WATCHED; i++)
        assert_int_equal(outcomes[i], outcome(i) & ~(i * watched_step < 8 * MIB ? 0 : ~(uint64_t)0));
}

/* The scratch page is flushed once per new table, and at the end. By direct map there is none. */
static void flushes(void **state)
{
    rig_open_large();
    static const uint64_t lengths[] = {4 * KIB, 8 * KIB, 2 * MIB, 4 * MIB + 4 * KIB};
    uint64_t start = PLACE + 2 * MIB - 4 * KIB;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t tables = paging_counted(&rig.space).tables, flushed = paging_counted(&rig.space).flushes;
        alloc(start, lengths[i], RW);
        tables = paging_counted(&rig.space).tables - tables;
        if (rig_has_windows())
            assert_in_range(paging_counted(&rig.space).flushes - flushed, tables, tables + 1);
        else
            assert_int_equal(paging_counted(&rig.space).flushes, flushed);
        start += lengths[i];
    }
    alloc(start, 4 * KIB, RW); /* no new table */
    assert_int_equal(machine_flushes(), 0);
}

/* By direct map, as before a space is active: nothing is flushed, all else is the same. */
static void by_direct_map(void **state)
{
    rig_open_large();
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
    assert_status(rig_map_range_alloc(PLACE - 4 * KIB, GIB + 8 * KIB, RW), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    ASSERT_RUNS(PLACE - 4 * KIB, {1, 1}, {3, 1}, {1, 1}, {0, 1});
    assert_status(rig_map_range_alloc(PLACE + GIB + 2 * MIB, 2 * MIB, RW), PAGING_OK);
    unmap_all(PLACE - GIB, 3 * GIB);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_range_alloc: 4K|2M|1G|1G|2M|4K, no frame twice", largest_frames),
    RIG_TEST("map_range_alloc: frames are no larger than the flags allow", sizes_that_flags_allow),
    RIG_TEST("map_range_alloc: as many huge frames as there are, then small ones", as_many_as_there_are),
    RIG_TEST("map_range_alloc: no 1 GiB frame, or no such page: 2 MiB ones", no_frame_of_1g),
    RIG_TEST("map_range_alloc: gigabytes in one table, until none is left", whole_gigabytes),
    RIG_TEST("map_range_alloc: no huge page over an end", ends_that_are_not_aligned),
    RIG_TEST("map_range_alloc: tables in use are filled up", tables_in_use),
    RIG_TEST("map_range_alloc: both halves, global in the upper one", both_halves),
    RIG_TEST("map_range_alloc: frames for the worst case, not one more", out_of_frames),
    RIG_TEST("map_range_alloc: every flag that no leaf may have is refused", refuses_flags),
    RIG_TEST("map_range_alloc: what is not a range of pages is refused", refuses_what_is_no_range),
    RIG_TEST("map_range_alloc: mapped at the start, in the middle, at the end", refuses_mapped),
    RIG_TEST("map_range_alloc: after every store a page is there or not, and stays", old_or_new),
    RIG_TEST("map_range_alloc: one flush per new table and no others", flushes),
    RIG_TEST("map_range_alloc: by direct map nothing is flushed", by_direct_map),
};

RIG_MAIN("map_range_alloc", tests)
