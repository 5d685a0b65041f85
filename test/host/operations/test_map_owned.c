/* SPDX-License-Identifier: MIT */
/*
 * Tests map_owned: the page owns a frame that its caller has filled. On an error the frame stays the
 * caller's.
 */
#include "rig/entries.h"
#include "rig/rig.h"

/* Takes a frame as a caller of the core does. */
static uint64_t take(enum paging_size size)
{
    paging_frame_t frame = {0};
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, size, &frame));
    return frame.number;
}

static enum paging_status map_owned(uint64_t frame, enum paging_size size, uint64_t flags)
{
    machine_reset_log();
    machine_begin_operation(&rig.space);
    return paging_map_owned(&rig.space, rig_page(PLACE), (paging_frame_t){frame}, size, flags,
                            machine_frames());
}

static void the_frame_keeps_its_bytes(void **state)
{
    rig_open();
    uint64_t frame = take(PAGING_4K);
    machine_frame(frame)[0] = 0x1234;
    machine_frame(frame)[PAGING_TABLE_ENTRIES - 1] = 0x4321;
    assert_status(map_owned(frame, PAGING_4K, RW), PAGING_OK);
    model_add(&rig.model, (struct model_leaf){rig_page(PLACE).number, frame, PAGING_4K, RW, true, 0});
    rig_check();
    assert_int_equal(machine_access(PLACE, WALK_READ).value, 0x1234);
    assert_int_equal(machine_access(PLACE + PAGING_PAGE_BYTES - 8, WALK_READ).value, 0x4321);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_int_equal(rig.unmapped.frame.number, frame);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* One at a time by unmap, and all of them by unmap_range, which looks where owned pages may be. */
static void goes_back_in_each_size(void **state)
{
    static const uint64_t places[] = {0, 2 * MIB, GIB};
    for (unsigned at_once = 0; at_once < 2; at_once++) {
        rig_open_large();
        for (unsigned i = 0; i < 3; i++)
            assert_status(rig_map_owned(PLACE + places[i], PAGING_4K + i, RW), PAGING_OK);
        assert_int_equal(machine_runs_left(PAGING_2M), 7);
        assert_int_equal(machine_runs_left(PAGING_1G), 2);
        if (at_once)
            assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
        for (unsigned i = 0; i < 3 && !at_once; i++)
            assert_status(rig_unmap(PLACE + places[i]), PAGING_OK);
        assert_int_equal(machine_runs_left(PAGING_2M), 8);
        assert_int_equal(machine_runs_left(PAGING_1G), 3);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        machine_close();
    }
}

/* A P1 of pages that are not owned gets its first owned one: unmap_range must look into it from then on. */
static void among_pages_that_are_not_owned(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_owned(PLACE, PAGING_4K, RW), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void takes_the_place_of_a_marker(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE, 7), PAGING_OK);
    assert_status(rig_map_owned(PLACE, PAGING_4K, RW), PAGING_MARKED);
    assert_status(rig_map_owned(PLACE, PAGING_4K, RW | PAGING_REPLACE_MARKER), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_true(rig.unmapped.released);
}

/* After each of these the test can still use the frame, and gives it back itself. */
static void errors_leave_the_frame(void **state)
{
    rig_open();
    uint64_t frame = take(PAGING_4K);
    machine_frame(frame)[5] = 0x55;
    assert_status(map_owned(frame, PAGING_4K, PAGING_OWNED), PAGING_BAD_FLAGS);
    assert_status(map_owned(frame, PAGING_4K, PAGING_OWNED), PAGING_BAD_FLAGS);
    assert_status(map_owned(frame, PAGING_4K, PAGING_GLOBAL), PAGING_BAD_FLAGS);
    assert_status(map_owned(frame | 1, PAGING_2M, RW), PAGING_MISALIGNED);
    assert_status(map_owned((uint64_t)1 << 40, PAGING_4K, RW), PAGING_FRAME_TOO_HIGH);
    assert_status(map_owned(frame, (enum paging_size)0, RW), PAGING_NOT_SUPPORTED);
    for (unsigned left = 0; left < rig.model.levels - 1; left++) {
        machine_limit_frames(left);
        assert_status(map_owned(frame, PAGING_4K, RW), PAGING_NO_FRAMES);
    }
    machine_unlimit_frames();
    assert_true(machine_frame_is_out(frame));
    assert_int_equal(machine_frame(frame)[5], 0x55);
    assert_int_equal(machine_frames_out(), rig.base_frames + 1);
    machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, (paging_frame_t){frame});
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_owned(PLACE, PAGING_4K, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_owned(PLACE, PAGING_2M, RW), PAGING_ALREADY_MAPPED);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_owned: the frame keeps what was written to it, and goes back", the_frame_keeps_its_bytes),
    RIG_TEST("map_owned: a frame of each size goes back whole", goes_back_in_each_size),
    RIG_TEST("map_owned: the first owned page of a P1 goes back with a range",
             among_pages_that_are_not_owned),
    RIG_TEST("map_owned: takes the place of a marker only where that is allowed",
             takes_the_place_of_a_marker),
    RIG_TEST("map_owned: with each error the frame stays the caller's", errors_leave_the_frame),
};

RIG_MAIN("map_owned", tests)
