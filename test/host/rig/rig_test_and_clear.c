/* SPDX-License-Identifier: MIT */
/* Judge of test_and_clear. */
#include "rig/rig_internal.h"
#include <selfmap/test_and_clear.h>

/*
 * What must be shown next. The processor may set accessed bits meanwhile, but only if they are not asked
 * for.
 */
static struct {
    uint64_t at, end, which, late;
    unsigned next; /* in the map as it was */
} progress;

static uint64_t touched_of(const struct model_leaf *leaf)
{
    return leaf->marker ? 0 : leaf->flags & progress.which;
}

/* Returns the next leaf of the range that has any of the bits, or NULL. */
static const struct model_leaf *next_touched(void)
{
    const struct model *model = rig.at->model;
    while (progress.next < model->count && model->leaves[progress.next].page < progress.end) {
        const struct model_leaf *leaf = &model->leaves[progress.next++];
        if (touched_of(leaf))
            return leaf;
    }
    return NULL;
}

static enum paging_visit judge_shown(void *context, const struct paging_entry_info *info)
{
    const struct model_leaf *leaf = next_touched();
    (void)context;
    assert_non_null(leaf);
    uint64_t end = leaf->page + paging_level_pages(leaf->size);
    uint64_t first = leaf->page > progress.at ? leaf->page : progress.at;
    end = end < progress.end ? end : progress.end;
    assert_int_equal(info->kind, PAGING_KIND_LEAF);
    assert_int_equal(info->level, leaf->size);
    assert_int_equal(info->first.number, first);
    assert_int_equal(info->pages, end - first);
    assert_int_equal(info->flags, touched_of(leaf));
    assert_int_equal(paging_leaf_frame(info->entry, info->level).number, leaf->frame);
    assert_int_equal((info->entry.bits & TOUCHED) | progress.late, (leaf->flags & TOUCHED) | progress.late);
    return PAGING_VISIT_NEXT;
}

static void clear_pages(uint64_t page, uint64_t pages, uint64_t which)
{
    for (unsigned i = model_first(&rig_after, page); i < rig_after.count; i++) {
        struct model_leaf *leaf = &rig_after.leaves[i];
        uint64_t end = leaf->page + paging_level_pages(leaf->size);
        if (leaf->page >= page + pages)
            return;
        if (leaf->page >= page && end <= page + pages)
            leaf->flags &= ~which;
    }
}

/*
 * Dirty bits that were to be cleared are clear, and no others. Accessed bits the processor may have set anew
 * after the store.
 */
static void check_cleared(uint64_t page, uint64_t pages)
{
    for (unsigned i = model_first(rig.at->model, page); i < rig.at->model->count; i++) {
        const struct model_leaf *leaf = &rig.at->model->leaves[i];
        if (leaf->page >= page + pages)
            return;
        uint64_t entry = rig_walk(rig_address(leaf->page)).entry;
        if (!leaf->marker)
            assert_int_equal(entry & PAGING_DIRTY, leaf->flags & PAGING_DIRTY);
    }
}

enum paging_status rig_test_and_clear(uint64_t start, uint64_t bytes, uint64_t which)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    if (!refusals && (which == 0 || (which & ~TOUCHED)))
        refusals = 1u << PAGING_BAD_FLAGS;
    if (!refusals) {
        rig_expect_cleared(page, pages, which);
        clear_pages(page, pages, which);
    }
    progress.at = page;
    progress.end = page + (refusals ? 0 : pages);
    progress.which = which;
    progress.late = which & PAGING_ACCESSED ? 0 : PAGING_ACCESSED;
    progress.next = refusals ? rig.at->model->count : model_first(rig.at->model, page);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_test_and_clear(rig.at->space, (paging_virt_t){start}, bytes, which, judge_shown, NULL);
    if (status == PAGING_OK)
        assert_null(next_touched());
    (void)rig_judge_range(status, pages);
    if (status == PAGING_OK)
        check_cleared(page, pages);
    return status;
}
