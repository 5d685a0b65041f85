/* SPDX-License-Identifier: MIT */
/* Tests what merge_range leaves as it is, because one page of 512 does not fit, and what it refuses. */
#include "rig/rig_merge.h"

/* Nothing can be merged in the 2 MiB at PLACE. */
static void stays_small(void)
{
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {1, 1});
}

static void page_missing(void **state)
{
    rig_open();
    static const unsigned missing[] = {0, 1, 255, 511};
    for (unsigned i = 0; i < 4; i++) {
        map_small(PLACE, DEVICE_2M, RW);
        assert_status(rig_unmap(PLACE + missing[i] * 4 * KIB), PAGING_OK);
        merge(PLACE, 2 * MIB);
        assert_status(rig_map_to(PLACE + missing[i] * 4 * KIB, FRAME_2M + missing[i], RW), PAGING_OK);
        merge(PLACE, 2 * MIB);
        ASSERT_RUNS(PLACE, {2, 1});
        assert_status(rig_unmap(PLACE), PAGING_OK);
    }
}

/* In the upper half, because GLOBAL is among the flags. */
static void flag_different(void **state)
{
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    static const unsigned places[] = {0, 300, 511};
    map_small(upper, DEVICE_2M, RW);
    unsigned tried = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = (uint64_t)1 << bit;
        if ((flag & PAGING_LEAF_FLAGS & ~TOUCHED & ~PAGING_PRESENT) == 0)
            continue;
        uint64_t set = flag & ~RW, clear = flag & RW;
        for (unsigned i = 0; i < 3; i++) {
            uint64_t page = upper + places[i] * 4 * KIB;
            assert_status(rig_protect_range(page, 4 * KIB, set, clear), PAGING_OK);
            merge(upper, 2 * MIB);
            ASSERT_RUNS(upper, {1, 512});
            assert_status(rig_protect_range(page, 4 * KIB, clear, set), PAGING_OK);
        }
        tried++;
    }
    assert_int_equal(tried, 9 + 5); /* PAT, and the bits of a key */
    assert_status(rig_protect_range(upper, 2 * MIB, PAGING_GLOBAL, 0), PAGING_OK);
    merge(upper, 2 * MIB);
    ASSERT_RUNS(upper, {2, 1}, {0, 1});
}

static void frame_out_of_order(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    static const uint64_t pages[] = {0, 7, 511};
    static const uint64_t frames[] = {DEVICE_FRAME, FRAME_2M + 8, FRAME_2M + 512 + 511};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = PLACE + pages[i] * 4 * KIB;
        assert_status(rig_unmap(address), PAGING_OK);
        assert_status(rig_map_to(address, frames[i], RW), PAGING_OK);
        stays_small();
        assert_status(rig_unmap(address), PAGING_OK);
        assert_status(rig_map_to(address, FRAME_2M + pages[i], RW), PAGING_OK);
    }
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1});
}

static void misaligned_frame(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M + 4 * KIB, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 4 * MIB + MIB, RW);
    merge(PLACE, 4 * MIB);
    ASSERT_RUNS(PLACE, {1, 1024});
    map_2m_pages(PLACE + GIB, DEVICE_1G + 2 * MIB);
    merge(PLACE + GIB, GIB);
    ASSERT_RUNS(PLACE + GIB, {2, 512});
}

static void stays_large(void)
{
    machine_snapshot();
    assert_status(paging_merge_range(&rig.space, (paging_virt_t){PLACE}, GIB, machine_frames()), PAGING_OK);
    assert_true(machine_unchanged());
}

/* Bit 12 of a huge leaf is PAT, and no part of its frame. */
static void pat_of_a_huge_page(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    static const unsigned places[] = {0, 100, 511};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = PLACE + places[i] * 2 * MIB, entry = *entry_at(address, 2);
        entry_write(address, 2, entry | 1u << 12);
        stays_large();
        entry_write(address, 2, entry);
    }
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
}

/* 512 tables whose frames are as far apart as 2 MiB pages: their entries differ from leaves in bit 7 only. */
static void tables_like_pages(void **state)
{
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        *entry_at(PLACE + i * 2 * MIB, 2) ^= PAGING_HUGE;
    stays_large();
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        *entry_at(PLACE + i * 2 * MIB, 2) ^= PAGING_HUGE;
    rig_check();
}

static void marker_among_them(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    static const unsigned places[] = {0, 100, 511};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = PLACE + places[i] * 4 * KIB;
        assert_status(rig_unmap(address), PAGING_OK);
        /* It differs from the leaf that would fit in PRESENT only. */
        rig_plant_marker(address, 1, (FRAME_2M + places[i]) << 12 | RW);
        merge(PLACE, 2 * MIB);
        uint64_t value;
        assert_status(paging_clear_marker(&rig.space, rig_page(address), machine_frames(), &value),
                      PAGING_OK);
        model_remove(&rig.model, rig_page(address).number);
        assert_status(rig_map_to(address, FRAME_2M + places[i], RW), PAGING_OK);
    }
}

static void no_1g_pages(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.pages_1g = false;
    rig_open_on(setup);
    map_2m_pages(PLACE, DEVICE_1G);
    assert_status(rig_split(PLACE), PAGING_OK);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {2, 512}, {0, 1});
}

static void table_in_part(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 2 * MIB, RW);
    merge(PLACE, 2 * MIB - 4 * KIB);
    merge(PLACE + 4 * KIB, 2 * MIB - 4 * KIB);
    merge(PLACE + 4 * KIB, 4 * MIB - 8 * KIB);
    ASSERT_RUNS(PLACE, {1, 1024});
    merge(PLACE + 4 * KIB, 4 * MIB - 4 * KIB);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1});
    merge(PLACE - MIB, 4 * MIB);
    ASSERT_RUNS(PLACE, {2, 2}, {0, 1});
}

static void nothing_there(void **state)
{
    rig_open();
    merge(PLACE, 2 * SLOT_BYTES);
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map(PLACE + SLOT_BYTES, RW), PAGING_OK);
    merge(PLACE, 2 * SLOT_BYTES);
}

static void refusals(void **state)
{
    rig_open();
    uint64_t half = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    uint64_t slot = paging_level_bytes(rig.model.levels);
    uint64_t window = rig_address(paging_level_pages(rig.model.levels) * PAGING_RECURSIVE_SLOT);
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_merge(PLACE, 0), PAGING_EMPTY_RANGE);
    assert_status(rig_merge(PLACE + 8, 2 * MIB), PAGING_MISALIGNED);
    assert_status(rig_merge(PLACE, 2 * MIB + 8), PAGING_MISALIGNED);
    assert_status(rig_merge(half, 4 * KIB), PAGING_NOT_CANONICAL);
    assert_status(rig_merge(half - 4 * KIB, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_merge(0 - (uint64_t)4 * KIB, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_merge(PLACE, half), PAGING_RANGE_TOO_LONG);
    enum paging_status expected = rig_has_windows() ? PAGING_RESERVED_SLOT : PAGING_OK;
    assert_status(rig_merge(window, 4 * KIB), expected);
    assert_status(rig_merge(window - 4 * KIB, 8 * KIB), expected);
    assert_status(rig_merge(window + slot - 4 * KIB, 4 * KIB), expected);
    merge(PLACE, 2 * MIB);
}

/* An entry has a reserved bit set: nothing is merged, not even before that place. */
static void malformed(void **state)
{
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 2 * MIB, RW);
    static const uint64_t bad[] = {(uint64_t)1 << 51, (uint64_t)1 << 46};
    for (unsigned level = 2; level <= rig.model.levels; level++)
        for (unsigned i = 0; i < 2; i++) {
            uint64_t entry = *entry_at(PLACE + 2 * MIB, level);
            entry_write(PLACE + 2 * MIB, level, entry | bad[i]);
            machine_snapshot();
            rig_look_before(1u << PAGING_MALFORMED);
            enum paging_status status =
                paging_merge_range(&rig.space, (paging_virt_t){PLACE}, 4 * MIB, machine_frames());
            rig_judge_one_space(status);
            entry_write(PLACE + 2 * MIB, level, entry);
        }
    merge(PLACE, 4 * MIB);
    ASSERT_RUNS(PLACE, {2, 2}, {0, 1});
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("merge: not if a page is missing", page_missing),
    RIG_TEST("merge: not if one flag of one page is different", flag_different),
    RIG_TEST("merge: not if a frame is out of order", frame_out_of_order),
    RIG_TEST("merge: not if the first frame is misaligned", misaligned_frame),
    RIG_TEST("merge: not if one huge page has the PAT bit", pat_of_a_huge_page),
    RIG_TEST("merge: not if there are tables at the distances of pages", tables_like_pages),
    RIG_TEST("merge: not over a marker", marker_among_them),
    RIG_TEST("merge: no 1G pages on a processor without them", no_1g_pages),
    RIG_TEST("merge: a table that is only in part in the range stays", table_in_part),
    RIG_TEST("merge: nothing to merge: no store, no flush", nothing_there),
    RIG_TEST("merge: what is not a range of pages is refused", refusals),
    RIG_TEST("merge: malformed tables are refused, and nothing has changed", malformed),
};

RIG_MAIN("merge rejected", tests)
