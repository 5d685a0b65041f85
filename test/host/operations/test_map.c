/* SPDX-License-Identifier: MIT */
/* Tests what map_to, map_sized, map and identity_map do. What they refuse is in test_map_errors.c. */
#include "rig/rig.h"

static void access_reaches_the_frame(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    assert_refused(PLACE, WALK_READ, 0);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_reads(PLACE, DEVICE_FRAME);
    assert_reads(PLACE + 4 * KIB - 8, DEVICE_FRAME);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE, WALK_FETCH);
    assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
    rig_check();
}

static void rights_are_the_leafs(void **state)
{
    rig_open();
    for (unsigned i = 0; i < 8; i++) {
        uint64_t flags = (i & 1 ? RW : 0) | (i & 2 ? PAGING_USER : 0) | (i & 4 ? NX : 0);
        uint64_t address = PLACE + i * 4 * KIB;
        machine_fill(DEVICE_FRAME + i);
        assert_status(rig_map_to(address, DEVICE_FRAME + i, flags), PAGING_OK);
        for (unsigned user = 0; user <= WALK_USER; user += WALK_USER) {
            bool reachable = !user || (i & 2);
            struct machine_access read = machine_access(address, user | WALK_READ);
            struct machine_access write = machine_access(address, user | WALK_WRITE);
            struct machine_access fetch = machine_access(address, user | WALK_FETCH);
            assert_int_equal(read.faulted, !reachable);
            assert_int_equal(write.faulted, !(reachable && (i & 1)));
            assert_int_equal(fetch.faulted, !(reachable && !(i & 4)));
            assert_true(!write.faulted || write.error == (WALK_PRESENT | WALK_WRITE | user));
            assert_true(!fetch.faulted || fetch.error == (WALK_PRESENT | WALK_FETCH | user));
        }
    }
    rig_check();
}

static void tables_as_needed(void **state)
{
    rig_open();
    unsigned levels = rig.model.levels, out = machine_frames_out();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels - 1);
    static const uint64_t shared[] = {4 * KIB, 2 * MIB - 4 * KIB};
    for (unsigned i = 0; i < 2; i++)
        assert_status(rig_map_to(PLACE + shared[i], DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels - 1);
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels);
    assert_status(rig_map_to(PLACE + GIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels + 2);
    assert_status(rig_map_to(PLACE + SLOT_BYTES, DEVICE_FRAME, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, levels + 5);
}

static void a_table_fills_up(void **state)
{
    rig_open();
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        assert_status(rig_map_to(PLACE + i * 4 * KIB, DEVICE_FRAME + i, RW), PAGING_OK);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        assert_status(rig_unmap(PLACE + i * 4 * KIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* In the processor's geometry the reserved slots are the last ones; in the host's they are elsewhere. */
static void first_and_last_pages(void **state)
{
    rig_open();
    uint64_t half = paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2), all = half * 2;
    uint64_t reserved =
        PAGING_RECURSIVE_SLOT == PAGING_TABLE_ENTRIES - 1 ? 3 * paging_level_pages(rig.model.levels) : 0;
    uint64_t pages[] = {0, half - 1, half, all - reserved - 1};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_map_to(rig_address(pages[i]), DEVICE_FRAME + i, RW), PAGING_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_allowed(rig_address(pages[i]), WALK_WRITE);
        rig_translate(rig_address(pages[i]));
        rig_translate(rig_address(pages[i]) + PAGING_PAGE_BYTES - 1);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_unmap(rig_address(pages[i])), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void highest_physical_address(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, 0xffffffffff, RW), PAGING_OK);
    rig_translate(PLACE + 0xfff);
    assert_status(rig_map_to(PLACE + 4 * KIB, 0x10000000000, RW), PAGING_FRAME_TOO_HIGH);
}

static void owned_frames(void **state)
{
    rig_open();
    unsigned out = machine_frames_out();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 4 * KIB, RW | NX), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels + 1);
    struct paging_translation one, two;
    assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE}, &one), PAGING_OK);
    assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE + 4 * KIB}, &two), PAGING_OK);
    assert_true(one.owned && two.owned);
    assert_int_not_equal(one.address.value, two.address.value);
    assert_reads(PLACE, one.address.value >> 12); /* not zeroed: it has the content that it came with */
    assert_allowed(PLACE, WALK_WRITE);
    rig_check();
}

static void identity(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    uint64_t lower_frames = paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2);
    uint64_t last = lower_frames > 1ull << 40 ? (1ull << 40) - 1 : lower_frames - 1;
    assert_status(rig_identity_map(0, RW), PAGING_OK);
    assert_status(rig_identity_map(0xfee00, RW | PAGING_NO_CACHE | NX), PAGING_OK);
    assert_status(rig_identity_map(last, RW), PAGING_OK);
    rig_translate(0xfee00123);
    rig_translate(last * PAGING_PAGE_BYTES);
    assert_status(rig_identity_map(0xfee00, RW), PAGING_ALREADY_MAPPED);
    if (rig.model.levels == 4) {
        assert_status(rig_identity_map(lower_frames, RW), PAGING_NOT_CANONICAL);
        assert_status(rig_identity_map((1ull << 40) - 1, RW), PAGING_NOT_CANONICAL);
    } else {
        assert_status(rig_identity_map(1ull << 40, RW), PAGING_FRAME_TOO_HIGH);
    }
    assert_int_not_equal(rig_identity_map(UINT64_MAX, RW), PAGING_OK);
    assert_int_not_equal(rig_identity_map(1ull << 52, RW), PAGING_OK);
}

static void sized_access(void **state)
{
    rig_open();
    machine_fill(FRAME_2M);
    machine_fill(FRAME_2M + 511);
    machine_fill(FRAME_1G + 512 * 512 - 1);
    unsigned out = machine_frames_out();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels - 3);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, 0), PAGING_OK);
    assert_int_equal(machine_frames_out() - out, rig.model.levels - 2);
    assert_status(rig_map_sized(PLACE + 4 * MIB, DEVICE_FRAME, PAGING_4K, RW), PAGING_OK);
    assert_reads(PLACE + 2 * MIB, FRAME_2M);
    assert_reads(PLACE + 4 * MIB - 8, FRAME_2M + 511);
    assert_reads(PLACE + 2 * GIB - 8, FRAME_1G + 512 * 512 - 1);
    assert_refused(PLACE + 2 * MIB + 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + GIB + 8, WALK_WRITE);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map_to: loads, stores and fetches reach the frame", access_reaches_the_frame),
    RIG_TEST("map_to: only the leaf decides about rights", rights_are_the_leafs),
    RIG_TEST("map_to: as many tables as are missing, shared by neighbours", tables_as_needed),
    RIG_TEST("map_to: a table fills up and empties", a_table_fills_up),
    RIG_TEST("map_to: first and last page of both halves", first_and_last_pages),
    RIG_TEST("map_to: the last frame of 52 bits", highest_physical_address),
    RIG_TEST("map: the frame comes from the source and is owned", owned_frames),
    RIG_TEST("identity_map: same address, canonical only", identity),
    RIG_TEST("map_sized: 2 MiB and 1 GiB, read to the last byte", sized_access),
};

RIG_MAIN("map", tests)
