/* SPDX-License-Identifier: MIT */
/*
 * Tests owned pages in the toy geometry, where all cases can be tried: every range, every number of huge
 * frames that the source may have, and every part of the range that is unmapped or protected. The rig
 * judges the result by its model.
 */
#include "rig/rig.h"

struct pages {
    uint64_t start, count;
};

typedef void part_operation(struct pages part);

static void unmap(struct pages part)
{
    machine_fill_tlb();
    assert_status(rig_unmap_range(rig_address(part.start), part.count * PAGING_PAGE_BYTES), PAGING_OK);
}

static void unmap_then_fill(struct pages part)
{
    unmap(part);
    assert_status(rig_map_range_alloc(rig_address(part.start), part.count * PAGING_PAGE_BYTES, RW),
                  PAGING_OK);
}

static void protect_then_merge(struct pages part)
{
    uint64_t half = paging_level_pages(rig.model.levels);
    machine_fill_tlb();
    assert_status(rig_protect_range(rig_address(part.start), part.count * PAGING_PAGE_BYTES, 0, RW),
                  PAGING_OK);
    assert_status(rig_merge_range(0, half * PAGING_PAGE_BYTES), PAGING_OK);
    assert_status(rig_protect_range(rig_address(part.start), part.count * PAGING_PAGE_BYTES, RW, 0),
                  PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_merge_range(0, half * PAGING_PAGE_BYTES), PAGING_OK);
}

/* Every frame is back, in the run that it was part of. */
static void nothing_is_left(unsigned runs_2m, unsigned runs_1g)
{
    assert_int_equal(rig.model.count, 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    assert_int_equal(machine_runs_left(PAGING_2M), runs_2m);
    assert_int_equal(machine_runs_left(PAGING_1G), runs_1g);
}

static void each_part(struct pages range, unsigned huge, part_operation *operation)
{
    struct pages part;
    unsigned runs_2m = machine_runs_left(PAGING_2M), runs_1g = machine_runs_left(PAGING_1G);
    for (part.start = range.start; part.start < range.start + range.count; part.start++)
        for (part.count = 1; part.start + part.count <= range.start + range.count; part.count++) {
            if (rig.model.levels > 4 && rig_random(12)) /* only some of them: all would take too long */
                continue;
            machine_limit_huge(huge);
            assert_status(rig_map_range_alloc(rig_address(range.start), range.count * PAGING_PAGE_BYTES, RW),
                          PAGING_OK);
            machine_unlimit_huge();
            operation(part);
            unmap(range);
            nothing_is_left(runs_2m, runs_1g);
        }
}

/* Ranges in the lower half. The upper half is the recursive slot. */
static void each_range(part_operation *operation)
{
    for (unsigned pages_1g = 0; pages_1g < 2; pages_1g++) {
        struct machine_setup setup = rig_setup();
        struct pages range;
        setup.pages_1g = pages_1g;
        rig_open_on(setup);
        uint64_t half = paging_level_pages(rig.model.levels);
        for (range.start = 0; range.start < half; range.start++)
            for (range.count = 1; range.start + range.count <= half; range.count++)
                for (unsigned huge = 0; huge <= range.count / paging_level_pages(PAGING_2M) && huge < 4;
                     huge++)
                    each_part(range, huge, operation);
    }
}

static void every_part_is_unmapped(void **state)
{
    each_range(unmap);
}

static void every_part_is_filled_again(void **state)
{
    each_range(unmap_then_fill);
}

static void every_part_is_protected(void **state)
{
    each_range(protect_then_merge);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("owned: every part of every range is unmapped", every_part_is_unmapped),
    RIG_TEST("owned: every part of every range is unmapped and mapped again", every_part_is_filled_again),
    RIG_TEST("owned: every part of every range is protected, and merged again", every_part_is_protected),
};

RIG_MAIN("owned, exhaustive", tests)
