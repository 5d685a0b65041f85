/* SPDX-License-Identifier: MIT */
/* Judges of split and merge_range. */
#include "rig/rig_internal.h"
#include <string.h>

static unsigned split_refusals(uint64_t page)
{
    const struct model_leaf *leaf;
    unsigned refusals = rig_leaf_refusals(page, &leaf);
    return leaf && leaf->size == PAGING_4K ? refusals | 1u << PAGING_NOT_HUGE : refusals;
}

enum paging_status rig_split(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    unsigned refusals = split_refusals(page);
    rig_note_touched(page, 1);
    model_copy(&rig_after, rig.at->model);
    rig_expect_no_range_flush();
    if (!refusals) {
        model_split(&rig_after, page);
        rig_expect_split(page);
    }
    rig_look_before_range(refusals);
    return rig_judge_range(paging_split(rig.at->space, (paging_page_t){page}, machine_frames()), 1);
}

/* Are these leaves, as many as fill a table, the parts of one of the next size, and none was shared? */
static bool fit_together(const struct model_leaf *leaf)
{
    uint64_t pages = paging_level_pages(leaf->size);
    if ((leaf->page | leaf->frame) % paging_level_pages(leaf->size + 1) != 0)
        return false;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        if (leaf[i].size != leaf->size || leaf[i].page != leaf->page + i * pages ||
            leaf[i].frame != leaf->frame + i * pages || leaf[i].owned != leaf->owned || leaf[i].marker ||
            ((leaf[i].flags ^ leaf->flags) & ~TOUCHED) || (leaf[i].flags & MODEL_SHARED))
            return false;
    return true;
}

static void join(struct model *model, unsigned place)
{
    struct model_leaf *leaf = &model->leaves[place];
    for (unsigned i = 1; i < PAGING_TABLE_ENTRIES; i++)
        leaf->flags |= leaf[i].flags;
    leaf->size++;
    memmove(leaf + 1, leaf + PAGING_TABLE_ENTRIES,
            (model->count - place - PAGING_TABLE_ENTRIES) * sizeof(*leaf));
    model->count -= PAGING_TABLE_ENTRIES - 1;
}

static void merge_pages(struct model *model, uint64_t page, uint64_t pages)
{
    for (unsigned size = 1; model_has_size(model, &rig.at->space->cpu, size + 1); size++)
        for (unsigned i = model_first(model, page); i + PAGING_TABLE_ENTRIES <= model->count; i++) {
            const struct model_leaf *leaf = &model->leaves[i];
            if (leaf->page < page || leaf->size != size)
                continue;
            if (leaf->page + paging_level_pages(size + 1) > page + pages)
                break;
            if (fit_together(leaf)) {
                rig_expect_merged(leaf->page, size);
                join(model, i);
            }
        }
}

enum paging_status rig_merge_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    if (!refusals)
        merge_pages(&rig_after, page, pages);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_merge_range(rig.at->space, (paging_virt_t){start}, bytes, machine_frames());
    return rig_judge_range(status, pages);
}
