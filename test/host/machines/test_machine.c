/* SPDX-License-Identifier: MIT */
/*
 * The emulated processor itself: hand-made tables, no core. A stale translation must be visible, and the
 * audits must find it; else every other test here proves nothing.
 */
#include "machines/machine_internal.h"
#include "machines/memcheck.h"
#include "rig/rig.h"
#include <string.h>

#define P      0x01ull
#define W      0x02ull
#define U      0x04ull
#define A      0x20ull
#define D      0x40ull
#define PS     0x80ull
#define NX_BIT (1ull << 63)

#define TABLES 0x2000ull /* tables[level] is frame TABLES + level */

static uint64_t *entry_for(unsigned level, uint64_t address)
{
    return &machine_frame(TABLES + level)[paging_page_index(rig_page(address), level)];
}

/* One chain of tables to PLACE, whose entries all allow everything. */
static void by_hand_on(struct machine_setup setup)
{
    machine_open(&setup);
    rig.model.levels = setup.levels;
    rig.model.count = 0;
    for (unsigned level = 1; level <= setup.levels; level++)
        memset(machine_frame(TABLES + level), 0, PAGING_PAGE_BYTES);
    for (unsigned level = 2; level <= setup.levels; level++)
        *entry_for(level, PLACE) = (TABLES + level - 1) << 12 | P | W | U;
    *entry_for(1, PLACE) = DEVICE_FRAME << 12 | P | W | U;
    machine_fill(DEVICE_FRAME);
    machine_fill(DEVICE_FRAME + 1);
    machine_load_cr3(TABLES + setup.levels);
}

static void by_hand(void)
{
    by_hand_on(rig_setup());
}

static void marks_accessed_and_dirty(void **state)
{
    (void)state;
    by_hand();
    assert_allowed(PLACE, WALK_READ);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        assert_int_equal(*entry_for(level, PLACE) & (A | D), A);
    assert_allowed(PLACE, WALK_WRITE);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        assert_int_equal(*entry_for(level, PLACE) & (A | D), level == 1 ? A | D : A);
}

/* Every combination of P, W, U, NX at the leaf and at the directory, and every access. */
static void access_matrix(void **state)
{
    (void)state;
    static const uint64_t bits[] = {P, W, U, NX_BIT};
    static const unsigned levels[] = {1, 2};
    by_hand();
    for (unsigned c = 0; c < 256 * 6; c++) {
        bool has[4][2];
        unsigned access = (c & 1 ? WALK_USER : 0) | (c % 6 / 2 == 1   ? WALK_WRITE
                                                     : c % 6 / 2 == 2 ? WALK_FETCH
                                                                      : 0);
        for (unsigned at = 0; at < 2; at++) {
            uint64_t flags = 0;
            for (unsigned bit = 0; bit < 4; bit++) {
                has[bit][at] = c / 6 >> (4 * at + bit) & 1;
                flags |= has[bit][at] ? bits[bit] : 0;
            }
            *entry_for(levels[at], PLACE) = (at ? TABLES + 1 : DEVICE_FRAME) << 12 | flags;
        }
        machine_flush_all();
        bool present = has[0][0] && has[0][1];
        bool allowed = present && (!(access & WALK_WRITE) || (has[1][0] && has[1][1])) &&
                       (!(access & WALK_USER) || (has[2][0] && has[2][1])) &&
                       (!(access & WALK_FETCH) || !(has[3][0] || has[3][1]));
        if (allowed)
            assert_allowed(PLACE, access);
        else
            assert_refused(PLACE, access, access | (present ? WALK_PRESENT : 0));
    }
}

static void reserved_bits(void **state)
{
    (void)state;
    by_hand();
    for (unsigned level = 1; level <= rig.model.levels; level++)
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t *entry = entry_for(level, PLACE), whole = *entry;
            bool reserved = bit >= 46 && bit <= 51;
            reserved |= bit == 7 && level >= 4;
            *entry = whole ^ 1ull << bit;
            struct walk walk = walker_walk(machine_walker(), NULL, PLACE, WALK_READ, false);
            *entry = whole;
            if (bit != 0 && (bit < 12 || bit > 45) && !(bit == 7 && (level == 2 || level == 3)))
                assert_int_equal(walk.faulted && (walk.error & WALK_RESERVED), reserved);
        }
    for (unsigned level = 2; level <= 3; level++)
        for (unsigned bit = 12; bit < 12 + 9 * level; bit++) {
            uint64_t *entry = entry_for(level, PLACE), whole = *entry;
            *entry = 1ull << bit | P | PS;
            struct walk walk = walker_walk(machine_walker(), NULL, PLACE, WALK_READ, false);
            *entry = whole;
            bool reserved = bit > 12 && bit < 12 + 9 * (level - 1); /* 12 is PAT */
            assert_int_equal(walk.faulted, reserved);
        }
}

static void stale_until_flushed(void **state)
{
    (void)state;
    by_hand();
    assert_reads(PLACE, DEVICE_FRAME);
    *entry_for(1, PLACE) = (DEVICE_FRAME + 1) << 12 | P;
    assert_reads(PLACE, DEVICE_FRAME);
    assert_allowed(PLACE, WALK_FETCH);
    machine_flush_page(PLACE + 4 * KIB);
    assert_reads(PLACE, DEVICE_FRAME);
    machine_flush_page(PLACE + 0xfff);
    assert_reads(PLACE, DEVICE_FRAME + 1);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_reads(PLACE, DEVICE_FRAME + 1); /* the fault had dropped it */
    *entry_for(1, PLACE) = 0;
    assert_reads(PLACE, DEVICE_FRAME + 1);
    machine_load_cr3(machine_walker()->root);
    assert_refused(PLACE, WALK_READ, 0);
}

/* A page that was not present is in no TLB: it can be used at once. */
static void absence_is_not_cached(void **state)
{
    (void)state;
    by_hand();
    assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
    *entry_for(1, PLACE + 4 * KIB) = (DEVICE_FRAME + 1) << 12 | P;
    assert_reads(PLACE + 4 * KIB, DEVICE_FRAME + 1);
}

static void large_page_is_flushed_whole(void **state)
{
    (void)state;
    by_hand();
    *entry_for(2, PLACE) = FRAME_2M << 12 | P | W | PS;
    machine_flush_all();
    for (uint64_t offset = 0; offset < 2 * MIB; offset += 64 * KIB)
        assert_allowed(PLACE + offset, WALK_READ);
    *entry_for(2, PLACE) = 0;
    assert_allowed(PLACE + 64 * KIB, WALK_READ);
    machine_flush_page(PLACE + MIB);
    for (uint64_t offset = 0; offset < 2 * MIB; offset += 64 * KIB)
        assert_refused(PLACE + offset, WALK_READ, 0);
}

/* The P2's entry is remembered for other pages too, until any page is flushed. */
static void paths_are_cached(void **state)
{
    (void)state;
    by_hand();
    *entry_for(1, PLACE + 4 * KIB) = (DEVICE_FRAME + 1) << 12 | P;
    assert_allowed(PLACE, WALK_READ);
    *entry_for(2, PLACE) = 0;
    assert_reads(PLACE + 4 * KIB, DEVICE_FRAME + 1);
    machine_flush_page(PLACE + GIB);
    machine_flush_page(PLACE + 4 * KIB);
    assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
    assert_allowed(PLACE, WALK_READ);
}

/* With EFER.TCE only the flush of a page below the entry forgets it. Without, that of any page does. */
static void other_ways_are_kept(void **state)
{
    (void)state;
    static const uint64_t elsewhere[] = {GIB, 2 * MIB};
    struct machine_setup setup = rig_setup();
    for (unsigned i = 0; i < 4; i++) {
        setup.by_direct_map = i < 2;
        by_hand_on(setup);
        *entry_for(1, PLACE + 4 * KIB) = (DEVICE_FRAME + 1) << 12 | P;
        assert_allowed(PLACE, WALK_READ);
        *entry_for(2, PLACE) = 0;
        machine_flush_page(PLACE + elsewhere[i % 2]);
        if (setup.by_direct_map)
            assert_reads(PLACE + 4 * KIB, DEVICE_FRAME + 1);
        else
            assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
        assert_int_equal(walk_cache_leads_to(&machine.cache, &machine.walker, TABLES + 1), i < 2);
        machine_flush_page(PLACE + 8 * KIB);
        assert_false(walk_cache_leads_to(&machine.cache, &machine.walker, TABLES + 1));
        machine_flush_page(PLACE + 4 * KIB);
        assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
        machine_close();
    }
}

static void audit_finds_stale(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= rig_levels; level++) {
        by_hand();
        uint64_t *entry = entry_for(level, PLACE), whole = *entry;
        static const uint64_t changes[] = {P, W, U, NX_BIT, 0x1000};
        for (unsigned i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
            machine_flush_all();
            assert_allowed(PLACE, WALK_READ);
            assert_false(machine_is_stale());
            *entry = whole ^ changes[i];
            assert_true(machine_is_stale());
            *entry = whole;
            assert_false(machine_is_stale());
        }
    }
}

static void not_canonical(void **state)
{
    (void)state;
    by_hand();
    uint64_t gap = 1ull << (11 + 9 * rig.model.levels);
    assert_refused(gap, WALK_READ, WALK_NOT_CANONICAL);
    assert_refused(0 - gap - 8, WALK_READ, WALK_NOT_CANONICAL);
}

#ifdef MACHINE_MMAP
/* The ring of host pages is finite; the translation survives its host page. */
static void host_pages_come_and_go(void **state)
{
    (void)state;
    by_hand();
    assert_reads(PLACE, DEVICE_FRAME);
    *entry_for(3, PLACE + GIB) = FRAME_1G << 12 | P | W | PS;
    for (uint64_t offset = 0; offset < 100 * MIB; offset += 4 * KIB)
        assert_allowed(PLACE + GIB + offset, WALK_WRITE);
    *entry_for(1, PLACE) = 0;
    *entry_for(3, PLACE + GIB) = 0;
    assert_reads(PLACE, DEVICE_FRAME);
    assert_allowed(PLACE + GIB, WALK_READ);
    machine_flush_page(PLACE + 2 * GIB - 1);
    for (uint64_t offset = 0; offset < 100 * MIB; offset += MIB)
        assert_refused(PLACE + GIB + offset, WALK_READ, 0);
}
#endif

static void junk_is_hostile(void **state)
{
    (void)state;
    by_hand();
    paging_frame_t frame;
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    uint64_t junk = machine_frame(frame.number)[PAGING_TABLE_ENTRIES - 1];
    memcheck_trust(&junk, sizeof(junk));
    assert_int_equal(junk, machine_junk(frame.number));
    assert_int_equal(junk & P, P);
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
    paging_frame_t again;
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &again));
    assert_int_equal(again.number, frame.number);
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_2M, &frame));
    assert_int_equal(frame.number % 512, 0);
    machine_limit_frames(0);
    assert_false(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    assert_int_equal(machine_frames_out(), 1 + 512);
}

static void reserve_says_how_many(void **state)
{
    (void)state;
    by_hand();
    paging_frame_t frame;
    struct paging_frame_source *frames = machine_frames();
    assert_true(frames->reserve(frames, &machine_nobody, MACHINE_FRAMES - 5, 5));
    frames->unreserve(frames, &machine_nobody);
    assert_false(frames->reserve(frames, &machine_nobody, MACHINE_FRAMES - 5, 6));
    assert_false(frames->reserve(frames, &machine_nobody, UINT64_MAX, 1));
    assert_false(frames->reserve(frames, &machine_nobody, 1, UINT64_MAX));
    for (unsigned left = 0; left < 3; left++) {
        machine_limit_frames(left);
        assert_false(frames->reserve(frames, &machine_nobody, 0, left + 1));
        assert_false(frames->reserve(frames, &machine_nobody, left + 1, 0));
        assert_true(frames->reserve(frames, &machine_nobody, 0, left));
        for (unsigned i = 0; i < left; i++)
            assert_true(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
        frames->unreserve(frames, &machine_nobody);
        assert_false(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    }
    assert_int_equal(machine_frames_out(), 3);
}

/* Everything goes, and it is counted by itself. */
static void full_flush(void **state)
{
    (void)state;
    by_hand();
    assert_reads(PLACE, DEVICE_FRAME);
    *entry_for(1, PLACE) = 0;
    machine_reset_log();
    machine_flush_full(false);
    assert_int_equal(machine_full_flushes(), 1);
    assert_int_equal(machine_flushes(), 0);
    assert_refused(PLACE, WALK_READ, 0);
    assert_false(machine_is_stale());
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("processor: marks accessed and dirty", marks_accessed_and_dirty),
    RIG_TEST("processor: P, W, U, NX_BIT at two levels against every access", access_matrix),
    RIG_TEST("processor: reserved bits of every level", reserved_bits),
    RIG_TEST("processor: a translation stays until it is flushed", stale_until_flushed),
    RIG_TEST("processor: what is not present is not cached", absence_is_not_cached),
    RIG_TEST("processor: a large page is flushed whole", large_page_is_flushed_whole),
    RIG_TEST("processor: upper entries are cached until any flush", paths_are_cached),
    RIG_TEST("processor: with EFER.TCE, until a page below is flushed", other_ways_are_kept),
    RIG_TEST("processor: the audit finds what is stale, at every level", audit_finds_stale),
    RIG_TEST("processor: not canonical", not_canonical),
#ifdef MACHINE_MMAP
    RIG_TEST("host: pages beyond the ring come back as they were cached", host_pages_come_and_go),
#endif
    RIG_TEST("processor: a full flush", full_flush),
    RIG_TEST("frames: reserve says how many there are", reserve_says_how_many),
    RIG_TEST("frames: junk inside, last out first in, countable", junk_is_hostile),
};

RIG_MAIN("machine", tests)
