/* SPDX-License-Identifier: MIT */
/* Tests what all range operations have in common: what is a range, where it may be, and what is refused. */
#include "rig/entries.h"
#include "rig/runs.h"

static void edges_of_the_halves(void **state)
{
    rig_open();
    uint64_t half = paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2);
    uint64_t upper = rig_address(half), lower_end = half * PAGING_PAGE_BYTES;
    uint64_t reserved =
        PAGING_RECURSIVE_SLOT == PAGING_TABLE_ENTRIES - 1 ? 3 * paging_level_bytes(rig.model.levels) : 0;
    assert_status(rig_map_range(lower_end - 4 * KIB, DEVICE, 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map_range(lower_end - 4 * MIB, DEVICE_1G, 4 * MIB - 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map_range(upper, DEVICE, 4 * KIB, RW | PAGING_GLOBAL), PAGING_OK);
    assert_status(rig_map_range(upper + 4 * KIB, DEVICE_1G + 4 * KIB, 4 * MIB, RW), PAGING_OK);
    assert_status(rig_map_range(0, DEVICE, 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map_range(0 - reserved - 4 * MIB, DEVICE_1G, 4 * MIB, RW), PAGING_OK);
    assert_allowed(lower_end - 8, WALK_WRITE);
    assert_allowed(upper, WALK_WRITE);
    assert_allowed(0 - reserved - 8, WALK_WRITE);
    assert_status(rig_unmap_range(lower_end - 4 * MIB, 4 * MIB), PAGING_OK);
    assert_status(rig_unmap_range(upper, 4 * MIB + 4 * KIB), PAGING_OK);
    assert_status(rig_unmap_range(0, 4 * KIB), PAGING_OK);
    assert_status(rig_unmap_range(0 - reserved - 4 * MIB, 4 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Every range operation returns this status. The rig judges that it is right, and that nothing changes. */
static void all_refuse(uint64_t start, uint64_t bytes, enum paging_status status)
{
    assert_status(rig_map_range(start, DEVICE, bytes, RW), status);
    assert_status(rig_unmap_range(start, bytes), status);
    assert_status(rig_protect_range(start, bytes, NX, RW), status);
    assert_status(rig_merge_range(start, bytes), status);
    assert_status(rig_identity_map_range(start, bytes, RW), status);
}

static void refuses_shapes(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G, 4 * MIB, RW), PAGING_OK);
    all_refuse(PLACE, 0, PAGING_EMPTY_RANGE);
    static const uint64_t odd[] = {1, 8, 0x800, 4 * KIB - 1};
    for (unsigned i = 0; i < 4; i++) {
        all_refuse(PLACE + odd[i], 4 * KIB, PAGING_MISALIGNED);
        all_refuse(PLACE, 4 * KIB + odd[i], PAGING_MISALIGNED);
        all_refuse(PLACE, odd[i], PAGING_MISALIGNED);
        assert_status(rig_map_range(PLACE + 8 * MIB, DEVICE + odd[i], 4 * KIB, RW), PAGING_MISALIGNED);
    }
}

static void refuses_the_gap_and_the_end(void **state)
{
    rig_open();
    uint64_t half = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    static const uint64_t lengths[] = {4 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 3; i++) {
        all_refuse(half, lengths[i], PAGING_NOT_CANONICAL);
        all_refuse(0 - half - lengths[i], lengths[i], PAGING_NOT_CANONICAL);
        all_refuse(half * 2, lengths[i], PAGING_NOT_CANONICAL);
        all_refuse(half - 4 * KIB, lengths[i] + 4 * KIB, PAGING_RANGE_TOO_LONG);
    }
    all_refuse(half - 4 * KIB, 0 - half, PAGING_RANGE_TOO_LONG);
    all_refuse(half - 4 * KIB, 0 - 4 * KIB, PAGING_RANGE_TOO_LONG);
    all_refuse(0 - half, half + 4 * KIB, PAGING_RANGE_TOO_LONG);
    all_refuse(0 - half, 0 - 4 * KIB, PAGING_RANGE_TOO_LONG);
    /* Past the end of all 64 bits. The reserved slots there are another reason to refuse. */
    static const uint64_t wraps[] = {8 * KIB, 2 * MIB, 0x8000000000000000, 0xfffffffffffff000};
    for (unsigned i = 0; i < 4; i++) {
        enum paging_status status = rig_unmap_range(0 - 4 * KIB, wraps[i]);
        assert_int_not_equal(status, PAGING_OK);
        assert_status(rig_map_range(0 - 4 * KIB, DEVICE, wraps[i], RW), status);
        assert_status(rig_protect_range(0 - 4 * KIB, wraps[i], 0, RW), status);
    }
}

static void refuses_beyond_52_bits(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.physical_bits = 52;
    rig_open_on(setup);
    const uint64_t end = (uint64_t)1 << 52;
    static const uint64_t lengths[] = {4 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_map_range(PLACE, end, lengths[i], RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, end - 4 * KIB, lengths[i] + 4 * KIB, RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, 0 - lengths[i], lengths[i] + 4 * KIB, RW), PAGING_FRAME_TOO_HIGH);
        assert_status(rig_map_range(PLACE, end - lengths[i], lengths[i], RW), PAGING_OK);
        rig_translate(PLACE + lengths[i] - 1);
        assert_status(rig_unmap_range(PLACE, lengths[i]), PAGING_OK);
    }
    assert_status(rig_map_sized(PLACE, (end / PAGING_PAGE_BYTES) - 512, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, end / PAGING_PAGE_BYTES, PAGING_1G, RW), PAGING_FRAME_TOO_HIGH);
}

static void refuses_reserved_slots(void **state)
{
    rig_open();
    static const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t slot_bytes = paging_level_bytes(rig.model.levels);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t start = rig_address(slots[i] * paging_level_pages(rig.model.levels));
        all_refuse(start, 4 * KIB, PAGING_RESERVED_SLOT);
        all_refuse(start + slot_bytes - 2 * MIB, 2 * MIB, PAGING_RESERVED_SLOT);
        all_refuse(start, slot_bytes, PAGING_RESERVED_SLOT);
        all_refuse(start - 4 * KIB, 8 * KIB, PAGING_RESERVED_SLOT);
        all_refuse(start - 3 * slot_bytes, 3 * slot_bytes + 4 * KIB, PAGING_RESERVED_SLOT);
        assert_status(rig_split(start), PAGING_RESERVED_SLOT);
    }
    unsigned lowest = slots[0], highest = slots[0];
    for (unsigned i = 1; i < 3; i++) {
        lowest = slots[i] < lowest ? slots[i] : lowest;
        highest = slots[i] > highest ? slots[i] : highest;
    }
    uint64_t before = rig_address(lowest * paging_level_pages(rig.model.levels)) - 4 * KIB;
    assert_status(rig_map_range(before, DEVICE, 4 * KIB, RW), PAGING_OK);
    assert_status(rig_unmap_range(before, 4 * KIB), PAGING_OK);
    if (highest == PAGING_TABLE_ENTRIES - 1)
        return;
    uint64_t after = rig_address((highest + 1) * paging_level_pages(rig.model.levels));
    assert_status(rig_map_range(after, DEVICE, 4 * KIB, RW), PAGING_OK);
    assert_status(rig_unmap_range(after, 4 * KIB), PAGING_OK);
}

static void features_the_processor_lacks(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.no_execute = setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_range(PLACE, DEVICE_1G, 4 * MIB, RW | NX), PAGING_NOT_SUPPORTED);
    assert_status(rig_map_range(PLACE, DEVICE_1G, GIB + 2 * MIB, RW), PAGING_OK);
    ASSERT_RUNS(PLACE, {2, 513}, {0, 1});
    assert_status(rig_protect_range(PLACE, 2 * MIB, NX, RW), PAGING_NOT_SUPPORTED);
    assert_allowed(PLACE, WALK_WRITE);
    rig_check();
}

/* In an inactive space there is nothing to flush, and new tables are reached by direct map. */
static void while_inactive(void **state)
{
    rig_open();
    paging_mark_inactive(&rig.space, machine_offset());
    assert_status(rig_map_range(PLACE + GIB - 4 * KIB, DEVICE_1G - 4 * KIB, GIB + 8 * KIB, RW), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).flushes + paging_counted(&rig.space).full_flushes, 0);
    assert_status(rig_split(PLACE + GIB), PAGING_OK);
    assert_status(rig_protect_range(PLACE + GIB + 4 * KIB, 4 * KIB, 0, RW), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * GIB - 4 * KIB), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).flushes + paging_counted(&rig.space).full_flushes, 0);
    ASSERT_RUNS(PLACE + 2 * GIB - 4 * KIB, {1, 2}, {0, 1});
}

/* A reserved bit is set by hand, without the rig: its model has no such entry. */
static void refuses_malformed(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE_1G, 4 * MIB, RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW), PAGING_OK);
    uint64_t starts[] = {PLACE + 2 * MIB, PLACE + GIB};
    for (unsigned i = 0; i < 2; i++) {
        volatile uint64_t *entry = entry_at(starts[i], 2 + i);
        uint64_t whole = *entry;
        *entry |= 1ull << 51;
        machine_snapshot();
        struct paging_frame_source *frames = machine_frames();
        paging_virt_t start = {starts[i] - 4 * KIB};
        paging_virt_t inside = {starts[i] + 4 * KIB};
        assert_status(paging_map_range(&rig.space, inside, (paging_phys_t){DEVICE}, 4 * KIB, 0, frames),
                      PAGING_MALFORMED);
        assert_status(paging_unmap_range(&rig.space, start, 8 * KIB, frames), PAGING_MALFORMED);
        assert_status(paging_unmap_range(&rig.space, inside, 4 * KIB, frames), PAGING_MALFORMED);
        assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 2 * GIB, frames),
                      PAGING_MALFORMED);
        assert_status(paging_protect_range(&rig.space, start, 8 * KIB, 0, RW, frames), PAGING_MALFORMED);
        assert_status(paging_merge_range(&rig.space, (paging_virt_t){PLACE}, 2 * GIB, frames),
                      PAGING_MALFORMED);
        assert_status(paging_split(&rig.space, rig_page(inside.value), frames), PAGING_MALFORMED);
        assert_true(machine_unchanged());
        *entry = whole;
        rig_check();
    }
}

/* The same for an entry that points to a table, at each level above the P1s. */
static void refuses_malformed_tables(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 4 * MIB, RW), PAGING_OK);
    struct paging_frame_source *frames = machine_frames();
    paging_virt_t start = {PLACE + 2 * MIB - 4 * KIB}, free = {PLACE + 8 * MIB};
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        volatile uint64_t *entry = entry_at(start.value, level);
        const uint64_t whole = *entry;
        *entry |= 1ull << 51;
        machine_snapshot();
        assert_status(paging_map_range(&rig.space, start, (paging_phys_t){DEVICE}, 8 * KIB, RW, frames),
                      PAGING_MALFORMED);
        assert_status(paging_map_range_alloc(&rig.space, start, 4 * KIB, RW, frames), PAGING_MALFORMED);
        if (level > 2)
            assert_status(paging_map_range(&rig.space, free, (paging_phys_t){DEVICE}, 4 * KIB, RW, frames),
                          PAGING_MALFORMED);
        assert_status(paging_unmap_range(&rig.space, start, 8 * KIB, frames), PAGING_MALFORMED);
        assert_status(paging_protect_range(&rig.space, start, 8 * KIB, 0, RW, frames), PAGING_MALFORMED);
        assert_status(paging_merge_range(&rig.space, start, 8 * KIB, frames), PAGING_MALFORMED);
        assert_true(machine_unchanged());
        *entry = whole;
        rig_check();
    }
}

/* Only entries above the P1s are checked beforehand: a 4 KiB leaf is replaced or removed as it is. */
static void malformed_pages_are_replaced(void **state)
{
    rig_open();
    struct paging_frame_source *frames = machine_frames();
    assert_status(rig_map_range(PLACE, DEVICE, 8 * KIB, RW), PAGING_OK);
    volatile uint64_t *entry = entry_at(PLACE + 4 * KIB, 1);
    const uint64_t beyond = 1ull << 51;
    *entry |= beyond;
    assert_status(paging_merge_range(&rig.space, (paging_virt_t){PLACE}, 2 * MIB, frames), PAGING_OK);
    assert_status(paging_protect_range(&rig.space, (paging_virt_t){PLACE}, 8 * KIB, 0, RW, frames),
                  PAGING_OK);
    assert_true(*entry & beyond);
    assert_false(*entry & RW);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE + 4 * KIB}, 4 * KIB, frames),
                  PAGING_OK);
    assert_int_equal(*entry, 0);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 4 * KIB, frames), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/*
 * Of a page that goes with all tables above it, the page and each table's window are flushed, once; by direct
 * map the page alone. A marker beside it needs no flush.
 */
static void unmapped_is_flushed_once(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 4 * KIB, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xbeef0);
    machine_fill_tlb();
    assert_status(rig_unmap_range(PLACE, 8 * KIB), PAGING_OK);
    assert_int_equal(machine_full_flushes(), 0);
    unsigned count = 0, levels = rig.model.levels;
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t slot = rig_page(machine_flushed(i)).number / paging_level_pages(levels);
        count += slot != PAGING_SCRATCH_SLOT || !rig_has_windows();
    }
    assert_int_equal(count, rig_has_windows() ? levels : 1);
    assert_int_equal(machine_flushed(0), rig_has_windows() ? rig_window(levels - 1, PLACE) : PLACE);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("range: first and last pages of both halves", edges_of_the_halves),
    RIG_TEST("range: empty and misaligned ones are refused", refuses_shapes),
    RIG_TEST("range: over the canonical hole, or past the last page, is refused",
             refuses_the_gap_and_the_end),
    RIG_TEST("range: address plus length beyond 2^52 is refused", refuses_beyond_52_bits),
    RIG_RECURSIVE_TEST("range: into, out of and over reserved slots", refuses_reserved_slots),
    RIG_TEST("range: without NX it is refused, without 1 GiB pages there are 2 MiB ones",
             features_the_processor_lacks),
    RIG_TEST("range: an entry with a reserved bit is refused", refuses_malformed),
    RIG_TEST("range: a table whose entry has a reserved bit is refused", refuses_malformed_tables),
    RIG_TEST("range: a 4 KiB page with a reserved bit is not refused", malformed_pages_are_replaced),
    RIG_TEST("range: a page that is unmapped with its tables is flushed once, and so is each window",
             unmapped_is_flushed_once),
    RIG_TEST("range: in an inactive space nothing is flushed", while_inactive),
};

RIG_MAIN("range", tests)
