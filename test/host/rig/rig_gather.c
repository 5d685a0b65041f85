/* SPDX-License-Identifier: MIT */
/*
 * Judge of gathers. A program of a few steps, in one number, runs between a begin and an end: calls of the
 * gather, and operations outside it. What waits is a map of its own, beside that of what is mapped.
 */
#include "rig/gather_program.h"
#include "rig/rig_internal.h"
#include <selfmap/gather.h>
#include <string.h>

static struct {
    bool is_open;
    bool has_changed; /* rights, since it was carried out */
    unsigned pending; /* pages and windows that must be flushed, at least */
    struct paging_gather gather;
    struct model waiting; /* leaves that were unmapped, until the flush; and markers, which may take tables */
} gathered;

bool rig_is_gathering(void)
{
    return gathered.is_open;
}

const struct model_leaf *rig_waiting_at(uint64_t page)
{
    const struct model_leaf *leaf = model_at(&gathered.waiting, page);
    return leaf && !leaf->marker ? leaf : NULL;
}

unsigned rig_count_waiting(void)
{
    unsigned count = 0;
    for (unsigned i = 0; gathered.is_open && i < gathered.waiting.count; i++)
        count += !gathered.waiting.leaves[i].marker;
    return count;
}

/* Of a marker only its tables wait. It gives way if a page has been mapped in its place and goes, too. */
static void add_waiting(struct model_leaf leaf)
{
    const struct model_leaf *other;
    while ((other = model_overlap(&gathered.waiting, leaf.page, paging_level_pages(leaf.size)))) {
        assert_int_not_equal(other->marker, 0);
        model_remove(&gathered.waiting, other->page);
    }
    model_add(&gathered.waiting, leaf);
    gathered.pending += rig.at == rig.active && !leaf.marker;
}

/* A leaf waits together with all that the entry would map which names it, or its highest table that went. */
bool rig_waits(uint64_t page, uint64_t pages)
{
    for (unsigned i = 0; gathered.is_open && i < gathered.waiting.count; i++) {
        const struct model_leaf *leaf = &gathered.waiting.leaves[i];
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

/* Nothing waits any more. */
static void note_finish(void)
{
    gathered.waiting.count = 0;
    gathered.pending = 0;
    gathered.has_changed = false;
}

static void must_flush_nothing(void)
{
    assert_int_equal(machine_full_flushes(), 0);
    rig_judge_map_flushes();
}

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
    enum paging_status status = paging_gather_unmap(&gathered.gather, (paging_page_t){page}, &unmapped);
    rig_judge_one_space(status);
    rig_judge_unmapped(status, &unmapped, &leaf, entry, leaf.owned, PAGING_ACCESSED);
    if (status == PAGING_OK) {
        must_flush_nothing();
        assert_int_equal(rig_frames_taken(), 0);
        model_remove(rig.at->model, page);
        add_waiting(leaf);
    }
    return status;
}

/* The status, and the tables that the splits at the ends take: nothing else comes or goes. */
static void judge_range_step(enum paging_status status, unsigned tables)
{
    rig_judge_one_space(status);
    if (status == PAGING_OK)
        assert_int_equal(rig_frames_taken(), tables);
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
    enum paging_status status = paging_gather_unmap_range(&gathered.gather, (paging_virt_t){start}, bytes);
    judge_range_step(status, tables);
    if (status != PAGING_OK)
        return status;
    for (unsigned i = model_first(&split, page); i < split.count && split.leaves[i].page < page + pages; i++)
        add_waiting(split.leaves[i]);
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
        paging_gather_protect_range(&gathered.gather, (paging_virt_t){start}, bytes, set, clear);
    judge_range_step(status, tables);
    if (status == PAGING_OK) {
        bool changes = !model_is_equal(&rig_after, rig.at->model);
        gathered.has_changed |= changes;
        gathered.pending += rig.at == rig.active && changes;
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
        note_finish();
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
        note_finish();
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
    switch (kind) {
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

/* Returns how many pages were flushed, without the scratch page. */
static unsigned count_flushes(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < machine_flushes(); i++)
        count += !model_is_scratch_slot(rig.at->model, rig_page(machine_flushed(i)).number);
    return count;
}

/* One decision for everything; and if nothing has changed, nothing is flushed or written. */
static void end_gather(void)
{
    rig_look_before(0);
    paging_gather_end(&gathered.gather);
    rig_judge_one_space(PAGING_OK);
    assert_true(machine_full_flushes() <= 1);
    if (machine_full_flushes() == 0)
        assert_in_range(count_flushes(), gathered.pending, RIG_FLUSH_LIMIT);
    if (gathered.waiting.count == 0 && !gathered.has_changed)
        assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    note_finish();
    gathered.is_open = false;
}

enum paging_status rig_gather(uint64_t start, uint64_t bytes, uint64_t program)
{
    uint64_t first = rig_page(start).number;
    bool is_reachable = rig_is_reachable(rig.at);
    memset(&gathered.gather, 0xa5, sizeof(gathered.gather));
    rig_look_before(is_reachable ? 0 : 1u << PAGING_UNREACHABLE);
    enum paging_status status = paging_gather_begin(&gathered.gather, rig.at->space, machine_frames());
    if (!is_reachable) {
        rig_judge_status(status);
        return status;
    }
    assert_status(status, PAGING_OK);
    note_finish();
    gathered.waiting.levels = rig.model.levels;
    gathered.is_open = true;
    struct paging_gather second;
    assert_status(paging_gather_begin(&second, rig.at->space, machine_frames()), PAGING_BUSY);
    for (unsigned i = 0; i < GATHER_STEPS; i++)
        do_step(gather_step_kind(program, i), first + gather_step_offset(program, i), bytes);
    end_gather();
    rig_check();
    return status;
}
