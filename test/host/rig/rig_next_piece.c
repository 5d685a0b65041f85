/* SPDX-License-Identifier: MIT */
/* Judge of next_piece. */
#include "rig/rig_internal.h"

/* Returns how many leaves and markers have a page in the range. */
static unsigned leaves_in(uint64_t page, uint64_t pages)
{
    const struct model *model = rig.at->model;
    unsigned first = model_first(model, page), end = first;
    while (end < model->count && model->leaves[end].page < page + pages)
        end++;
    return end - first;
}

/* Returns how many tables below the root map something in the range. */
static unsigned tables_in(uint64_t page, uint64_t pages)
{
    const struct model *model = rig.at->model;
    unsigned count = 0;
    for (unsigned level = 1; level < model->levels; level++) {
        uint64_t last = ~(uint64_t)0;
        for (unsigned i = model_first(model, page); i < model->count; i++) {
            const struct model_leaf *leaf = &model->leaves[i];
            uint64_t table = leaf->page / paging_level_pages(level + 1);
            if (leaf->page >= page + pages)
                break;
            count += leaf->size <= level && table != last;
            last = table;
        }
    }
    return count;
}

/* Is there a table on the way to the page, whatever it maps? It may have entries after the range only. */
static bool begins_table(uint64_t page)
{
    bool found = false;
    for (unsigned level = 1; level < rig.model.levels; level++)
        found |= page % paging_level_pages(level + 1) == 0 && model_has_table(rig.at->model, level, page);
    return found;
}

/*
 * The piece does not hold more than the limit; it ends before something, and with what would come next it
 * would hold more.
 */
static void judge_piece(uint64_t page, uint64_t pages, uint64_t limit)
{
    uint64_t piece = rig.piece / PAGING_PAGE_BYTES, p1 = paging_level_pages(PAGING_2M);
    assert_int_equal(rig.piece % PAGING_PAGE_BYTES, 0);
    assert_in_range(piece, 1, pages);
    unsigned held = leaves_in(page, piece);
    assert_true(held <= (limit > 1 ? limit : 1));
    if (piece == pages)
        return;
    const struct model_leaf *next = model_overlap(rig.at->model, page + piece, pages - piece);
    assert_int_not_equal(held, 0);
    bool cuts_p1 = next && next->page == page + piece && next->size == PAGING_4K;
    if (!next)
        assert_true(begins_table(page + piece));
    assert_true(cuts_p1 || (page + piece) % p1 == 0);
    uint64_t first_of_p1 = (page + piece) & ~(p1 - 1), coming = leaves_in(first_of_p1, p1);
    assert_true(held + tables_in(page, piece) + coming + rig.model.levels > limit);
}

enum paging_status rig_next_piece(uint64_t start, uint64_t bytes, uint64_t limit)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    rig.piece = ~(uint64_t)0;
    rig_look_before(refusals);
    enum paging_status status =
        paging_next_piece(rig.at->space, (paging_virt_t){start}, bytes, limit, &rig.piece);
    rig_judge_one_space(status);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_stores(), 0);
    if (status == PAGING_OK)
        judge_piece(page, pages, limit);
    else
        assert_int_equal(rig.piece, ~(uint64_t)0);
    rig_check();
    return status;
}
