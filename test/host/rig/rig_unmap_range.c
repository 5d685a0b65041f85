/* SPDX-License-Identifier: MIT */
/* Judge of unmap_range. */
#include "rig/rig_internal.h"
#include <string.h>

static void unmap_pages(struct model *model, uint64_t page, uint64_t pages)
{
    model_split_boundary(model, page, 0, PAGING_PRESENT);
    model_split_boundary(model, page + pages, 0, PAGING_PRESENT);
    unsigned first = model_first(model, page), end = first;
    while (end < model->count && model->leaves[end].page < page + pages)
        end++;
    memmove(&model->leaves[first], &model->leaves[end], (model->count - end) * sizeof(*model->leaves));
    model->count -= end - first;
}

unsigned rig_unmap_range_refusals(uint64_t start, uint64_t bytes, uint64_t *page)
{
    unsigned refusals = rig_range_refusals(start, bytes, page);
    if (!refusals)
        unmap_pages(&rig_after, *page, bytes / PAGING_PAGE_BYTES);
    return refusals;
}

enum paging_status rig_unmap_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_unmap_range_refusals(start, bytes, &page);
    if (!refusals)
        rig_expect_unmapped(page, pages);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_unmap_range(rig.at->space, (paging_virt_t){start}, bytes, machine_frames());
    return rig_judge_range(status, pages);
}
