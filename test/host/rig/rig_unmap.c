/* Judges of the operations that take one entry away: a page of any size, or a marker. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

/*
 * Expects the flushes of the leaf, and of the windows of the tables that go with it. A marker itself is in no
 * TLB; without windows, the flush of any page below the tables that go forgets the way to them. Returns how
 * many tables go.
 */
static unsigned expect_removal(struct model_leaf leaf)
{
    unsigned tables = 0;
    rig_expect_no_flush();
    if (!leaf.marker)
        rig_expect_leaf_flushes(&leaf);
    model_remove(rig.at->model, leaf.page);
    for (unsigned level = leaf.size; level < rig.model.levels; level++)
        if (!model_has_table(rig.at->model, level, leaf.page)) {
            rig_expect_window_flush(level, rig_address(leaf.page), 1);
            tables++;
        }
    if (!rig_has_windows() && rig.at == rig.active && leaf.marker && tables > 0)
        rig_expect_flush(rig_address(leaf.page), leaf.size);
    model_add(rig.at->model, leaf);
    return tables;
}

/* Judges frames and flushes, and takes the leaf out of the map. */
static void judge_removal(const struct model_leaf *leaf, unsigned tables)
{
    rig_judge_flushes();
    assert_int_equal(-rig_frames_taken(), tables + (leaf->owned ? paging_level_pages(leaf->size) : 0));
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
        return refusals | 1u << PAGING_NOT_MAPPED;
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

void rig_judge_unmapped(enum paging_status status, const struct model_leaf *leaf, uint64_t entry,
                        bool released, uint64_t late)
{
    if (status == PAGING_OK) {
        assert_int_equal(rig.unmapped.frame.number, leaf->frame);
        assert_int_equal(rig.unmapped.size, leaf->size);
        assert_int_equal(rig.unmapped.flags | late, flags_of_leaf(entry, leaf->size) | late);
        assert_int_equal(entry & late & ~rig.unmapped.flags, 0);
        assert_int_equal(rig.unmapped.released, released);
    } else if (((unsigned char *)&rig.unmapped)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
}

enum paging_status rig_unmap(uint64_t address)
{
    uint64_t page = rig_page(address).number, entry = rig_walk(address).entry;
    const struct model_leaf *found;
    unsigned refusals = rig_whole_leaf_refusals(page, &found);
    struct model_leaf leaf = {0};
    unsigned tables = 0;
    if (!refusals) {
        leaf = *found;
        tables = expect_removal(leaf);
    }
    memset(&rig.unmapped, 0x5a, sizeof(rig.unmapped));
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.unmapped);
    rig_judge_one_space(status);
    rig_judge_unmapped(status, &leaf, entry, leaf.owned, 0);
    if (status == PAGING_OK)
        judge_removal(&leaf, tables);
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
    unsigned tables = 0;
    if (!refusals)
        leaf = *model_overlap(rig.at->model, page, 1);
    if (leaf.size == PAGING_4K)
        tables = expect_removal(leaf);
    rig.marker_value = NOT_WRITTEN;
    machine_fill_tlb();
    rig_look_before(refusals);
    enum paging_status status =
        paging_clear_marker(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.marker_value);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig.marker_value, value_of_marker(leaf.marker));
        if (leaf.size == PAGING_4K)
            judge_removal(&leaf, tables);
        else
            judge_hole(page, leaf.size - 1);
    } else {
        assert_int_equal(rig.marker_value, NOT_WRITTEN);
    }
    rig_check();
    return status;
}
