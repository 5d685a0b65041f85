/* PAGING_REPLACE_MARKER: an entry of the owner's gives way to a page that covers just what it did. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include "rig/runs.h"

#define RW   PAGING_WRITABLE
#define OVER PAGING_REPLACE_MARKER

/* A P1 and the P2 above it, each with an entry of the owner's; and one in the P3. */
static void open_with_entries(void)
{
    rig_open();
    machine_break_huge();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 0xbeef0);
    rig_plant_marker(PLACE + 12 * KIB, 1, PAGING_OWNED); /* looks like what unmapping gives back */
    rig_plant_marker(PLACE + 2 * MIB, 2, PAGING_HUGE);
    rig_plant_marker(PLACE + GIB, 3, 0x8000000000000000);
    machine_fill_tlb();
}

/* The page was not present, so nobody remembers it; no table is new, so there is nothing to flush at all. */
static void took_no_table(uint64_t frames, uint64_t tables)
{
    assert_int_equal(machine_frames_out(), frames);
    assert_int_equal(rig.space.tables, tables);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
}

static void single_pages(void **state)
{
    (void)state;
    open_with_entries();
    uint64_t out = machine_frames_out(), tables = rig.space.tables;
    machine_limit_frames(0);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME + 1, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW | OVER), PAGING_OK);
    took_no_table(out, tables);
    assert_status(rig_map(PLACE + 12 * KIB, RW | OVER), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    assert_status(rig_map(PLACE + 12 * KIB, RW | OVER), PAGING_OK);
    took_no_table(out + 1, tables);
    static const uint64_t pages[] = {4 * KIB, 12 * KIB, 2 * MIB, GIB};
    for (unsigned i = 0; i < 4; i++) {
        assert_allowed(PLACE + pages[i], WALK_WRITE);
        assert_status(rig_map_to(PLACE + pages[i], DEVICE_FRAME, RW | OVER),
                      i < 2 ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE);
        assert_status(rig_unmap(PLACE + pages[i]), PAGING_OK);
    }
    machine_unlimit_frames();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Where nothing is reserved the flag changes nothing, and it reaches no entry. */
static void elsewhere_it_means_nothing(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | OVER), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW | OVER), PAGING_OK);
    assert_status(rig_map(PLACE + 8 * KIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW | OVER), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 16 * KIB, 8 * KIB, RW | OVER), PAGING_OK);
    for (unsigned i = 0; i < 6; i++)
        if (i != 3)
            assert_int_equal(leaf_of(PLACE + i * PAGING_PAGE_BYTES) & OVER, 0);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_protect_range(PLACE, 4 * KIB, OVER, 0), PAGING_BAD_FLAGS);
    assert_status(rig_protect_range(PLACE, 4 * KIB, 0, OVER), PAGING_BAD_FLAGS);
    uint64_t window = rig_address(paging_level_pages(rig.model.levels) * PAGING_RECURSIVE_SLOT);
    assert_status(rig_map_to(window, DEVICE_FRAME, RW | OVER), PAGING_RESERVED_SLOT);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, OVER | PAGING_GLOBAL), PAGING_BAD_FLAGS);
}

/* Smaller or larger than what the entry covered. */
static void other_sizes_are_refused(void **state)
{
    (void)state;
    open_with_entries();
    assert_status(rig_map_to(PLACE + 2 * MIB, DEVICE_FRAME, RW | OVER), PAGING_MARKED);
    assert_status(rig_map(PLACE + 3 * MIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_to(PLACE + GIB + 4 * KIB, DEVICE_FRAME, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_2M, PAGING_2M, RW | OVER), PAGING_MARKED);
    assert_status(rig_unmap(PLACE), PAGING_OK); /* what is left in the P1 is the owner's */
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW | OVER), PAGING_ALREADY_MAPPED);
    rig_plant_marker(PLACE + SLOT_BYTES, 4, 2);
    assert_status(rig_map_sized(PLACE + SLOT_BYTES, FRAME_1G, PAGING_1G, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_range(PLACE + SLOT_BYTES, DEVICE_1G, SLOT_BYTES, RW | OVER), PAGING_MARKED);
}

/* Some pages of the range are the owner's and some are unused; and each is refused without the flag. */
static void small_pages_of_a_range(void **state)
{
    (void)state;
    for (unsigned owned = 0; owned < 2; owned++) {
        open_with_entries();
        uint64_t start = PLACE + 4 * KIB, bytes = 2 * MIB - 4 * KIB;
        rig_plant_marker(PLACE + 2 * MIB - 4 * KIB, 1, 6);
        unsigned out = machine_frames_out();
        assert_status(rig_map_range_alloc(start, bytes, RW), PAGING_MARKED);
        assert_status(rig_map_range(start, DEVICE_1G + 4 * KIB, bytes, RW), PAGING_MARKED);
        if (owned)
            assert_status(rig_map_range_alloc(start, bytes, RW | OVER), PAGING_OK);
        else
            assert_status(rig_map_range(start, DEVICE_1G + 4 * KIB, bytes, RW | OVER), PAGING_OK);
        assert_int_equal(machine_frames_out() - out, owned ? 511 : 0);
        assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
        ASSERT_RUNS(PLACE, {1, 512}, {0, 512});
        assert_allowed(PLACE + 2 * MIB - 8, WALK_WRITE);
        assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
    }
}

/* A huge page that fits would cover the P1 in which they are: it is filled up instead. */
static void tables_of_the_owners_are_kept(void **state)
{
    (void)state;
    open_with_entries();
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE, 2 * MIB, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512});
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + 4 * KIB, 1, 2);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_map_range(PLACE, DEVICE_1G, 4 * MIB, RW | OVER), PAGING_OK);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {0, 1});
}

/* Above the P1s, given frames: only if the leaf is sure to have the entry's size. */
static void huge_pages_of_a_range(void **state)
{
    (void)state;
    static const struct {
        uint64_t start, to, bytes;
        bool fits;
    } ranges[] = {
        {2 * MIB, DEVICE_1G, 2 * MIB, true},
        {2 * MIB, DEVICE_1G, 2 * MIB - 4 * KIB, false},
        {2 * MIB, DEVICE_1G, 2 * MIB + 4 * KIB, true},
        {2 * MIB - 4 * KIB, DEVICE_1G - 4 * KIB, 2 * MIB + 8 * KIB, true},
        {2 * MIB - 4 * KIB, DEVICE_1G, 2 * MIB + 8 * KIB, false}, /* the frames lie otherwise */
        {2 * MIB + 4 * KIB, DEVICE_1G + 4 * KIB, 2 * MIB, false},
        {2 * MIB, DEVICE_1G, 2 * GIB - 2 * MIB, false}, /* the frames of the other entry do */
        {2 * MIB, DEVICE_1G + 2 * MIB, 2 * GIB - 2 * MIB, true},
        {GIB, DEVICE_1G, GIB, true},
        {GIB, DEVICE_1G, GIB - 2 * MIB, false},
        {GIB, DEVICE_1G + 2 * MIB, GIB, false},
        {GIB + 2 * MIB, DEVICE_1G + 2 * MIB, 2 * MIB, false},
        {GIB - 2 * MIB, DEVICE_1G - 2 * MIB, GIB + 4 * MIB, true},
    };
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        open_with_entries();
        uint64_t start = PLACE + ranges[i].start;
        assert_status(rig_map_range(start, ranges[i].to, ranges[i].bytes, RW), PAGING_MARKED);
        assert_status(rig_map_range(start, ranges[i].to, ranges[i].bytes, RW | OVER),
                      ranges[i].fits ? PAGING_OK : PAGING_MARKED);
        if (ranges[i].fits)
            assert_allowed(start + ranges[i].bytes - 8, WALK_WRITE);
    }
    struct machine_setup setup = rig_setup();
    setup.pages_1g = false;
    rig_open_on(setup);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    rig_plant_marker(PLACE + GIB, 3, 2);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, GIB, RW | OVER), PAGING_MARKED);
}

/* The source may lack a frame of that size: what cannot be promised is refused, even if it has one. */
static void huge_frames_are_never_sure(void **state)
{
    (void)state;
    open_with_entries();
    assert_status(rig_map_range_alloc(PLACE + 2 * MIB, 2 * MIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_range_alloc(PLACE + 4 * KIB, 4 * MIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_range_alloc(PLACE + GIB, GIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_range_alloc(PLACE + GIB + 2 * MIB, 4 * KIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_range_alloc(PLACE + 4 * MIB, 2 * MIB, RW | OVER), PAGING_OK);
}

static void first_in_the_way_is_named(void **state)
{
    (void)state;
    open_with_entries();
    assert_status(rig_map_range(PLACE, DEVICE_1G, 8 * KIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G, 2 * MIB, RW | OVER), PAGING_MARKED);
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + 4 * KIB, DEVICE_1G, 2 * MIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE + 4 * KIB, 12 * KIB, RW | OVER), PAGING_ALREADY_MAPPED);
    assert_status(rig_map_range_alloc(PLACE + 12 * KIB, 4 * KIB, RW | OVER), PAGING_OK);
}

/* Pages that are filled when they are touched: the fault, whose page it is, the frame, and again. */
static void filled_when_touched(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < 8; i++)
        assert_status(
            paging_set_marker(&rig.space, rig_page(PLACE + i * PAGING_PAGE_BYTES), 100 + i, machine_frames()),
            PAGING_OK);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t page = PLACE + (i * 3 % 8) * PAGING_PAGE_BYTES;
        struct paging_walk_result path;
        assert_refused(page, WALK_WRITE, WALK_WRITE);
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){page}, &path), PAGING_MARKED);
        assert_int_equal(paging_marker_value(path.entries[path.level]), 100 + i * 3 % 8);
        assert_status(paging_map(&rig.space, rig_page(page), RW | OVER, machine_frames()), PAGING_OK);
        assert_allowed(page, WALK_WRITE);
        machine_audit();
    }
    assert_status(
        paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 8 * PAGING_PAGE_BYTES, machine_frames()),
        PAGING_OK);
    rig_check();
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("over reserved: a page of each size, no table, no flush", single_pages),
    RIG_TEST("over reserved: where nothing is reserved it means nothing", elsewhere_it_means_nothing),
    RIG_TEST("over reserved: another size than the entry's is refused", other_sizes_are_refused),
    RIG_TEST("over reserved: small pages of a range", small_pages_of_a_range),
    RIG_TEST("over reserved: the table they are in is filled up", tables_of_the_owners_are_kept),
    RIG_TEST("over reserved: huge pages of a range, if they cover just the entry", huge_pages_of_a_range),
    RIG_TEST("over reserved: never by a huge frame that may be lacking", huge_frames_are_never_sure),
    RIG_TEST("over reserved: the first in the way is named", first_in_the_way_is_named),
    RIG_TEST("over reserved: pages are filled when they are touched", filled_when_touched),
};

RIG_MAIN("over reserved", tests)
