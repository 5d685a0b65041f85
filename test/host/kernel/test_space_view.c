/* SPDX-License-Identifier: MIT */
/* space_view: a picture's runs cover the whole address space, and say what the tables say. */
#include "kernel/display/space_view.h"
#include "rig/rig.h"

static struct space_view view;

/* Takes the view, and checks that its runs lie side by side from the first page to the last. */
static void take(void)
{
    uint64_t next = 0, pages[SPACE_CLASS_COUNT] = {0};
    assert_true(space_view_take(&view, &rig.space));
    assert_true(view.complete);
    for (unsigned i = 0; i < view.count; i++) {
        const struct space_run *run = &view.runs[i];
        assert_int_equal(run->first.number, next);
        assert_true(run->pages > 0);
        assert_true(i == 0 || run->class != run[-1].class || run->level != run[-1].level);
        pages[run->class] += run->pages;
        next += run->pages;
    }
    assert_int_equal(next, paging_page_limit(rig_levels));
    for (unsigned class = 0; class < SPACE_CLASS_COUNT; class ++)
        assert_int_equal(view.pages[class], pages[class]);
}

/* Returns the run that has the address. */
static const struct space_run *run_at(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    for (unsigned i = 0; i < view.count; i++)
        if (page - view.runs[i].first.number < view.runs[i].pages)
            return &view.runs[i];
    fail_msg("no run has the address");
    return NULL;
}

static void assert_run(uint64_t address, enum space_class class, unsigned level, uint64_t pages)
{
    const struct space_run *run = run_at(address);
    assert_int_equal(run->first.number, rig_page(address).number);
    assert_int_equal(run->class, class);
    assert_int_equal(run->level, level);
    assert_int_equal(run->pages, pages);
}

static void assert_reserved_slot(unsigned slot, enum space_class class)
{
    uint64_t per_slot = paging_level_pages(rig_levels);
    assert_run(rig_address(slot * per_slot), class, 0, per_slot);
    assert_int_equal(view.slots[slot], class);
    assert_int_equal(view.pages[class], per_slot);
}

static void empty_space(void **state)
{
    (void)state;
    rig_open();
    take();
    assert_reserved_slot(PAGING_RECURSIVE_SLOT, SPACE_RECURSIVE);
    assert_reserved_slot(PAGING_ALTERNATE_SLOT, SPACE_ALTERNATE);
    assert_reserved_slot(PAGING_SCRATCH_SLOT, SPACE_SCRATCH);
    assert_int_equal(view.slots[0], SPACE_HOLE);
    assert_int_equal(view.tables[rig_levels], 1);
}

static void classes(void **state)
{
    (void)state;
    rig_open();
    uint64_t upper = rig_address(paging_level_pages(rig_levels) * (PAGING_TABLE_ENTRIES / 2));
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, 0), PAGING_OK); /* the frames do not matter */
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 12 * KIB, DEVICE_FRAME, RW | NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 16 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 20 * KIB, DEVICE_FRAME, RW | NX | PAGING_CACHE_WRITE_COMBINING),
                  PAGING_OK);
    assert_status(rig_map_to(PLACE + 24 * KIB, DEVICE_FRAME, PAGING_USER | NX), PAGING_OK);
    rig_plant_marker(PLACE + 28 * KIB, 1, 0x1234567890abcdee);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, RW | NX), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, NX), PAGING_OK);
    take();
    assert_run(PLACE, SPACE_CODE, PAGING_4K, 2);
    assert_run(PLACE + 8 * KIB, SPACE_READ_ONLY, PAGING_4K, 1);
    assert_run(PLACE + 12 * KIB, SPACE_WRITABLE, PAGING_4K, 1);
    assert_run(PLACE + 16 * KIB, SPACE_WRITABLE_CODE, PAGING_4K, 1);
    assert_run(PLACE + 20 * KIB, SPACE_DEVICE, PAGING_4K, 1);
    assert_run(PLACE + 24 * KIB, SPACE_USER, PAGING_4K, 1);
    assert_run(PLACE + 28 * KIB, SPACE_MARKER, PAGING_4K, 1);
    assert_run(PLACE + 32 * KIB, SPACE_HOLE, 0, 512 - 8);
    assert_run(PLACE + 2 * MIB, SPACE_WRITABLE, PAGING_2M, 1024);
    assert_run(upper, SPACE_READ_ONLY, PAGING_4K, 1);
    assert_int_equal(view.leaves[PAGING_4K], 8);
    assert_int_equal(view.leaves[PAGING_2M], 2);
    assert_int_equal(view.tables[1], 2);
    assert_int_equal(view.slots[PAGING_TABLE_ENTRIES / 2], SPACE_READ_ONLY);
    assert_int_equal(view.slots[PAGING_TABLE_ENTRIES / 2 + 1], SPACE_HOLE);
}

static void huge_pages(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW | NX), PAGING_OK);
    take();
    assert_run(PLACE + GIB, SPACE_WRITABLE, PAGING_1G, paging_level_pages(PAGING_1G));
    assert_int_equal(view.leaves[PAGING_1G], 1);
}

/* Two neighbouring pages with unlike rights, again and again: the picture ends, and says so. */
static void more_runs_than_room(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_range(PLACE, (DEVICE_FRAME + 1) * PAGING_PAGE_BYTES, 2 * MIB, RW | NX), PAGING_OK);
    for (uint64_t page = 0; page < 512; page += 2)
        assert_status(rig_protect_range(PLACE + page * 4 * KIB, 4 * KIB, NX, RW), PAGING_OK);
    assert_true(space_view_take(&view, &rig.space));
    assert_false(view.complete);
    assert_int_equal(view.count, SPACE_RUN_LIMIT);
}

static void unreachable(void **state)
{
    (void)state;
    rig_open();
    enum paging_mode mode = rig.space.mode;
    rig.space.mode = PAGING_MODE_UNREACHABLE;
    assert_false(space_view_take(&view, &rig.space));
    rig.space.mode = mode;
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("space view: an empty space is holes, and reserved root slots", empty_space),
    RIG_TEST("space view: runs by rights, use and page size", classes),
    RIG_TEST("space view: 1 GiB pages", huge_pages),
    RIG_TEST("space view: more runs than there is room for", more_runs_than_room),
    RIG_TEST("space view: tables that cannot be reached", unreachable),
};

RIG_MAIN("space_view", tests)
