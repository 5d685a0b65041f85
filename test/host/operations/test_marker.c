/* reserve: an entry that is not present keeps its owner's number, and a place among the pages. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

#define RW PAGING_WRITABLE

static const uint64_t payloads[] = {
    1,
    2,
    (uint64_t)1 << 51 /* where a leaf's OWNED is */,
    (uint64_t)1 << 62,
    ((uint64_t)1 << 63) - 1,
    PAGING_HUGE >> 1,
};
#define PAYLOADS (sizeof(payloads) / sizeof(payloads[0]))

static void payload_is_kept(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < PAYLOADS; i++) {
        assert_status(rig_set_marker(PLACE, payloads[i]), PAGING_OK);
        rig_translate(PLACE);
        struct paging_walk_result path;
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){PLACE}, &path), PAGING_MARKED);
        assert_int_equal(path.level, 1);
        assert_int_equal(paging_marker_value(path.entries[1]), payloads[i]);
        assert_int_equal(*entry_at(PLACE, 1), payloads[i] << 1);
        for (unsigned access = WALK_READ; access <= WALK_WRITE; access += WALK_WRITE)
            assert_refused(PLACE, access, access);
        assert_status(rig_clear_marker(PLACE), PAGING_OK);
        assert_int_equal(rig.marker_value, payloads[i]);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* Bits of the payload may look like anything: a range's removal takes the entry and nothing else. */
static void payload_is_no_leaf(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < PAYLOADS; i++)
        assert_status(rig_set_marker(PLACE + i * 4 * KIB, payloads[i]), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 2 * MIB, RW, 0), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    for (unsigned i = 0; i < PAYLOADS; i++) {
        assert_status(rig_set_marker(PLACE, payloads[i]), PAGING_OK);
        assert_status(rig_set_marker(PLACE + 4 * KIB, payloads[i]), PAGING_OK);
        assert_status(rig_unmap_range(PLACE, 4 * KIB), PAGING_OK);
        assert_status(rig_unmap_range(PLACE - 4 * KIB, 4 * MIB), PAGING_OK);
    }
}

static void payload_that_does_not_fit(void **state)
{
    (void)state;
    rig_open();
    static const uint64_t bad[] = {0, (uint64_t)1 << 63, ~(uint64_t)0, ((uint64_t)1 << 63) + 1};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_set_marker(PLACE, bad[i]), PAGING_BAD_FLAGS);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void tables_come_and_go(void **state)
{
    (void)state;
    rig_open();
    static const uint64_t neighbours[] = {4 * KIB, 2 * MIB, GIB, SLOT_BYTES};
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE + neighbours[i], DEVICE_FRAME, RW), PAGING_OK);
        unsigned out = machine_frames_out();
        assert_status(rig_set_marker(PLACE, 7), PAGING_OK);
        assert_int_equal(machine_frames_out() - out, i);
        assert_status(rig_clear_marker(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), out);
        assert_status(rig_unmap(PLACE + neighbours[i]), PAGING_OK);
    }
}

/* The table lives as long as either of them, whichever goes first. */
static void neighbour_keeps_the_table(void **state)
{
    (void)state;
    rig_open();
    for (unsigned mapped_first = 0; mapped_first < 2; mapped_first++) {
        assert_status(rig_set_marker(PLACE, 1), PAGING_OK);
        unsigned out = machine_frames_out();
        assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
        if (mapped_first) {
            assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
            assert_int_equal(machine_frames_out(), out);
            assert_status(rig_clear_marker(PLACE), PAGING_OK);
        } else {
            assert_status(rig_clear_marker(PLACE), PAGING_OK);
            assert_int_equal(machine_frames_out(), out);
            assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
            assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
        }
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

static void windows_are_forgotten(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_set_marker(PLACE, 3), PAGING_OK);
    for (unsigned level = 1; level <= rig.model.levels; level++)
        assert_allowed(rig_window(level, PLACE), WALK_WRITE);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    for (unsigned level = 1; level < rig.model.levels; level++)
        assert_false(machine_caches(rig_window(level, PLACE)));
    assert_status(rig_map(PLACE + 8 * MIB, RW), PAGING_OK); /* on the frames just freed */
    assert_status(rig_set_marker(PLACE, 4), PAGING_OK);
    assert_allowed(PLACE + 8 * MIB, WALK_WRITE);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 4);
}

/* Every operation that maps or unmaps leaves it alone. */
static void map_refuses(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_set_marker(PLACE, 9), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_MARKED);
    assert_status(rig_map(PLACE, RW), PAGING_MARKED);
    assert_status(rig_map_range(PLACE, DEVICE_FRAME * PAGING_PAGE_BYTES, 4 * KIB, RW), PAGING_MARKED);
    assert_status(rig_unmap(PLACE), PAGING_MARKED);
    assert_status(rig_split(PLACE), PAGING_MARKED);
    assert_status(rig_set_marker(PLACE, 9), PAGING_MARKED);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 9);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
}

static void reserve_refuses(void **state)
{
    (void)state;
    rig_open();
    uint64_t slot = paging_level_pages(rig.model.levels);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    rig_plant_marker(PLACE + 8 * MIB, 2, 2);
    assert_status(rig_set_marker(PLACE, 1), PAGING_ALREADY_MAPPED);
    assert_status(rig_set_marker(PLACE + 2 * MIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + 4 * MIB - 4 * KIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + GIB + 4 * KIB, 1), PAGING_INSIDE_HUGE);
    assert_status(rig_set_marker(PLACE + 8 * MIB + 4 * KIB, 1), PAGING_MARKED);
    assert_status(rig_set_marker(rig_address(slot * PAGING_RECURSIVE_SLOT), 1), PAGING_RESERVED_SLOT);
    assert_status(rig_set_marker(rig_address(slot * PAGING_ALTERNATE_SLOT + 1), 1), PAGING_RESERVED_SLOT);
    assert_status(rig_set_marker(rig_address(slot * PAGING_SCRATCH_SLOT), 1), PAGING_RESERVED_SLOT);
    assert_status(rig_set_marker(rig_address(slot * (PAGING_SCRATCH_SLOT + 1) - 1), 1), PAGING_RESERVED_SLOT);
}

static void unreserve_refuses(void **state)
{
    (void)state;
    rig_open();
    uint64_t slot = paging_level_pages(rig.model.levels);
    assert_status(rig_clear_marker(PLACE), PAGING_NOT_MAPPED);
    assert_status(rig_set_marker(PLACE, 1), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_NOT_MAPPED);
    assert_status(rig_clear_marker(PLACE + GIB), PAGING_NOT_MAPPED);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_clear_marker(PLACE + 2 * MIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_clear_marker(PLACE + 2 * MIB + 4 * KIB), PAGING_ALREADY_MAPPED);
    assert_status(rig_clear_marker(rig_address(slot * PAGING_RECURSIVE_SLOT)), PAGING_RESERVED_SLOT);
    assert_status(rig_clear_marker(rig_address(slot * PAGING_ALTERNATE_SLOT)), PAGING_RESERVED_SLOT);
    assert_status(rig_clear_marker(rig_address(slot * PAGING_SCRATCH_SLOT)), PAGING_RESERVED_SLOT);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 1);
}

/* What the owner put into upper tables goes as a whole, from its first page. */
static void entries_in_upper_tables(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x10);
    rig_plant_marker(PLACE + GIB, 3, 0x20);
    assert_status(rig_clear_marker(PLACE + 2 * MIB + 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_clear_marker(PLACE + 4 * MIB - 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_clear_marker(PLACE + GIB + 2 * MIB), PAGING_MISALIGNED);
    uint64_t payload = 0;
    static const uint64_t starts[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        machine_reset_log();
        assert_status(
            paging_clear_marker(&rig.space, rig_page(PLACE + starts[i]), machine_frames(), &payload),
            PAGING_OK);
        assert_int_equal(payload, 8 << i);
        assert_int_equal(machine_flushes(), 0);
        model_remove(&rig.model, rig_page(PLACE + starts[i]).number);
        rig_check();
    }
}

static void malformed(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_set_marker(PLACE + 4 * KIB, 1), PAGING_OK);
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        uint64_t entry = *entry_at(PLACE, level);
        entry_write(PLACE, level, entry | (uint64_t)1 << 51);
        uint64_t payload = 99;
        rig_look_before(1u << PAGING_MALFORMED);
        rig_judge_one_space(paging_set_marker(&rig.space, rig_page(PLACE), 1, machine_frames()));
        rig_judge_one_space(
            paging_clear_marker(&rig.space, rig_page(PLACE + 4 * KIB), machine_frames(), &payload));
        assert_int_equal(payload, 99);
        entry_write(PLACE, level, entry);
    }
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_OK);
    assert_int_equal(rig.marker_value, 1);
}

static void out_of_frames(void **state)
{
    (void)state;
    rig_open();
    unsigned needed = rig.model.levels - 1;
    for (unsigned left = 0; left <= needed; left++) {
        machine_limit_frames(left);
        assert_status(rig_set_marker(PLACE, 5), left < needed ? PAGING_NO_FRAMES : PAGING_OK);
    }
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 5);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Without a window, as before a space goes live: nothing is flushed, all else is the same. */
static void by_offset(void **state)
{
    (void)state;
    rig_open();
    uint64_t payload = 0;
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
    machine_reset_log();
    assert_status(paging_set_marker(&rig.space, rig_page(PLACE), 77, machine_frames()), PAGING_OK);
    assert_status(paging_clear_marker(&rig.space, rig_page(PLACE), machine_frames(), &payload), PAGING_OK);
    assert_int_equal(payload, 77);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("reserve: the payload is kept", payload_is_kept),
    RIG_TEST("reserve: the payload is never taken for a leaf", payload_is_no_leaf),
    RIG_TEST("reserve: a payload of no bit or of 64 bits is refused", payload_that_does_not_fit),
    RIG_TEST("reserve: tables come and go as for a page", tables_come_and_go),
    RIG_TEST("reserve: a neighbour keeps the table", neighbour_keeps_the_table),
    RIG_TEST("reserve: a freed table's window is forgotten", windows_are_forgotten),
    RIG_TEST("reserve: map, unmap and split refuse the page", map_refuses),
    RIG_TEST("reserve: what is not free is refused", reserve_refuses),
    RIG_TEST("unreserve: what is not reserved is refused", unreserve_refuses),
    RIG_TEST("unreserve: entries in upper tables", entries_in_upper_tables),
    RIG_TEST("reserve: malformed tables are refused", malformed),
    RIG_TEST("reserve: out of frames, nothing leaks", out_of_frames),
    RIG_TEST("reserve: by offset nothing is flushed", by_offset),
};

RIG_MAIN("reserve", tests)
