/* SPDX-License-Identifier: MIT */
/* Judges of the operations that take one entry away: a page of any size, or a marker. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

unsigned rig_expect_removal(struct model *model, struct model_leaf leaf)
{
    unsigned tables = 0;
    if (!leaf.marker)
        rig_expect_leaf_flushes(&leaf);
    model_remove(model, leaf.page);
    for (unsigned level = leaf.size; level < rig.model.levels; level++)
        if (!model_has_table(model, level, leaf.page)) {
            rig_expect_window_flush(level, rig_address(leaf.page), 1);
            tables++;
        }
    if (!rig_has_windows() && rig.at == rig.active && leaf.marker && tables > 0)
        rig_expect_flush(rig_address(leaf.page), leaf.size);
    return tables + (leaf.owned ? (unsigned)paging_level_pages(leaf.size) : 0);
}

/* Of one leaf, which stays in the map. */
static unsigned expect_removal(struct model_leaf leaf)
{
    rig_expect_no_flush();
    unsigned frames = rig_expect_removal(rig.at->model, leaf);
    model_add(rig.at->model, leaf);
    return frames;
}

/* Judges flushes and the number of frames that went back, and takes the leaf out of the map. */
static void judge_removal(const struct model_leaf *leaf, unsigned frames)
{
    rig_judge_flushes();
    assert_int_equal(-rig_frames_taken(), frames);
    model_remove(rig.at->model, leaf->page);
}

unsigned rig_leaf_refusals(uint64_t page, const struct model_leaf **leaf)
{
    const struct model_leaf *found = model_overlap(rig.at->model, page, 1);
    unsigned refusals = rig_space_refusals(page);
    *leaf = NULL;
    if (model_is_reserved_slot(rig.at->model, page))
        return refusals | 1u << PAGING_RESERVED_SLOT;
    if (!found)
        return refusals | 1u << (rig_waits(page, 1) ? PAGING_BUSY : PAGING_NOT_MAPPED);
    if (found->marker)
        return refusals | 1u << PAGING_MARKED;
    *leaf = found;
    return refusals;
}

unsigned rig_whole_leaf_refusals(uint64_t page, const struct model_leaf **leaf)
{
    unsigned refusals = rig_leaf_refusals(page, leaf);
    return *leaf && (*leaf)->page != page ? refusals | 1u << PAGING_INSIDE_HUGE : refusals;
}

void rig_judge_unmapped(enum paging_status status, const struct paging_unmapped *unmapped,
                        const struct model_leaf *leaf, uint64_t entry, bool released, uint64_t late)
{
    if (status == PAGING_OK) {
        assert_int_equal(unmapped->frame.number, leaf->frame);
        assert_int_equal(unmapped->size, leaf->size);
        assert_int_equal(unmapped->flags | late, flags_of_leaf(entry, leaf->size) | late);
        assert_int_equal(entry & late & ~unmapped->flags, 0);
        assert_int_equal(unmapped->released, released);
    } else if (((const unsigned char *)unmapped)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
}

enum paging_status rig_unmap(uint64_t address)
{
    uint64_t page = rig_page(address).number, entry = rig_walk(address).entry;
    const struct model_leaf *found;
    unsigned refusals = rig_whole_leaf_refusals(page, &found);
    struct model_leaf leaf = {0};
    unsigned frames = 0;
    if (!refusals) {
        leaf = *found;
        frames = expect_removal(leaf);
    }
    memset(&rig.unmapped, 0x5a, sizeof(rig.unmapped));
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.unmapped);
    rig_judge_one_space(status);
    rig_judge_unmapped(status, &rig.unmapped, &leaf, entry, leaf.owned, 0);
    if (status == PAGING_OK)
        judge_removal(&leaf, frames);
    rig_check();
    return status;
}

static unsigned clear_marker_refusals(uint64_t page)
{
    unsigned refusals = rig_space_refusals(page);
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    if (refusals)
        return refusals;
    if (model_is_reserved_slot(rig.at->model, page))
        return 1u << PAGING_RESERVED_SLOT;
    if (!leaf)
        return 1u << PAGING_NOT_MAPPED;
    if (!leaf->marker)
        return 1u << PAGING_ALREADY_MAPPED;
    return leaf->size - 1 > machine_frames_left() ? 1u << PAGING_NO_FRAMES : 0;
}

/* A larger marker has given way to tables: it stays on all pages except this one. */
static void judge_hole(uint64_t page, unsigned tables)
{
    rig_judge_map_flushes();
    assert_int_equal(rig_frames_taken(), tables);
    model_split_down(rig.at->model, page, PAGING_4K);
    model_remove(rig.at->model, page);
}

#define NOT_WRITTEN 0x5a5a5a5a5a5a5a5aull

enum paging_status rig_clear_marker(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    unsigned refusals = clear_marker_refusals(page);
    struct model_leaf leaf = {0};
    unsigned frames = 0;
    if (!refusals)
        leaf = *model_overlap(rig.at->model, page, 1);
    if (leaf.size == PAGING_4K)
        frames = expect_removal(leaf);
    rig.marker_value = NOT_WRITTEN;
    machine_fill_tlb();
    rig_look_before(refusals);
    enum paging_status status =
        paging_clear_marker(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.marker_value);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig.marker_value, value_of_marker(leaf.marker));
        if (leaf.size == PAGING_4K)
            judge_removal(&leaf, frames);
        else
            judge_hole(page, leaf.size - 1);
    } else {
        assert_int_equal(rig.marker_value, NOT_WRITTEN);
    }
    rig_check();
    return status;
}
