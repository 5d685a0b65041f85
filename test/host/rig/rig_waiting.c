/* SPDX-License-Identifier: MIT */
/* What waits for the end of a gather. */
#include "rig/rig_internal.h"
#include "rig/waiting.h"

struct waiting waiting;

bool rig_is_gathering(void)
{
    return waiting.is_open;
}

const struct model_leaf *rig_waiting_at(uint64_t page)
{
    const struct model_leaf *leaf = model_at(&waiting.leaves, page);
    return leaf && !leaf->marker ? leaf : NULL;
}

unsigned rig_count_waiting(void)
{
    unsigned count = 0;
    for (unsigned i = 0; waiting.is_open && i < waiting.leaves.count; i++)
        count += !waiting.leaves.leaves[i].marker;
    return count;
}

void waiting_add(struct model_leaf leaf)
{
    const struct model_leaf *other;
    while ((other = model_overlap(&waiting.leaves, leaf.page, paging_level_pages(leaf.size)))) {
        assert_int_not_equal(other->marker, 0);
        model_remove(&waiting.leaves, other->page);
    }
    model_add(&waiting.leaves, leaf);
    waiting.pending += rig.at == rig.active && !leaf.marker;
}

/* A leaf waits together with all that the entry would map which names it, or its highest table that went. */
bool rig_waits(uint64_t page, uint64_t pages)
{
    for (unsigned i = 0; waiting.is_open && i < waiting.leaves.count; i++) {
        const struct model_leaf *leaf = &waiting.leaves.leaves[i];
        unsigned level = leaf->size;
        while (level < rig.model.levels && !model_has_table(rig.at->model, level, leaf->page))
            level++;
        uint64_t span = paging_level_pages(level), first = leaf->page & ~(span - 1);
        if (leaf->marker && level == leaf->size)
            continue;
        if (first < page + pages && page < first + span)
            return true;
    }
    return false;
}

void waiting_end(void)
{
    waiting.leaves.count = 0;
    waiting.count = 0;
    waiting.pending = 0;
    waiting.has_changed = false;
}

unsigned waiting_count_flushes(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < machine_flushes(); i++)
        count += !model_is_scratch_slot(rig.at->model, rig_page(machine_flushed(i)).number);
    return count;
}

/* Of two ranges: nothing lies between this end and that start, except pages of one P1. */
static bool are_near(uint64_t end, uint64_t start)
{
    uint64_t pages = PAGING_TABLE_ENTRIES;
    return start <= end || (start & ~(pages - 1)) == ((end - 1) & ~(pages - 1));
}

void waiting_add_range(uint64_t start, uint64_t end)
{
    for (struct waiting_range *range = waiting.ranges; range < waiting.ranges + waiting.count; range++)
        if (are_near(range->end, start) && are_near(end, range->at)) {
            range->at = start < range->at ? start : range->at;
            range->end = end > range->end ? end : range->end;
            return;
        }
    if (waiting.count == PAGING_GATHER_RANGES) {
        if (waiting.pending > 0)
            assert_true(waiting_count_flushes() + machine_full_flushes() > 0);
        waiting_end();
        waiting.has_ended_early = true;
    }
    waiting.ranges[waiting.count++] = (struct waiting_range){start, end};
}

void waiting_judge(int frames)
{
    if (waiting.has_ended_early)
        return;
    assert_int_equal(machine_full_flushes(), 0);
    rig_judge_map_flushes();
    assert_int_equal(rig_frames_taken(), frames);
}
