/* Tests set_marker and clear_marker: an entry that is not present keeps a value, and is not mapped over. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

static const uint64_t values[] = {
    1,
    2,
    (uint64_t)1 << 51 /* the bit that is OWNED in a leaf */,
    (uint64_t)1 << 61,
    ((uint64_t)1 << 62) - 1,
    PAGING_HUGE >> 1,
};
#define VALUES (sizeof(values) / sizeof(values[0]))

static void value_is_kept(void **state)
{
    rig_open();
    for (unsigned i = 0; i < VALUES; i++) {
        assert_status(rig_set_marker(PLACE, values[i]), PAGING_OK);
        rig_translate(PLACE);
        struct paging_walk_result path;
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){PLACE}, &path), PAGING_MARKED);
        assert_int_equal(path.level, 1);
        assert_int_equal(paging_marker_value(path.entries[1]), values[i]);
        assert_int_equal(*entry_at(PLACE, 1), values[i] << 1);
        for (unsigned access = WALK_READ; access <= WALK_WRITE; access += WALK_WRITE)
            assert_refused(PLACE, access, access);
        assert_status(rig_clear_marker(PLACE), PAGING_OK);
        assert_int_equal(rig.marker_value, values[i]);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* The value may look like any leaf: unmap_range takes the marker and nothing else. */
static void value_is_not_a_leaf(void **state)
{
    rig_open();
    for (unsigned i = 0; i < VALUES; i++)
        assert_status(rig_set_marker(PLACE + i * 4 * KIB, values[i]), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 2 * MIB, RW, 0), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    for (unsigned i = 0; i < VALUES; i++) {
        assert_status(rig_set_marker(PLACE, values[i]), PAGING_OK);
        assert_status(rig_set_marker(PLACE + 4 * KIB, values[i]), PAGING_OK);
        assert_status(rig_unmap_range(PLACE, 4 * KIB), PAGING_OK);
        assert_status(rig_unmap_range(PLACE - 4 * KIB, 4 * MIB), PAGING_OK);
    }
}

static void value_that_does_not_fit(void **state)
{
    rig_open();
    static const uint64_t bad[] = {0, (uint64_t)1 << 62, (uint64_t)1 << 63, ~(uint64_t)0,
                                   ((uint64_t)1 << 62) + 1};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_set_marker(PLACE, bad[i]), PAGING_BAD_FLAGS);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void tables_come_and_go(void **state)
{
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

/* The table stays as long as either of them, whichever goes first. */
static void neighbour_keeps_the_table(void **state)
{
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

/* Every operation that maps or unmaps a page refuses it. */
static void map_refuses(void **state)
{
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

static void set_marker_refuses(void **state)
{
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

static void clear_marker_refuses(void **state)
{
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

/* A marker in an upper table goes as a whole, from its first page. */
static void entries_in_upper_tables(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 2 * MIB, 2, 0x10);
    rig_plant_marker(PLACE + GIB, 3, 0x20);
    assert_status(rig_clear_marker(PLACE + 2 * MIB + 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_clear_marker(PLACE + 4 * MIB - 4 * KIB), PAGING_MISALIGNED);
    assert_status(rig_clear_marker(PLACE + GIB + 2 * MIB), PAGING_MISALIGNED);
    uint64_t value = 0;
    static const uint64_t starts[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        machine_reset_log();
        assert_status(paging_clear_marker(&rig.space, rig_page(PLACE + starts[i]), machine_frames(), &value),
                      PAGING_OK);
        assert_int_equal(value, 8 << i);
        assert_int_equal(machine_flushes(), 0);
        model_remove(&rig.model, rig_page(PLACE + starts[i]).number);
        rig_check();
    }
}

static void malformed(void **state)
{
    rig_open();
    assert_status(rig_set_marker(PLACE + 4 * KIB, 1), PAGING_OK);
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        uint64_t entry = *entry_at(PLACE, level);
        entry_write(PLACE, level, entry | (uint64_t)1 << 51);
        uint64_t value = 99;
        rig_look_before(1u << PAGING_MALFORMED);
        rig_judge_one_space(paging_set_marker(&rig.space, rig_page(PLACE), 1, machine_frames()));
        rig_judge_one_space(
            paging_clear_marker(&rig.space, rig_page(PLACE + 4 * KIB), machine_frames(), &value));
        assert_int_equal(value, 99);
        entry_write(PLACE, level, entry);
    }
    assert_status(rig_clear_marker(PLACE + 4 * KIB), PAGING_OK);
    assert_int_equal(rig.marker_value, 1);
}

static void out_of_frames(void **state)
{
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

/* By direct map, as before a space is active: nothing is flushed, all else is the same. */
static void by_direct_map(void **state)
{
    rig_open();
    uint64_t value = 0;
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
    machine_reset_log();
    assert_status(paging_set_marker(&rig.space, rig_page(PLACE), 77, machine_frames()), PAGING_OK);
    assert_status(paging_clear_marker(&rig.space, rig_page(PLACE), machine_frames(), &value), PAGING_OK);
    assert_int_equal(value, 77);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    rig_check();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("set_marker: the value is kept", value_is_kept),
    RIG_TEST("set_marker: the value is never taken for a leaf", value_is_not_a_leaf),
    RIG_TEST("set_marker: a value of no bit or of more than 62 bits is refused", value_that_does_not_fit),
    RIG_TEST("set_marker: tables come and go as for a page", tables_come_and_go),
    RIG_TEST("set_marker: a neighbour keeps the table", neighbour_keeps_the_table),
    RIG_TEST("clear_marker: the window of a freed table is flushed", windows_are_forgotten),
    RIG_TEST("set_marker: map, unmap and split refuse the page", map_refuses),
    RIG_TEST("set_marker: what is not free is refused", set_marker_refuses),
    RIG_TEST("clear_marker: what is not a marker is refused", clear_marker_refuses),
    RIG_TEST("clear_marker: markers in upper tables", entries_in_upper_tables),
    RIG_TEST("set_marker: malformed tables are refused", malformed),
    RIG_TEST("set_marker: out of frames, nothing leaks", out_of_frames),
    RIG_TEST("set_marker: by direct map nothing is flushed", by_direct_map),
};

RIG_MAIN("marker", tests)
