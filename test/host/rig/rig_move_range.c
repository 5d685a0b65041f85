/* SPDX-License-Identifier: MIT */
/* Judge of move_range. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

/* Where the range is, and how far it moves. */
struct move {
    uint64_t page, pages, delta;
};

static bool is_in(const struct move *move, uint64_t page)
{
    return page >= move->page && page - move->page < move->pages;
}

/* Returns what the leaf, of which a page is in the range, has against moving. */
static unsigned leaf_refusals(const struct move *move, const struct model_leaf *leaf)
{
    uint64_t span = paging_level_pages(leaf->size);
    if (!is_in(move, leaf->page) || !is_in(move, leaf->page + span - 1))
        return 1u << (leaf->marker ? PAGING_MARKED : PAGING_INSIDE_HUGE);
    return move->delta % span ? 1u << PAGING_MISALIGNED : 0;
}

/* The answer may be about the old place or the new one. */
static unsigned place_refusals(const struct move *move)
{
    const struct model *model = rig.at->model;
    uint64_t to = move->page + move->delta;
    unsigned refusals = 0;
    for (unsigned i = model_first(model, move->page); i < model->count; i++) {
        if (model->leaves[i].page >= move->page + move->pages)
            break;
        refusals |= leaf_refusals(move, &model->leaves[i]);
    }
    for (unsigned i = model_first(model, to); i < model->count; i++) {
        if (model->leaves[i].page >= to + move->pages)
            break;
        refusals |= 1u << (model->leaves[i].marker ? PAGING_MARKED : PAGING_ALREADY_MAPPED);
    }
    return refusals;
}

static unsigned move_refusals(struct move *move, uint64_t to, uint64_t bytes)
{
    unsigned refusals = model_range_refusals(rig.at->model, to, bytes);
    if (!(refusals & 1u << PAGING_NOT_CANONICAL))
        refusals |= rig_space_refusals(rig_page(to).number);
    if (refusals)
        return refusals;
    uint64_t place = rig_page(to).number;
    uint64_t distance = place > move->page ? place - move->page : move->page - place;
    move->delta = place - move->page;
    if (model_is_upper(&rig.model, place) != model_is_upper(&rig.model, move->page))
        return 1u << PAGING_RANGE_TOO_LONG;
    return distance < move->pages ? 1u << PAGING_RANGE_TOO_LONG : place_refusals(move);
}

/*
 * A table that maps nothing outside of the range is linked anew, unless spaces share it or it is not
 * aligned.
 */
static bool moves_whole(const struct move *move, unsigned level, uint64_t page)
{
    uint64_t span = paging_level_pages(level + 1), first = page - page % span;
    return is_in(move, first) && is_in(move, first + span - 1) && move->delta % span == 0 &&
           !model_is_shared_table(rig.at->model, level, page);
}

/*
 * It is not in a table that moves. A marker that moves so is the core's afterwards, whoever has written it.
 */
static bool moves_alone(const struct move *move, const struct model_leaf *leaf)
{
    bool alone = true;
    for (unsigned level = leaf->size; level < rig.model.levels; level++)
        alone = alone && !moves_whole(move, level, leaf->page);
    return alone;
}

static void move_leaves(const struct move *move)
{
    static struct model moved;
    moved.count = 0;
    for (unsigned i = model_first(&rig_after, move->page);
         i < rig_after.count && is_in(move, rig_after.leaves[i].page); i++)
        moved.leaves[moved.count++] = rig_after.leaves[i];
    for (unsigned i = 0; i < moved.count; i++) {
        model_remove(&rig_after, moved.leaves[i].page);
        if (moved.leaves[i].marker && moves_alone(move, &moved.leaves[i]))
            moved.leaves[i].marker = marker_of(value_of_marker(moved.leaves[i].marker));
        moved.leaves[i].page += move->delta;
        model_add(&rig_after, moved.leaves[i]);
    }
}

/* Returns the number of tables that are missing at the new place, without those that move there. */
static unsigned tables_needed(const struct move *move)
{
    unsigned tables = 0;
    for (unsigned level = 1; level < rig.model.levels; level++) {
        uint64_t last = UINT64_MAX;
        for (unsigned i = model_first(rig.at->model, move->page); i < rig.at->model->count; i++) {
            const struct model_leaf *leaf = &rig.at->model->leaves[i];
            uint64_t to = leaf->page + move->delta, table = to / paging_level_pages(level + 1);
            if (!is_in(move, leaf->page))
                break;
            if (leaf->size > level || table == last || moves_whole(move, level, leaf->page))
                continue;
            last = table;
            tables += !model_has_table(rig.at->model, level, to);
        }
    }
    return tables;
}

enum paging_status rig_move_range(uint64_t from, uint64_t to, uint64_t bytes)
{
    struct move move = {.pages = bytes / PAGING_PAGE_BYTES};
    unsigned refusals = rig_range_refusals(from, bytes, &move.page);
    if (!refusals)
        refusals = move_refusals(&move, to, bytes);
    if (!refusals && tables_needed(&move) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    if (!refusals) {
        move_leaves(&move);
        rig_expect_moved(move.page, move.pages);
    }
    if (!refusals && model_is_equal(&rig_after, rig.at->model))
        machine_snapshot();
    rig_look_before(refusals);
    enum paging_status status =
        paging_move_range(rig.at->space, (paging_virt_t){from}, (paging_virt_t){to}, bytes, machine_frames());
    return rig_judge_range(status, move.pages);
}
