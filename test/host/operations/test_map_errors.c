/* SPDX-License-Identifier: MIT */
/* Tests what map_to, map_sized and map refuse, without changing anything. */
#include "rig/rig.h"

static uint64_t root_slot(unsigned slot)
{
    return rig_address(slot * paging_level_pages(rig.model.levels));
}

static void refuses_mapped(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME + 1, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map(PLACE, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_ALREADY_MAPPED);
}

static void refuses_inside_huge(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, 0), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, 0), PAGING_OK);
    static const uint64_t inside[] = {
        0, 4 * KIB, 2 * MIB, GIB - 4 * KIB, GIB, GIB + 4 * KIB, GIB + 2 * MIB - 4 * KIB};
    for (unsigned i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
        assert_status(rig_map_to(PLACE + inside[i], DEVICE_FRAME, RW), PAGING_INSIDE_HUGE);
        assert_status(rig_map(PLACE + inside[i], RW), PAGING_INSIDE_HUGE);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_INSIDE_HUGE);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_ALREADY_MAPPED);
    assert_refused(PLACE + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

static void refuses_reserved_slots(void **state)
{
    rig_open();
    static const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t first = root_slot(slots[i]);
        uint64_t last = first + paging_level_bytes(rig.model.levels) - PAGING_PAGE_BYTES;
        assert_status(rig_map_to(first, DEVICE_FRAME, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_to(last, DEVICE_FRAME, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map(last, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_sized(first, FRAME_2M, PAGING_2M, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_sized(first, FRAME_1G, PAGING_1G, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_unmap(first), PAGING_RESERVED_SLOT);
        assert_status(rig_unmap(last), PAGING_RESERVED_SLOT);
    }
}

/* An entry that is neither present nor zero is a marker, at every level. */
static void refuses_markers(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xfffffffffffffffe);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x80);
    rig_plant_marker(PLACE + GIB, 3, 0x8000000000000000);
    rig_plant_marker(PLACE + SLOT_BYTES, 4, 0xabc000);
    static const uint64_t places[] = {4 * KIB,           2 * MIB,    2 * MIB + 36 * KIB, GIB,
                                      2 * GIB - 4 * KIB, SLOT_BYTES, SLOT_BYTES + GIB};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
        assert_status(rig_map_to(PLACE + places[i], DEVICE_FRAME, RW), PAGING_MARKED);
        assert_status(rig_map(PLACE + places[i], RW), PAGING_MARKED);
        assert_status(rig_unmap(PLACE + places[i]), PAGING_MARKED);
        rig_translate(PLACE + places[i]);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_MARKED);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_MARKED);
    assert_status(rig_map_sized(PLACE + SLOT_BYTES, FRAME_1G, PAGING_1G, RW), PAGING_MARKED);
}

static void a_marker_keeps_its_table(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xbeef0);
    unsigned out = machine_frames_out();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
    assert_int_not_equal(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
}

/* One flag at a time, at PLACE. */
static void try_all_flags(void)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        if (!(flag & (PAGING_LEAF_FLAGS | PAGING_REPLACE_MARKER)) || flag == PAGING_GLOBAL) {
            assert_status(rig_map_to(PLACE, DEVICE_FRAME, flag), PAGING_BAD_FLAGS);
            assert_status(rig_map(PLACE, flag), PAGING_BAD_FLAGS);
            assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, flag), PAGING_BAD_FLAGS);
        } else {
            assert_status(rig_map_to(PLACE, DEVICE_FRAME, flag), PAGING_OK);
            rig_translate(PLACE);
            assert_status(rig_unmap(PLACE), PAGING_OK);
        }
    }
}

static void refuses_flags(void **state)
{
    rig_open();
    try_all_flags();
    assert_status(rig_map_to(PLACE + 2 * MIB - 4 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    try_all_flags(); /* where tables exist already */
}

static void global_in_the_upper_half(void **state)
{
    rig_open();
    uint64_t half = paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2);
    for (unsigned tables = 0; tables < 2; tables++) {
        assert_status(rig_map_to(rig_address(half), DEVICE_FRAME, PAGING_GLOBAL), PAGING_OK);
        assert_status(rig_map_to(rig_address(half - 1), DEVICE_FRAME, PAGING_GLOBAL), PAGING_BAD_FLAGS);
        assert_status(rig_map(rig_address(half - 1), PAGING_GLOBAL), PAGING_BAD_FLAGS);
        assert_allowed(rig_address(half), WALK_READ);
        assert_status(rig_unmap(rig_address(half)), PAGING_OK);
        if (tables == 0) {
            assert_status(rig_map_to(rig_address(half - 2), DEVICE_FRAME, 0), PAGING_OK);
            assert_status(rig_map_to(rig_address(half + 1), DEVICE_FRAME, 0), PAGING_OK);
        }
    }
}

static void frames_beyond_the_processor(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 40;
    rig_open_on(setup);
    uint64_t end = 1ull << 28;
    static const uint64_t high[] = {1ull << 28, 1ull << 39, 0xffffffffff, 1ull << 40, 1ull << 52, UINT64_MAX};
    for (unsigned i = 0; i < sizeof(high) / sizeof(*high); i++)
        assert_status(rig_map_to(PLACE, high[i], RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, end, PAGING_2M, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, end, PAGING_1G, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_sized(PLACE, 0 - paging_level_pages(3), PAGING_1G, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(rig_map_to(PLACE, end - 1, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, end - 512, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, end - 512 * 512, PAGING_1G, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_READ);
    assert_allowed(PLACE + 2 * GIB - 8, WALK_READ);
    rig_check();
}

static void features_the_processor_lacks(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.no_execute = setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, NX), PAGING_NOT_SUPPORTED);
    assert_status(rig_map(PLACE, NX | RW), PAGING_NOT_SUPPORTED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_NOT_SUPPORTED);
    machine_fill(DEVICE_FRAME);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_FETCH);
    rig_check();
}

/* With too few frames, at any number, no frame is taken and nothing changes. */
static void out_of_frames(void **state)
{
    rig_open();
    for (unsigned left = 0; left < rig.model.levels - 1; left++) {
        machine_limit_frames(left);
        assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
        machine_limit_frames(left + 1); /* the page itself takes one */
        assert_status(rig_map(PLACE, RW), PAGING_NO_FRAMES);
        if (left < rig.model.levels - 2) {
            machine_limit_frames(left);
            assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_NO_FRAMES);
        }
    }
    machine_limit_frames(0);
    assert_status(rig_map(PLACE, RW), PAGING_NO_FRAMES);
    machine_limit_frames(rig.model.levels - 1);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    machine_limit_frames(0);
    assert_status(rig_map(PLACE + 4 * KIB, RW), PAGING_NO_FRAMES);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_NO_FRAMES);
}

static void refuses_misaligned(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE + 4 * KIB, FRAME_2M, PAGING_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_2M + 1, PAGING_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_2M + 256, PAGING_2M, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_1G, PAGING_1G, RW), PAGING_MISALIGNED);
    assert_status(rig_map_sized(PLACE, FRAME_1G + 512, PAGING_1G, RW), PAGING_MISALIGNED);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map: a mapped page is refused", refuses_mapped),
    RIG_TEST("map: a page inside a huge page is refused", refuses_inside_huge),
    RIG_RECURSIVE_TEST("map: the recursive, alternate and scratch slots are refused", refuses_reserved_slots),
    RIG_TEST("map: markers are refused and stay", refuses_markers),
    RIG_TEST("unmap: a marker keeps its table", a_marker_keeps_its_table),
    RIG_TEST("map: every flag that no leaf may have is refused", refuses_flags),
    RIG_TEST("map_to: global only in the upper half", global_in_the_upper_half),
    RIG_TEST("map: frames beyond MAXPHYADDR are refused", frames_beyond_the_processor),
    RIG_TEST("map: what the processor lacks is refused", features_the_processor_lacks),
    RIG_TEST("map: out of frames at every allocation, no leak, no change", out_of_frames),
    RIG_TEST("map_sized: misaligned page or frame is refused", refuses_misaligned),
};

RIG_MAIN("map errors", tests)
