/* SPDX-License-Identifier: MIT */
/*
 * Judge of gathers. A program of a few steps, in one number, runs between a begin and an end: calls of the
 * gather, and operations outside it.
 */
#include "rig/gather_program.h"
#include "rig/page_list.h"
#include "rig/rig_internal.h"
#include "rig/waiting.h"
#include <string.h>

static struct paging_gather gather;

/* ---- calls of the gather ---- */

/* The processor may have set the accessed bit meanwhile. */
static enum paging_status unmap_page(uint64_t page)
{
    struct paging_unmapped unmapped;
    const struct model_leaf *found;
    unsigned refusals = rig_whole_leaf_refusals(page, &found);
    struct model_leaf leaf = found ? *found : (struct model_leaf){0};
    uint64_t entry = rig_walk(rig_address(page)).entry;
    memset(&unmapped, 0x5a, sizeof(unmapped));
    rig_look_before(refusals);
    enum paging_status status = paging_gather_unmap(&gather, (paging_page_t){page}, &unmapped);
    rig_judge_one_space(status);
    rig_judge_unmapped(status, &unmapped, &leaf, entry, leaf.owned, PAGING_ACCESSED);
    if (status == PAGING_OK) {
        waiting_add_range(page, page + paging_level_pages(leaf.size));
        waiting_judge(0);
        model_remove(rig.at->model, page);
        waiting_add(leaf);
    }
    return status;
}

/* Stores the leaves that begin in a range, as many as a list has. Returns how many. */
static unsigned find_leaves(uint64_t page, uint64_t end, struct model_leaf *leaves)
{
    unsigned count = 0;
    const struct model *model = rig.at->model;
    for (unsigned i = model_first(model, page); i < model->count && count < LIST_PLACES; i++)
        if (model->leaves[i].page >= page && model->leaves[i].page < end && !model->leaves[i].marker)
            leaves[count++] = model->leaves[i];
    return count;
}

/* Pages of one P1 next to each other in the list wait as one range, and each huge page as one. */
static void note_list(const struct model_leaf *leaves, unsigned count)
{
    for (unsigned i = 0, next; i < count; i = next) {
        uint64_t last_here = leaves[i].page | (PAGING_TABLE_ENTRIES - 1);
        next = i + 1;
        while (leaves[i].size == PAGING_4K && next < count && leaves[next].page <= last_here)
            next++;
        waiting_add_range(leaves[i].page, leaves[next - 1].page + paging_level_pages(leaves[i].size));
        for (unsigned run = i; run < next; run++)
            waiting_add(leaves[run]);
    }
}

/* The leaves in the range, and with `beyond` the page after the last of them. */
static enum paging_status unmap_list(uint64_t page, uint64_t bytes, bool beyond)
{
    static struct model_leaf leaves[MOST_LISTED];
    paging_page_t pages[MOST_LISTED];
    struct paging_unmapped unmapped[MOST_LISTED];
    uint64_t entries[MOST_LISTED];
    unsigned count = find_leaves(page, page + bytes / PAGING_PAGE_BYTES, leaves);
    for (unsigned i = 0; i < count; i++)
        pages[i].number = leaves[i].page;
    if (beyond && count > 0) {
        const struct model_leaf *next, *last = &leaves[count - 1];
        pages[count].number = last->page + paging_level_pages(last->size);
        next = model_at(rig.at->model, pages[count].number);
        leaves[count++] = next ? *next : (struct model_leaf){0};
    }
    unsigned refusals = rig_unmap_list_refusals(pages, count);
    for (unsigned i = 0; i < count; i++)
        entries[i] = refusals ? 0 : rig_walk(rig_address(leaves[i].page)).entry;
    memset(unmapped, 0x5a, sizeof(unmapped));
    rig_look_before(refusals);
    enum paging_status status = paging_gather_unmap_list(&gather, pages, count, unmapped);
    rig_judge_one_space(status);
    for (unsigned i = 0; i < count; i++)
        rig_judge_unmapped(status, &unmapped[i], &leaves[i], entries[i], leaves[i].owned, PAGING_ACCESSED);
    if (status == PAGING_OK) {
        note_list(leaves, count);
        waiting_judge(0);
        for (unsigned i = 0; i < count; i++)
            model_remove(rig.at->model, leaves[i].page);
    }
    return status;
}

static enum paging_status unmap_range(uint64_t start, uint64_t bytes)
{
    static struct model split;
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_unmap_range_refusals(start, bytes, &page), tables = 0;
    if (!refusals) {
        model_copy(&split, rig.at->model);
        model_split_boundary(&split, page, 0, PAGING_PRESENT);
        model_split_boundary(&split, page + pages, 0, PAGING_PRESENT);
        tables = model_new_tables(&split, rig.at->model);
    }
    rig_look_before_range(refusals);
    enum paging_status status = paging_gather_unmap_range(&gather, (paging_virt_t){start}, bytes);
    rig_judge_one_space(status);
    if (status != PAGING_OK)
        return status;
    waiting_add_range(page, page + pages);
    if (!waiting.has_ended_early)
        assert_int_equal(rig_frames_taken(), tables);
    for (unsigned i = model_first(&split, page); i < split.count && split.leaves[i].page < page + pages; i++)
        waiting_add(split.leaves[i]);
    model_copy(rig.at->model, &rig_after);
    return status;
}

static enum paging_status protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    uint64_t page;
    unsigned refusals = rig_protect_range_refusals(start, bytes, set, clear, &page), tables = 0;
    if (!refusals)
        tables = model_new_tables(&rig_after, rig.at->model);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_gather_protect_range(&gather, (paging_virt_t){start}, bytes, set, clear);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig_frames_taken(), tables);
        bool changes = !model_is_equal(&rig_after, rig.at->model);
        waiting.has_changed |= changes;
        waiting.pending += rig.at == rig.active && changes;
        model_copy(rig.at->model, &rig_after);
    }
    return status;
}

/* ---- operations outside of it that carry it out first ---- */

static enum paging_status unmap_outside(uint64_t page)
{
    const struct model_leaf *found;
    unsigned refusals = rig_whole_leaf_refusals(page, &found);
    struct paging_unmapped unmapped;
    bool takes_tables = false;
    model_copy(&rig_after, rig.at->model);
    if (!refusals) {
        model_remove(&rig_after, page);
        takes_tables = !model_has_table(&rig_after, found->size, page);
    }
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap(rig.at->space, (paging_page_t){page}, machine_frames(), &unmapped);
    rig_judge_one_space(status);
    if (status == PAGING_OK)
        model_copy(rig.at->model, &rig_after);
    if (status == PAGING_OK && takes_tables)
        waiting_end();
    return status;
}

static enum paging_status unmap_range_outside(uint64_t start, uint64_t bytes)
{
    uint64_t page;
    unsigned refusals = rig_unmap_range_refusals(start, bytes, &page);
    if (!refusals && model_new_tables(&rig_after, rig.at->model) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap_range(rig.at->space, (paging_virt_t){start}, bytes, machine_frames());
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        model_copy(rig.at->model, &rig_after);
        waiting_end();
    }
    return status;
}

/* ---- programs ---- */

static uint64_t frame_for(uint64_t page)
{
    return PAGING_TABLE_ENTRIES < 512 ? page : DEVICE_FRAME + page % 1024;
}

static void map_outside(uint64_t page)
{
    if (!machine_is_the_sources(frame_for(page), 1))
        (void)rig_map_to(rig_address(page), frame_for(page), RW);
}

static void do_step(unsigned kind, uint64_t page, uint64_t bytes)
{
    uint64_t start = rig_address(page), all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    if (page >= all)
        return;
    waiting.has_ended_early = false;
    switch (kind) {
    case GATHER_UNMAP_LIST:
    case GATHER_UNMAP_BEYOND:
        (void)unmap_list(page, bytes, kind == GATHER_UNMAP_BEYOND);
        break;
    case GATHER_UNMAP:
        (void)unmap_page(page);
        break;
    case GATHER_UNMAP_RANGE:
        (void)unmap_range(start, bytes);
        break;
    case GATHER_PROTECT_RANGE:
        (void)protect_range(start, bytes, page % 2 ? RW : 0, page % 2 ? 0 : RW);
        break;
    case OUTSIDE_MAP_TO:
        map_outside(page);
        break;
    case OUTSIDE_TRANSLATE:
        (void)rig_translate(start);
        break;
    case OUTSIDE_UNMAP:
        (void)unmap_outside(page);
        break;
    case OUTSIDE_UNMAP_RANGE:
        (void)unmap_range_outside(start, bytes);
        break;
    default:
        break;
    }
    rig_check();
}

/* One decision for everything; and if nothing has changed, nothing is flushed or written. */
static void end_gather(void)
{
    rig_look_before(0);
    paging_gather_end(&gather);
    rig_judge_one_space(PAGING_OK);
    assert_true(machine_full_flushes() <= 1);
    if (machine_full_flushes() == 0)
        assert_in_range(waiting_count_flushes(), waiting.pending, RIG_FLUSH_LIMIT);
    if (waiting.leaves.count == 0 && !waiting.has_changed)
        assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    waiting_end();
    waiting.is_open = false;
}

enum paging_status rig_gather(uint64_t start, uint64_t bytes, uint64_t program)
{
    uint64_t first = rig_page(start).number;
    bool is_reachable = rig_is_reachable(rig.at);
    memset(&gather, 0xa5, sizeof(gather));
    rig_look_before(is_reachable ? 0 : 1u << PAGING_UNREACHABLE);
    enum paging_status status = paging_gather_begin(&gather, rig.at->space, machine_frames());
    if (!is_reachable) {
        rig_judge_status(status);
        return status;
    }
    assert_status(status, PAGING_OK);
    waiting_end();
    waiting.leaves.levels = rig.model.levels;
    waiting.is_open = true;
    struct paging_gather second;
    assert_status(paging_gather_begin(&second, rig.at->space, machine_frames()), PAGING_BUSY);
    for (unsigned i = 0; i < GATHER_STEPS; i++)
        do_step(gather_step_kind(program, i), first + gather_step_offset(program, i), bytes);
    end_gather();
    rig_check();
    return status;
}
