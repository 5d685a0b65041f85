/* SPDX-License-Identifier: MIT */
/* What the judges of all range operations have in common. */
#include "rig/rig_internal.h"

struct model rig_after;

/* A change of at most this many pages must be flushed page by page. */
#define FEW_PAGES 8u

void rig_note_touched(uint64_t page, uint64_t pages)
{
    for (unsigned i = model_first(rig.at->model, page); i < rig.at->model->count; i++) {
        struct model_leaf *leaf = &rig.at->model->leaves[i];
        if (leaf->page >= page && leaf->page - page >= pages)
            return;
        struct walk walk = rig_walk(rig_address(leaf->page));
        if (!leaf->marker && !walk.faulted)
            leaf->flags |= walk.entry & (PAGING_ACCESSED | PAGING_DIRTY);
    }
}

unsigned rig_range_refusals(uint64_t start, uint64_t bytes, uint64_t *page)
{
    unsigned refusals = model_range_refusals(rig.at->model, start, bytes);
    if (!(refusals & 1u << PAGING_NOT_CANONICAL))
        refusals |= rig_space_refusals(rig_page(start).number);
    *page = refusals ? 0 : rig_page(start).number;
    if (!refusals)
        rig_note_touched(*page, bytes / PAGING_PAGE_BYTES);
    model_copy(&rig_after, rig.at->model);
    rig_expect_no_range_flush();
    return refusals;
}

void rig_look_before_range(unsigned refusals)
{
    if (!refusals && model_new_tables(&rig_after, rig.at->model) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    if (!refusals && model_is_equal(&rig_after, rig.at->model))
        machine_snapshot();
    rig_look_before(refusals);
}

/* Tables and owned frames come and go as the leaves demand, and not one more. */
static void judge_frames(void)
{
    unsigned was = model_tables(rig.at->model) + model_owned_frames(rig.at->model);
    unsigned is = model_tables(&rig_after) + model_owned_frames(&rig_after);
    assert_int_equal(rig_frames_taken(), (int)(is - was));
}

enum paging_status rig_judge_range(enum paging_status status, uint64_t pages)
{
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        judge_frames();
        if (!rig_has_windows())
            rig_judge_exact_flushes();
        if (model_is_equal(&rig_after, rig.at->model))
            rig_judge_nothing_changed("nothing to do");
        else if (pages <= FEW_PAGES && model_new_tables(rig.at->model, &rig_after) == 0)
            assert_int_equal(machine_full_flushes(), 0);
        model_copy(rig.at->model, &rig_after);
    }
    rig_check();
    return status;
}
