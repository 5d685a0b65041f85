/* SPDX-License-Identifier: MIT */
/* Judge of find_hole. */
#include "rig/rig_internal.h"
#include <selfmap/find_hole.h>

static unsigned hole_refusals(uint64_t from, uint64_t until, uint64_t bytes, uint64_t alignment)
{
    const struct walker *walker = machine_walker();
    unsigned refusals = rig_is_reachable(rig.at) ? 0 : 1u << PAGING_UNREACHABLE;
    if (bytes == 0 || until - 1 < from)
        refusals |= 1u << PAGING_EMPTY_RANGE;
    if ((from | until | bytes | alignment) % PAGING_PAGE_BYTES != 0 || __builtin_popcountll(alignment) != 1)
        refusals |= 1u << PAGING_MISALIGNED;
    if (walker_canonical(walker, from) != from || walker_canonical(walker, until - 1) != until - 1)
        refusals |= 1u << PAGING_NOT_CANONICAL;
    return refusals;
}

/* Returns the first page from `at` on that is neither mapped nor marked nor reserved. */
static uint64_t first_unused(uint64_t at)
{
    uint64_t slot = paging_level_pages(rig.model.levels);
    for (;;) {
        const struct model_leaf *leaf = model_overlap(rig.at->model, at, 1);
        if (leaf)
            at = leaf->page + paging_level_pages(leaf->size);
        else if (model_is_reserved_slot(rig.at->model, at))
            at = (at / slot + 1) * slot;
        else
            return at;
    }
}

/* Returns where pages that are unused from `at` on end: at the half's end at the latest. */
static uint64_t end_of_unused(uint64_t at)
{
    uint64_t slot = paging_level_pages(rig.model.levels), half = slot * (PAGING_TABLE_ENTRIES / 2);
    uint64_t end = (at / half + 1) * half;
    unsigned next = model_first(rig.at->model, at);
    if (next < rig.at->model->count && rig.at->model->leaves[next].page < end)
        end = rig.at->model->leaves[next].page;
    for (uint64_t reserved = (at / slot + 1) * slot; reserved < end; reserved += slot)
        if (model_is_reserved_slot(rig.at->model, reserved))
            return reserved;
    return end;
}

/* Returns the first of the pages, or UINT64_MAX. It tries every place where one can begin, in order. */
static uint64_t expected_hole(uint64_t at, uint64_t end, uint64_t pages, uint64_t alignment)
{
    while (at < end) {
        uint64_t start = first_unused(at);
        uint64_t aligned = (start + alignment - 1) / alignment * alignment;
        if (aligned != start) {
            at = aligned;
            continue;
        }
        uint64_t unused = end_of_unused(start) < end ? end_of_unused(start) : end;
        if (start < end && pages <= unused - start)
            return start;
        at = start < unused ? unused : end;
    }
    return UINT64_MAX;
}

enum paging_status rig_find_hole(uint64_t from, uint64_t until, uint64_t bytes, uint64_t alignment)
{
    const uint64_t untouched = 0x5a5a;
    uint64_t all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES, page = UINT64_MAX;
    unsigned refusals = hole_refusals(from, until, bytes, alignment);
    if (!refusals)
        page = expected_hole(from / PAGING_PAGE_BYTES % all, (until - 1) / PAGING_PAGE_BYTES % all + 1,
                             bytes / PAGING_PAGE_BYTES, alignment / PAGING_PAGE_BYTES);
    if (!refusals && page == UINT64_MAX)
        refusals = 1u << PAGING_NO_HOLE;
    paging_virt_t start = {untouched};
    machine_snapshot();
    rig_look_before(refusals);
    enum paging_status status = paging_find_hole(rig.at->space, (paging_virt_t){from}, (paging_virt_t){until},
                                                 bytes, alignment, &start);
    rig_judge_one_space(status);
    rig_judge_nothing_changed("it only looks");
    assert_int_equal(machine_stores(), 0);
    assert_int_equal(start.value, status == PAGING_OK ? rig_address(page) : untouched);
    return status;
}
