/* SPDX-License-Identifier: MIT */
/*
 * Tests toy tables of three levels: their root is a P3, whose entries span as much as a 1 GiB page. No leaf
 * may be in the root. With four levels a P3 may contain leaves.
 */
#include "rig/runs.h"

static uint64_t lower_half(void)
{
    return paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2) * PAGING_PAGE_BYTES;
}

static void no_leaf_in_the_root(void **state)
{
    rig_open();
    bool allowed = rig.model.levels > PAGING_1G;
    assert_status(rig_map_sized(0, 0, PAGING_1G, RW), allowed ? PAGING_OK : PAGING_NOT_SUPPORTED);
    assert_status(rig_unmap(0), allowed ? PAGING_OK : PAGING_NOT_MAPPED);
    assert_status(rig_map_sized(0, 0, PAGING_2M, RW), PAGING_OK);
}

static unsigned largest(void)
{
    return rig.model.levels > PAGING_1G ? PAGING_1G : PAGING_2M;
}

static void ranges_have_none_either(void **state)
{
    rig_open();
    uint64_t bytes = lower_half(), most = paging_level_pages(largest()) * PAGING_PAGE_BYTES;
    assert_status(rig_map_range(0, 0, bytes, RW), PAGING_OK);
    ASSERT_RUNS(0, {largest(), bytes / most});
    assert_status(rig_split(0), PAGING_OK);
    assert_status(rig_merge_range(0, bytes), PAGING_OK);
    ASSERT_RUNS(0, {largest(), bytes / most});
    assert_status(rig_unmap_range(0, bytes), PAGING_OK);
    assert_status(rig_map_range_alloc(0, bytes, RW), PAGING_OK);
    assert_status(rig_merge_range(0, bytes), PAGING_OK);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("three levels: a page cannot be an entry of the root", no_leaf_in_the_root),
    RIG_TEST("three levels: ranges are mapped and merged to smaller pages", ranges_have_none_either),
};

RIG_MAIN("three levels", tests)
