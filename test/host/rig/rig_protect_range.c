/* SPDX-License-Identifier: MIT */
/* Judge of protect_range. */
#include "rig/rig_internal.h"

unsigned rig_change_refusals(uint64_t page, uint64_t set, uint64_t clear)
{
    unsigned refusals = model_flag_refusals(rig.at->model, &rig.at->space->cpu, page, set);
    if (((set | clear) & ~PAGING_LEAF_FLAGS) || ((set | clear) & PAGING_PRESENT) || (set & clear))
        refusals |= 1u << PAGING_BAD_FLAGS;
    return refusals;
}

static void protect_pages(struct model *model, uint64_t page, uint64_t pages, uint64_t set, uint64_t clear)
{
    model_split_boundary(model, page, set, clear);
    model_split_boundary(model, page + pages, set, clear);
    for (unsigned i = model_first(model, page); i < model->count; i++) {
        struct model_leaf *leaf = &model->leaves[i];
        if (leaf->page >= page + pages)
            break;
        leaf->flags = model_changed_flags(leaf, set, clear);
    }
}

unsigned rig_protect_range_refusals(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear,
                                    uint64_t *page)
{
    unsigned refusals = rig_range_refusals(start, bytes, page);
    if (!refusals)
        refusals = rig_change_refusals(*page, set, clear);
    if (!refusals)
        protect_pages(&rig_after, *page, bytes / PAGING_PAGE_BYTES, set, clear);
    return refusals;
}

enum paging_status rig_protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_protect_range_refusals(start, bytes, set, clear, &page);
    if (!refusals)
        rig_expect_protected(page, pages, set, clear);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_protect_range(rig.at->space, (paging_virt_t){start}, bytes, set, clear, machine_frames());
    return rig_judge_range(status, pages);
}
