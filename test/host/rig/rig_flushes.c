/* SPDX-License-Identifier: MIT */
/* The exact list of flushes of an operation on one page or on a list of pages, as the map demands it. */
#include "rig/page_list.h"
#include "rig/rig_internal.h"

/* A page of each list, and the tables above it, in two windows. */
#define PLACES (MOST_LISTED * 2 * PAGING_MAX_LEVELS)

/* Each address lies within the span of a level. */
static struct {
    unsigned count;
    struct {
        uint64_t address;
        unsigned level;
        bool met;
    } flushes[PLACES];
} expected;

void rig_expect_flush(uint64_t address, unsigned level)
{
    if (expected.count == PLACES)
        fail_msg("more flushes are expected than there is room for");
    expected.flushes[expected.count].met = false;
    expected.flushes[expected.count].address = address;
    expected.flushes[expected.count++].level = level;
}

void rig_expect_no_flush(void)
{
    expected.count = 0;
}

/* A table of the shared half is a page in the windows of the active and of the attached space. */
void rig_expect_window_flush(unsigned window, uint64_t address, unsigned level)
{
    if (!rig_has_windows())
        return;
    if (rig.at == rig.active)
        rig_expect_flush(rig_window(window, address), level);
    if (rig.at == rig.attached || (rig.attached && rig_shares(rig.attached, rig.at) &&
                                   model_is_upper(&rig.model, rig_page(address).number)))
        rig_expect_flush(rig_alternate_window(window, address), level);
}

void rig_expect_leaf_flushes(const struct model_leaf *leaf)
{
    uint64_t start = rig_address(leaf->page);
    if (rig.at == rig.active)
        rig_expect_flush(start, leaf->size);
    for (unsigned level = 1; level < leaf->size; level++)
        rig_expect_window_flush(level, start, leaf->size - level);
}

/* Notes the flush that this one must be. Each is met once. */
static void meet(uint64_t flushed)
{
    unsigned match = 0;
    while (match < expected.count &&
           (expected.flushes[match].met || (flushed ^ expected.flushes[match].address) /
                                               walker_span(machine_walker(), expected.flushes[match].level)))
        match++;
    if (match == expected.count)
        fail_msg("%#lx was flushed for nothing, or twice", (unsigned long)flushed);
    expected.flushes[match].met = true;
}

void rig_judge_flushes(void)
{
    bool is_all = expected.count > RIG_FLUSH_LIMIT;
    assert_int_equal(machine_full_flushes(), is_all);
    if (is_all)
        expected.count = 0;
    for (unsigned i = 0; i < machine_flushes(); i++)
        if (!model_is_scratch_slot(rig.at->model, rig_page(machine_flushed(i)).number))
            meet(machine_flushed(i));
    for (unsigned i = 0; i < expected.count; i++)
        if (!expected.flushes[i].met)
            fail_msg("%#lx was not flushed", (unsigned long)expected.flushes[i].address);
}
