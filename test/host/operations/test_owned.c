/* SPDX-License-Identifier: MIT */
/* Tests owned huge pages: their frames go back with the size they have by then, whole or in parts. */
#include "rig/rig_merge.h"

static void alloc(uint64_t start, uint64_t bytes)
{
    assert_status(rig_map_range_alloc(start, bytes, RW), PAGING_OK);
    machine_fill_tlb();
}

static void unmap(uint64_t start, uint64_t bytes)
{
    machine_fill_tlb();
    assert_status(rig_unmap_range(start, bytes), PAGING_OK);
}

static void nothing_is_left(void)
{
    assert_int_equal(rig.model.count, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    assert_int_equal(machine_runs_left(PAGING_2M), 8);
    assert_int_equal(machine_runs_left(PAGING_1G), 3);
}

static void unmapped_whole(void **state)
{
    rig_open_large();
    static const enum paging_size sizes[] = {PAGING_2M, PAGING_1G};
    for (unsigned i = 0; i < 2; i++) {
        alloc(PLACE, paging_level_bytes(sizes[i]));
        uint64_t frame = frame_at(PLACE);
        assert_int_equal(machine_run_at(frame), sizes[i]);
        assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_INSIDE_HUGE);
        machine_fill_tlb();
        assert_status(rig_unmap(PLACE), PAGING_OK);
        assert_true(rig.unmapped.released && rig.unmapped.size == sizes[i] &&
                    rig.unmapped.frame.number == frame);
        assert_int_equal(machine_run_at(frame), 0);
        nothing_is_left();
        alloc(PLACE, paging_level_bytes(sizes[i]));
        unmap(PLACE, paging_level_bytes(sizes[i]));
        nothing_is_left();
    }
}

/* When it is split, a 2 MiB run goes back page by page, and is whole again with the last one. */
static void frames_one_by_one(void **state)
{
    rig_open_large();
    alloc(PLACE, 2 * MIB);
    assert_status(rig_split(PLACE), PAGING_OK);
    uint64_t first = frame_at(PLACE);
    unmap(PLACE + 16 * PAGING_PAGE_BYTES, 470 * PAGING_PAGE_BYTES);
    for (unsigned i = 0; i < 512; i++) {
        unsigned page = i * 5 % 512, out = machine_frames_out();
        if (page >= 16 && page < 486)
            continue;
        assert_int_equal(machine_runs_left(PAGING_2M), 7);
        assert_status(rig_unmap(PLACE + page * PAGING_PAGE_BYTES), PAGING_OK);
        assert_true(rig.unmapped.released && rig.unmapped.size == PAGING_4K &&
                    rig.unmapped.frame.number == first + page);
        assert_int_equal(out - machine_frames_out(), rig.model.count > 0 ? 1 : rig.model.levels);
    }
    nothing_is_left();
}

/* A part at the start, in the middle or at the end of a page goes. The parts around it stay owned. */
static void unmapped_in_part(void **state)
{
    static const struct {
        uint64_t bytes, start, length;
        unsigned tables;
    } parts[] = {
        {2 * MIB, 0, 4 * KIB, 1},
        {2 * MIB, 2 * MIB - 4 * KIB, 4 * KIB, 1},
        {2 * MIB, 8 * KIB, MIB, 1},
        {4 * MIB, 2 * MIB - 4 * KIB, 8 * KIB, 2},
        {6 * MIB, 4 * KIB, 6 * MIB - 8 * KIB, 2},
        {GIB, 0, 4 * KIB, 2},
        {GIB, 2 * MIB, 2 * MIB, 1},
        {GIB, GIB / 2 + 4 * KIB, 4 * MIB, 3},
        {2 * GIB, GIB - 2 * MIB - 4 * KIB, 4 * MIB + 8 * KIB, 4},
    };
    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        rig_open_large();
        alloc(PLACE, parts[i].bytes);
        uint64_t end = parts[i].start + parts[i].length;
        unsigned out = machine_frames_out();
        for (unsigned left = 0; left < parts[i].tables; left++) {
            machine_limit_frames(left);
            assert_status(rig_unmap_range(PLACE + parts[i].start, parts[i].length), PAGING_NO_FRAMES);
        }
        machine_unlimit_frames();
        unmap(PLACE + parts[i].start, parts[i].length);
        assert_refused(PLACE + parts[i].start, WALK_READ, 0);
        assert_refused(PLACE + end - 8, WALK_WRITE, WALK_WRITE);
        assert_int_equal(out - machine_frames_out() + parts[i].tables, parts[i].length / PAGING_PAGE_BYTES);
        if (parts[i].start > 0)
            assert_allowed(PLACE + parts[i].start - 8, WALK_WRITE);
        if (end < parts[i].bytes)
            assert_allowed(PLACE + end, WALK_WRITE);
        unmap(PLACE, parts[i].bytes);
        nothing_is_left();
    }
}

static void protected_in_part(void **state)
{
    static const uint64_t pages[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        rig_open_large();
        alloc(PLACE, pages[i]);
        uint64_t first = frame_at(PLACE), part = PLACE + pages[i] / 2 + 4 * KIB;
        machine_limit_frames(i);
        assert_status(rig_protect_range(part, 8 * KIB, 0, RW), PAGING_NO_FRAMES);
        machine_unlimit_frames();
        assert_status(rig_protect_range(part, 8 * KIB, 0, RW), PAGING_OK);
        assert_refused(part, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_allowed(part + 8 * KIB, WALK_WRITE);
        assert_int_equal(frame_at(part), first + (part - PLACE) / PAGING_PAGE_BYTES);
        merge(PLACE, pages[i]); /* nothing is merged */
        assert_int_equal(machine_run_at(frame_at(part)), PAGING_4K);
        assert_status(rig_protect_range(part, 8 * KIB, RW, 0), PAGING_OK);
        merge(PLACE, pages[i]);
        assert_int_equal(machine_run_at(first), i == 0 ? PAGING_2M : PAGING_1G);
        assert_status(rig_unmap(PLACE), PAGING_OK);
        nothing_is_left();
    }
}

/* Split and merged, at once or level by level: it is the same run again. */
static void merge_undoes_split(void **state)
{
    rig_open_large();
    alloc(PLACE, GIB);
    uint64_t first = frame_at(PLACE), entry = *entry_at(PLACE, 3);
    for (unsigned round = 0; round < 2; round++) {
        assert_status(rig_split(PLACE), PAGING_OK);
        assert_int_equal(machine_run_at(first + 512), PAGING_2M);
        assert_status(rig_split(PLACE + 2 * MIB), PAGING_OK);
        assert_int_equal(machine_run_at(first + 513), PAGING_4K);
        assert_status(rig_split(PLACE + GIB - 4 * KIB), PAGING_OK);
        if (round == 0)
            merge(PLACE, 8 * MIB);
        merge(PLACE, GIB);
        assert_int_equal(machine_run_at(first), PAGING_1G);
        assert_int_equal(*entry_at(PLACE, 3), entry);
    }
    unmap(PLACE, GIB);
    nothing_is_left();
}

/* Maps 512 pages to 512 contiguous frames. The source hands out first what came back last. */
static uint64_t map_frames_in_a_row(void)
{
    uint64_t filler = PLACE + GIB, first;
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK); /* makes the P1 */
    do {
        assert_status(rig_map(filler, RW), PAGING_OK);
        first = frame_at(filler);
        filler += PAGING_PAGE_BYTES;
    } while (first % 512 != 0);
    alloc(PLACE + PAGING_PAGE_BYTES, 511 * PAGING_PAGE_BYTES);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_unmap(filler - PAGING_PAGE_BYTES), PAGING_OK);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    return first;
}

static void open_with(unsigned frames, unsigned runs_2m)
{
    struct machine_setup setup = rig_setup();
    setup.frames = frames;
    setup.runs_2m = runs_2m;
    rig_open_on(setup);
}

static void singles_are_joined(void **state)
{
    open_with(3 * 512, 0);
    uint64_t first = map_frames_in_a_row();
    assert_int_equal(machine_run_at(first), PAGING_4K);
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    assert_int_equal(machine_run_at(first), PAGING_2M);
    unmap(PLACE + MIB, 4 * KIB); /* and are single ones again */
    ASSERT_RUNS(PLACE, {1, 256}, {0, 1}, {1, 255}, {0, 1});
    assert_int_equal(machine_run_at(first), PAGING_4K);
    unmap(PLACE, 2 * GIB);
    nothing_is_left();
}

/* 512 runs that the source has handed out one by one. */
static void runs_are_joined(void **state)
{
    open_with(0, 514);
    machine_break_huge();
    alloc(PLACE + GIB, 3 * GIB); /* all runs of that size */
    alloc(PLACE, GIB);
    ASSERT_RUNS(PLACE, {2, 512}, {3, 3}, {0, 1});
    uint64_t first = frame_at(PLACE);
    assert_int_equal(first % paging_level_pages(3), 0);
    assert_int_equal(machine_run_at(first), PAGING_2M);
    merge(PLACE, GIB);
    assert_int_equal(machine_run_at(first), PAGING_1G);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_runs_left(PAGING_2M), 514);
    unmap(PLACE, 4 * GIB);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* One of the 512 pages leads to the right frame, but is not owned. */
static void mixed_is_not_merged(void **state)
{
    rig_open_large();
    static const uint64_t ranges[] = {2 * MIB, GIB};
    static const unsigned places[] = {0, 77, 511};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 3; k++) {
            alloc(PLACE, ranges[i]);
            assert_status(rig_split(PLACE), PAGING_OK);
            uint64_t page = PLACE + places[k] * (ranges[i] / 512), frame = frame_at(page);
            assert_status(rig_unmap(page), PAGING_OK);
            assert_status(rig_map_sized(page, frame, (enum paging_size)(i + 1), RW), PAGING_OK);
            merge(PLACE, ranges[i]);
            ASSERT_RUNS(PLACE, {i + 1, 512}, {0, 1});
            unmap(page, PAGING_PAGE_BYTES); /* not a frame of the source: nothing goes back */
            unmap(PLACE, ranges[i]);
            nothing_is_left();
        }
}

/* Whole and split huge pages, small ones, pages that are not owned, markers: all go with the space. */
static void destroyed_with_all_of_it(void **state)
{
    rig_open_large();
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    alloc(PLACE, 2 * GIB);
    unmap(PLACE + GIB + 4 * MIB + 8 * KIB, 12 * MIB);
    alloc(PLACE + 2 * GIB + 4 * KIB, 6 * MIB);
    assert_status(rig_map_range(PLACE + 3 * GIB, DEVICE_1G - 2 * MIB, GIB + 4 * MIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE + SLOT_BYTES, RW), PAGING_OK);
    rig_plant_marker(PLACE + SLOT_BYTES + 4 * KIB, 1, ~(uint64_t)1);
    rig_plant_marker(PLACE + SLOT_BYTES + 2 * MIB, 2, PAGING_OWNED | PAGING_HUGE);
    assert_status(rig_map_range_alloc(upper, 2 * MIB + 4 * KIB, RW | PAGING_GLOBAL), PAGING_OK);
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
    assert_status(paging_destroy(&rig.space, machine_frames()), PAGING_OK);
    assert_int_equal(machine_frames_out(), 0);
    assert_int_equal(machine_runs_left(PAGING_2M), 8);
    assert_int_equal(machine_runs_left(PAGING_1G), 3);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("owned: a huge page goes back whole", unmapped_whole),
    RIG_TEST("owned: a split page's frames go back one by one", frames_one_by_one),
    RIG_TEST("owned: a part is unmapped, the rest stays, and goes back later", unmapped_in_part),
    RIG_TEST("owned: a part is protected, and then has the flags of the rest again", protected_in_part),
    RIG_TEST("owned: split then merge gives the same run back", merge_undoes_split),
    RIG_TEST("owned: contiguous single frames are joined, and split again", singles_are_joined),
    RIG_TEST("owned: 2 MiB runs are joined to 1 GiB", runs_are_joined),
    RIG_TEST("owned: never merged with pages that are not owned", mixed_is_not_merged),
    RIG_TEST("owned: destroyed with all of it, every frame goes back", destroyed_with_all_of_it),
};

RIG_MAIN("owned", tests)
