/* SPDX-License-Identifier: MIT */
/* Tests unmap_range: what stays, what goes back, and that no translation leads to what was mapped. */
#include "rig/runs.h"

static void map(uint64_t start, uint64_t to, uint64_t bytes)
{
    assert_status(rig_map_range(start, to, bytes, RW), PAGING_OK);
    machine_fill_tlb();
}

static void unmap(uint64_t start, uint64_t bytes)
{
    machine_fill_tlb();
    assert_status(rig_unmap_range(start, bytes), PAGING_OK);
}

static void next_access_faults(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 16; i++)
        machine_fill(DEVICE_FRAME + i);
    map(PLACE, DEVICE, 64 * KIB);
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_FETCH};
    for (unsigned i = 0; i < 3; i++)
        assert_allowed(PLACE + 16 * KIB, accesses[i]);
    assert_reads(PLACE, DEVICE_FRAME);
    unmap(PLACE + 16 * KIB, 32 * KIB);
    ASSERT_RUNS(PLACE, {1, 4}, {0, 8}, {1, 4}, {0, 1});
    for (unsigned i = 0; i < 3; i++) {
        assert_refused(PLACE + 16 * KIB, accesses[i], accesses[i]);
        assert_refused(PLACE + 48 * KIB - 8, accesses[i], accesses[i]);
        assert_allowed(PLACE + 12 * KIB, accesses[i]);
        assert_allowed(PLACE + 48 * KIB, accesses[i]);
    }
    assert_reads(PLACE, DEVICE_FRAME);
    rig_check();
}

static void ends_in_2m_pages(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 8 * MIB);
    unsigned out = machine_frames_out();
    unmap(PLACE + 2 * MIB - 4 * KIB, 4 * MIB + 8 * KIB);
    ASSERT_RUNS(PLACE, {1, 511}, {0, 1 + 1024 + 1}, {1, 511}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 2);
    machine_fill(FRAME_1G + 510);
    machine_fill(FRAME_1G + 3 * 512 + 1);
    assert_reads(PLACE + 2 * MIB - 4 * KIB - 8, FRAME_1G + 510);
    assert_reads(PLACE + 6 * MIB + 4 * KIB, FRAME_1G + 3 * 512 + 1);
    assert_refused(PLACE + 2 * MIB - 4 * KIB, WALK_READ, 0);
    assert_refused(PLACE + 6 * MIB, WALK_READ, 0);
    rig_check();
}

static void ends_in_1g_pages(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * GIB);
    ASSERT_RUNS(PLACE, {3, 2}, {0, 1});
    unsigned out = machine_frames_out();
    unmap(PLACE + GIB - 2 * MIB - 4 * KIB, 4 * MIB + 8 * KIB);
    ASSERT_RUNS(PLACE, {2, 510}, {1, 511}, {0, 1 + 1024 + 1}, {1, 511}, {2, 510}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 4);
    machine_fill(FRAME_1G);
    assert_reads(PLACE, FRAME_1G);
    rig_open();
    map(PLACE, DEVICE_1G, 2 * GIB);
    unmap(PLACE + GIB - 2 * MIB, 4 * MIB);
    ASSERT_RUNS(PLACE, {2, 511}, {0, 1024}, {2, 511}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 2);
}

/* Both ends in one huge page: in the same part of it, in two, or at its own end. */
static void ends_in_the_same_page(void **state)
{
    static const struct {
        uint64_t start, bytes;
        unsigned tables;
    } holes[] = {
        {4 * MIB + 4 * KIB, 4 * KIB, 2},
        {4 * MIB + 4 * KIB, 8 * MIB, 3},
        {4 * MIB, 2 * MIB, 1},
        {0, 4 * KIB, 2},
        {GIB - 4 * KIB, 4 * KIB, 2},
        {4 * KIB, GIB - 8 * KIB, 3},
        {4 * KIB, GIB - 4 * KIB, 2},
        {0, GIB - 4 * KIB, 2},
        {4 * MIB, 2 * MIB - 4 * KIB, 2},
        {4 * MIB + 4 * KIB, 2 * MIB - 4 * KIB, 2},
        {2 * MIB - 4 * KIB, 2 * MIB + 4 * KIB, 2},
        {2 * MIB, 2 * MIB + 4 * KIB, 2},
        {2 * MIB - 4 * KIB, 8 * KIB, 3},
    };
    for (unsigned i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
        rig_open();
        map(PLACE, DEVICE_1G, GIB);
        unsigned out = machine_frames_out();
        for (unsigned left = 0; left < holes[i].tables; left++) {
            machine_limit_frames(left);
            assert_status(rig_unmap_range(PLACE + holes[i].start, holes[i].bytes), PAGING_NO_FRAMES);
        }
        machine_limit_frames(holes[i].tables);
        unmap(PLACE + holes[i].start, holes[i].bytes);
        assert_int_equal(machine_frames_out() - out, holes[i].tables);
        assert_refused(PLACE + holes[i].start, WALK_READ, 0);
        assert_refused(PLACE + holes[i].start + holes[i].bytes - 8, WALK_READ, 0);
        if (holes[i].start > 0)
            assert_allowed(PLACE + holes[i].start - 8, WALK_WRITE);
        if (holes[i].start + holes[i].bytes < GIB)
            assert_allowed(PLACE + holes[i].start + holes[i].bytes, WALK_WRITE);
        rig_check();
        unmap(PLACE, GIB);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB);
    unmap(PLACE + 4 * KIB, 2 * MIB - 8 * KIB);
    ASSERT_RUNS(PLACE, {1, 1}, {0, 510}, {1, 1}, {0, 1});
}

/* Tables are unlinked at the highest level that becomes empty. Neighbours in the same table stay. */
static void empty_tables_go_back(void **state)
{
    static const uint64_t neighbours[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    static const uint64_t pages[] = {0, 4 * KIB, 2 * MIB - 4 * KIB, 8 * MIB, 9 * MIB, 3 * GIB, 5 * GIB};
    for (unsigned i = 0; i < 4; i++) {
        rig_open();
        assert_status(rig_map_to(PLACE + neighbours[i], DEVICE_FRAME, RW), PAGING_OK);
        unsigned out = machine_frames_out();
        for (unsigned j = 0; j < 7 && pages[j] < neighbours[i]; j++)
            assert_status(rig_map(PLACE + pages[j], RW), PAGING_OK);
        if (i > 1)
            map(PLACE + 16 * MIB, DEVICE_1G, 4 * MIB);
        if (i > 2)
            map(PLACE + 7 * GIB, DEVICE_1G, GIB + 4 * KIB);
        unmap(PLACE, neighbours[i]);
        assert_int_equal(machine_frames_out(), out);
        assert_allowed(PLACE + neighbours[i], WALK_WRITE);
        rig_check();
        unmap(PLACE, 2 * neighbours[i]);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

static void owned_and_others(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 12; i++) {
        uint64_t address = PLACE + 2 * MIB - 24 * KIB + i * 4 * KIB;
        if (i % 3 == 0)
            assert_status(rig_map(address, RW), PAGING_OK);
        else if (i % 3 == 1)
            assert_status(rig_map_to(address, DEVICE_FRAME + i, RW), PAGING_OK);
    }
    unsigned out = machine_frames_out();
    unmap(PLACE + 2 * MIB - 12 * KIB, 24 * KIB);
    ASSERT_RUNS(PLACE + 2 * MIB - 24 * KIB, {1, 2}, {0, 7}, {1, 2}, {0, 1});
    assert_int_equal(out - machine_frames_out(), 2);
    unmap(PLACE, 4 * MIB);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void holes_are_passed_over(void **state)
{
    rig_open();
    static const uint64_t places[] = {0, 12 * KIB, 6 * MIB, 5 * GIB + 4 * KIB, SLOT_BYTES + 8 * KIB};
    for (unsigned i = 0; i < 5; i++)
        assert_status(rig_map(PLACE + places[i], RW), PAGING_OK);
    map(PLACE + 3 * GIB, DEVICE_1G, GIB);
    unmap(PLACE + 4 * KIB, 2 * SLOT_BYTES - 8 * KIB);
    ASSERT_RUNS(PLACE, {1, 1}, {0, 511});
    assert_int_equal(rig.model.count, 1);
    assert_int_equal(machine_frames_out() - rig.base_frames, rig.model.levels);
}

/* The rig judges that no byte is written and nothing is flushed, whenever nothing is to change. */
static void nothing_to_unmap(void **state)
{
    rig_open();
    unmap(PLACE, 4 * KIB);
    unmap(PLACE, SLOT_BYTES);
    assert_status(rig_map(PLACE + 4 * KIB, RW), PAGING_OK);
    map(PLACE + GIB, DEVICE_1G, GIB);
    unmap(PLACE, 4 * KIB);
    unmap(PLACE + 8 * KIB, GIB - 8 * KIB);
    unmap(PLACE + 2 * GIB, SLOT_BYTES);
    assert_int_equal(rig.model.count, 2);
}

/* Markers in the range go. One in a table above the P1s stays on the pages around it. */
static void markers_go(void **state)
{
    static const uint64_t cuts[][2] = {
        {3 * MIB, MIB},       {0, 2 * MIB + 4 * KIB}, {GIB, 4 * KIB},           {0, 2 * GIB - 2 * MIB},
        {GIB + 4 * KIB, GIB}, {0, 4 * MIB - 4 * KIB}, {GIB + 4 * KIB, 2 * MIB}, {4 * MIB - 4 * KIB, 4 * KIB}};
    for (unsigned i = 0; i < 8; i++) {
        rig_open();
        assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
        rig_plant_marker(PLACE + 4 * KIB, 1, 0xfffffffffffffffe);
        rig_plant_marker(PLACE + 12 * KIB, 1, 0xbeef0);
        rig_plant_marker(PLACE + 16 * KIB, 1, 0x900ffff800001234); /* a detached entry, but for a bit */
        rig_plant_marker(PLACE + 2 * MIB, 2, 0x10000000000080);
        rig_plant_marker(PLACE + GIB, 3, 0x8000000000000000);
        unmap(PLACE + cuts[i][0], cuts[i][1]);
        unmap(PLACE + 20 * KIB, 2 * MIB - 24 * KIB); /* ends a page before a marker */
        unmap(PLACE + 8 * KIB, 2 * GIB - 8 * KIB);
        assert_true(rig.model.count <= 2);
        unmap(PLACE, 4 * KIB);
        unmap(PLACE + 4 * KIB, 4 * KIB);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        machine_close();
    }
}

static void everything_at_once(void **state)
{
    rig_open();
    uint64_t slot = paging_level_bytes(rig.model.levels), half = slot * (PAGING_TABLE_ENTRIES / 2);
    map(PLACE + 4 * KIB, DEVICE + 4 * KIB, 4 * MIB);
    map(PLACE + GIB - 2 * MIB, DEVICE_1G - 2 * MIB, GIB + 4 * MIB);
    map(4 * KIB, DEVICE, 4 * KIB);
    map(0 - half, DEVICE_1G, 2 * MIB);
    for (unsigned i = 0; i < 20; i++)
        assert_status(rig_map(PLACE + 3 * GIB + i * 20 * MIB, RW), PAGING_OK);
    bool low = PAGING_RECURSIVE_SLOT < PAGING_TABLE_ENTRIES / 2;
    unmap(0, low ? PAGING_RECURSIVE_SLOT * slot : half);
    unmap(0 - half, low ? half : half - 3 * slot);
    assert_int_equal(rig.model.count, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void out_of_frames(void **state)
{
    rig_open();
    map(PLACE, DEVICE_1G, 2 * GIB);
    for (unsigned left = 0; left <= 4; left++) {
        machine_limit_frames(left);
        machine_fill_tlb();
        assert_status(rig_unmap_range(PLACE + GIB - 4 * KIB, 8 * KIB),
                      left < 4 ? PAGING_NO_FRAMES : PAGING_OK);
    }
    machine_limit_frames(0);
    unmap(PLACE + GIB - 2 * MIB, 4 * MIB);
    assert_status(rig_unmap_range(PLACE + 4 * KIB, GIB), PAGING_NO_FRAMES);
    unmap(PLACE, 2 * GIB);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* A bug of another project, with single pages: a freed table was used again while its window was cached. */
static void freed_frames_do_not_show(void **state)
{
    static const uint64_t steps[] = {4 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 3; i++) {
        rig_open();
        uint64_t other = PLACE + 64 * GIB;
        for (unsigned page = 0; page < 6; page++)
            assert_status(rig_map(PLACE + page * steps[i], RW), PAGING_OK);
        unmap(PLACE, 6 * steps[i]);
        for (unsigned page = 0; page < 6; page++) {
            assert_status(rig_map(other + page * steps[i], RW), PAGING_OK);
            struct walk walk = walker_walk(machine_walker(), NULL, other + page * steps[i], WALK_READ, false);
            assert_reads(other + page * steps[i], walk.frame);
            assert_refused(PLACE + page * steps[i], WALK_READ, 0);
            for (unsigned level = 1; level < rig.model.levels; level++)
                if (!model_has_table(&rig.model, level, rig_page(PLACE + page * steps[i]).number))
                    assert_refused(rig_window(level, PLACE + page * steps[i]), WALK_READ, 0);
        }
        rig_check();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("unmap_range: the next access faults, neighbours stay", next_access_faults),
    RIG_TEST("unmap_range: ends inside 2 MiB pages", ends_in_2m_pages),
    RIG_TEST("unmap_range: ends inside 1 GiB pages", ends_in_1g_pages),
    RIG_TEST("unmap_range: both ends inside the same huge page", ends_in_the_same_page),
    RIG_TEST("unmap_range: empty tables go back at the highest level", empty_tables_go_back),
    RIG_TEST("unmap_range: owned frames go back, others do not", owned_and_others),
    RIG_TEST("unmap_range: holes of every size are passed over", holes_are_passed_over),
    RIG_TEST("unmap_range: nothing there, nothing written or flushed", nothing_to_unmap),
    RIG_TEST("unmap_range: markers go too", markers_go),
    RIG_TEST("unmap_range: everything in the space", everything_at_once),
    RIG_TEST("unmap_range: out of frames at every number, no change", out_of_frames),
    RIG_TEST("unmap_range: freed frames do not appear through cached windows", freed_frames_do_not_show),
};

RIG_MAIN("unmap_range", tests)
