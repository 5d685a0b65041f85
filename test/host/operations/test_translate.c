/* SPDX-License-Identifier: MIT */
/* Tests translate and walk_address, in the recursive window too. */
#include "rig/rig.h"

static void all_sizes(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, PAGING_USER), PAGING_OK);
    assert_status(rig_map_to(PLACE + GIB + 2 * MIB, DEVICE_FRAME, NX), PAGING_OK);
    assert_status(rig_map(PLACE + GIB + 2 * MIB + 4 * KIB, RW | PAGING_USER), PAGING_OK);
    struct paging_translation translation;
    assert_status(paging_translate(&rig.space, (paging_virt_t){PLACE + 0x2345678}, &translation), PAGING_OK);
    assert_int_equal(translation.address.value, FRAME_1G * PAGING_PAGE_BYTES + 0x2345678);
    assert_int_equal(translation.size, PAGING_1G);
    static const uint64_t offsets[] = {0,
                                       GIB - 1,
                                       GIB,
                                       GIB + 2 * MIB - 1,
                                       GIB + 2 * MIB,
                                       GIB + 2 * MIB + 0xfff,
                                       GIB + 2 * MIB + 0x1234,
                                       GIB + 2 * MIB + 0x2000,
                                       2 * GIB,
                                       SLOT_BYTES};
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
        rig_translate(PLACE + offsets[i]);
    rig_check();
}

static void not_canonical(void **state)
{
    rig_open();
    uint64_t gap = 1ull << (11 + 9 * rig.model.levels);
    rig_translate(gap);
    rig_translate(0 - gap - 1);
    rig_translate(1ull << 63);
    rig_translate(gap - 1);
    rig_translate(0 - gap);
    rig_translate(UINT64_MAX);
    rig_translate(0);
}

/* Entries above the leaf may be narrower: W and U need every level, one NX is enough. */
static void rights_of_all_levels(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | PAGING_USER), PAGING_OK);
    const struct walker *walker = machine_walker();
    uint64_t table = walker->root;
    for (unsigned level = walker->levels; level > 1; level--) {
        volatile uint64_t *entry = walker->entry(table, paging_page_index(rig_page(PLACE), level));
        uint64_t whole = *entry;
        static const uint64_t flips[] = {PAGING_WRITABLE, PAGING_USER, PAGING_NO_EXECUTE,
                                         PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE};
        for (unsigned i = 0; i < 4; i++) {
            *entry = whole ^ flips[i];
            machine_flush_all();
            rig_translate(PLACE + 0x123);
        }
        *entry = whole;
        machine_flush_all();
        table = walker_entry_frame(walker, level, whole);
    }
    rig_check();
}

static void tables_through_the_window(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2)),
                             DEVICE_FRAME, RW),
                  PAGING_OK);
    const struct walker *walker = machine_walker();
    uint64_t table = walker->root;
    for (unsigned level = walker->levels; level >= 1; level--) {
        uint64_t window = rig_window(level, PLACE);
        rig_translate(window);
        rig_translate(window + 0xff8);
        struct walk walk = walker_walk(walker, NULL, window, WALK_WRITE, false);
        assert_false(walk.faulted);
        assert_int_equal(walk.frame, table);
        assert_refused(window, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
        assert_refused(window, WALK_USER, WALK_PRESENT | WALK_USER);
        assert_allowed(window, WALK_WRITE);
        table = walker_entry_frame(walker, level,
                                   *walker->entry(table, paging_page_index(rig_page(PLACE), level)));
    }
    rig_translate(rig_window(1, PLACE + 2 * MIB));
    rig_translate(rig_window(2, PLACE + GIB));
    rig_translate(rig_window(3, PLACE + SLOT_BYTES));
    rig_check();
}

/* Through the windows of the missing tables, a huge leaf appears as a smaller leaf. */
static void huge_leaves_through_the_window(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW | PAGING_WRITE_THROUGH), PAGING_OK);
    machine_fill(FRAME_1G);
    machine_fill(FRAME_1G + 1);
    machine_fill(FRAME_2M);
    assert_reads(rig_window(2, PLACE), FRAME_1G);
    assert_reads(rig_window(1, PLACE), FRAME_1G);
    assert_reads(rig_window(1, PLACE + 2 * MIB), FRAME_1G + 1);
    assert_reads(rig_window(1, PLACE + GIB), FRAME_2M);
    static const uint64_t places[] = {0, 2 * MIB, GIB - 1, GIB, GIB + 2 * MIB};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++)
        for (unsigned level = 1; level <= rig.model.levels; level++)
            rig_translate(rig_window(level, PLACE + places[i]) + 0x18);
    rig_check();
}

/* An entry on the way to the address is changed without the core. */
/* The operations that change the map refuse such an entry too, and change nothing. */
static void changing_operations_refuse_it(void)
{
    struct paging_translation translation;
    struct paging_unmapped unmapped;
    paging_page_t page = rig_page(PLACE);
    if (paging_translate(&rig.space, (paging_virt_t){PLACE}, &translation) != PAGING_MALFORMED)
        return;
    machine_snapshot();
    assert_status(paging_map_to(&rig.space, page, (paging_frame_t){DEVICE_FRAME}, RW, machine_frames()),
                  PAGING_MALFORMED);
    assert_status(paging_map(&rig.space, page, RW, machine_frames()), PAGING_MALFORMED);
    assert_status(paging_unmap(&rig.space, page, machine_frames(), &unmapped), PAGING_MALFORMED);
    assert_true(machine_unchanged());
}

static void malformed_at(unsigned level, uint64_t clear, uint64_t set)
{
    const struct walker *walker = machine_walker();
    uint64_t table = walker->root;
    for (unsigned at = walker->levels; at > level; at--)
        table = walker_entry_frame(walker, at, *walker->entry(table, paging_page_index(rig_page(PLACE), at)));
    volatile uint64_t *entry = walker->entry(table, paging_page_index(rig_page(PLACE), level));
    uint64_t whole = *entry;
    *entry = (whole & ~clear) | set;
    machine_flush_all();
    rig_translate(PLACE + 0x123);
    changing_operations_refuse_it();
    *entry = whole;
    machine_flush_all();
}

static void malformed(void **state)
{
    struct machine_setup setup = rig_setup();
    setup.no_execute = setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    uint64_t beyond = 1ull << setup.physical_bits;
    for (unsigned level = 1; level <= setup.levels; level++) {
        malformed_at(level, 0, PAGING_NO_EXECUTE);
        if (level == 1)
            malformed_at(level, 0, beyond);
        if (level >= 3)
            malformed_at(level, PAGING_FRAME_MASK, PAGING_HUGE);
    }
    malformed_at(2, PAGING_FRAME_MASK, PAGING_HUGE | 0x2000);
    malformed_at(2, PAGING_FRAME_MASK, PAGING_HUGE | 0x100000);
    malformed_at(2, 0, PAGING_PRESENT); /* and back */
    rig_check();
}

static void changes_nothing(void **state)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map(PLACE + GIB, RW), PAGING_OK);
    machine_snapshot();
    machine_reset_log();
    static const uint64_t places[] = {0, 4 * KIB, 2 * MIB, GIB, GIB + 4 * KIB, SLOT_BYTES};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++)
        rig_translate(PLACE + places[i]);
    assert_int_equal(machine_flushes(), 0);
    assert_int_equal(machine_stores(), 0);
    assert_true(machine_unchanged());
}

/* Before the space is active its tables are reached by direct map: the firmware's mapping. */
static void before_it_is_active(void **state)
{
    rig_open();
    paging_mark_inactive(&rig.space, machine_offset());
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_int_equal(machine_flushes(), 0);
    rig_translate(PLACE + 0x123);
    rig_translate(PLACE + GIB + 0x12345);
    rig_translate(rig_window(1, PLACE));
    paging_mark_active(&rig.space);
    rig_translate(PLACE + 0x123);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_unmap(PLACE + GIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("translate: through 1 GiB, 2 MiB and 4 KiB pages", all_sizes),
    RIG_TEST("translate: canonical boundaries", not_canonical),
    RIG_TEST("translate: AND of W and U, OR of NX over all levels", rights_of_all_levels),
    RIG_RECURSIVE_TEST("translate: window addresses lead to the tables", tables_through_the_window),
    RIG_RECURSIVE_TEST("translate: huge pages leak into the windows", huge_leaves_through_the_window),
    RIG_TEST("translate, map, unmap: an entry the processor would refuse is malformed", malformed),
    RIG_TEST("translate: changes nothing, flushes nothing", changes_nothing),
    RIG_TEST("space: the same operations before and after it is active", before_it_is_active),
};

RIG_MAIN("translate", tests)
