/* SPDX-License-Identifier: MIT */
/* Where each page leads before the call, between stores, and after it. */
#include "stores.h"

#define MOST_PAGES 64u

/* Where a page leads, with its rights, in a word. 0: nowhere. */
static struct {
    uint64_t before[MOST_PAGES], other[MOST_PAGES];
    unsigned pages;
    struct walker walker; /* of the space at hand, active or not */
} watch;

static uint64_t lead_of(uint64_t page)
{
    struct walk walk = walker_walk(&watch.walker, NULL, rig_address(page), WALK_READ, false);
    if (walk.faulted)
        return 0;
    return walk.frame << 4 | 8u | (unsigned)walk.writable << 2 | (unsigned)walk.user << 1 | walk.executable;
}

/* Of two results that differ from the one before, one is torn. */
static void look(void)
{
    for (unsigned page = 0; page < watch.pages; page++) {
        uint64_t lead = lead_of(page);
        if (lead == watch.before[page])
            continue;
        if (watch.other[page] != watch.before[page] && watch.other[page] != lead)
            fail_msg("between stores, page %#x led to %#lx, neither as before nor as after", page,
                     (unsigned long)(watch.other[page] >> 4));
        watch.other[page] = lead;
    }
    machine_fill_tlb();
}

void stores_watch(void)
{
    watch.walker = rig_walker();
    watch.pages =
        (unsigned)paging_level_pages(rig.model.levels) * (rig_has_windows() ? 1 : PAGING_TABLE_ENTRIES);
    assert_true(watch.pages <= MOST_PAGES);
    for (unsigned page = 0; page < watch.pages; page++)
        watch.before[page] = watch.other[page] = lead_of(page);
    machine_observe(look);
}

void stores_judge(void)
{
    for (unsigned page = 0; page < watch.pages; page++)
        if (watch.other[page] != watch.before[page] && lead_of(page) != watch.other[page])
            fail_msg("between stores, page %#x led to %#lx, neither as before nor as after", page,
                     (unsigned long)(watch.other[page] >> 4));
}
