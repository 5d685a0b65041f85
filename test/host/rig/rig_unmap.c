/* Judges of the operations that take one entry away: a page of any size, or a marker. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

/* What must be flushed, each address within the span of a level; and how many tables go. */
struct removal {
    unsigned count, tables;
    struct {
        uint64_t address;
        unsigned level;
    } flushes[4 * PAGING_MAX_LEVELS];
};

static void expect(struct removal *removal, uint64_t address, unsigned level)
{
    removal->flushes[removal->count].address = address;
    removal->flushes[removal->count++].level = level;
}

/* A table of the shared half is a page in the windows of the active and of the attached space. */
static void expect_window(struct removal *removal, unsigned window, uint64_t address, unsigned level)
{
    if (rig.at == rig.active)
        expect(removal, rig_window(window, address), level);
    if (rig.at == rig.attached || (rig.attached && rig_shares(rig.attached, rig.at) &&
                                   model_is_upper(&rig.model, rig_page(address).number)))
        expect(removal, rig_alternate_window(window, address), level);
}

/* The leaf's pages, and the windows of the tables that go with it. A marker itself is in no TLB. */
static struct removal expect_removal(struct model_leaf leaf)
{
    struct removal removal = {0};
    uint64_t start = rig_address(leaf.page);
    if (rig.at == rig.active && !leaf.marker)
        expect(&removal, start, leaf.size);
    /* A huge leaf is a smaller leaf in the windows of the tables that are not there. */
    for (unsigned level = 1; level < leaf.size && !leaf.marker; level++)
        expect_window(&removal, level, start, leaf.size - level);
    model_remove(rig.at->model, leaf.page);
    for (unsigned level = leaf.size; level < rig.model.levels; level++)
        if (!model_has_table(rig.at->model, level, leaf.page)) {
            expect_window(&removal, level, start, 1);
            removal.tables++;
        }
    model_add(rig.at->model, leaf);
    return removal;
}

/* Exactly the expected flushes, in any order, each once. The scratch page's come on top. */
static void judge_flushes(const struct removal *removal)
{
    unsigned met = 0;
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t flushed = machine_flushed(i);
        if (rig_page(flushed).number / paging_level_pages(rig.model.levels) == PAGING_SCRATCH_SLOT)
            continue;
        unsigned match = 0;
        while (match < removal->count &&
               (met >> match & 1 || (flushed ^ removal->flushes[match].address) /
                                        walker_span(machine_walker(), removal->flushes[match].level)))
            match++;
        if (match == removal->count)
            fail_msg("%#lx was flushed for nothing, or twice", (unsigned long)flushed);
        met |= 1u << match;
    }
    for (unsigned i = 0; i < removal->count; i++)
        if (!(met >> i & 1))
            fail_msg("%#lx was not flushed", (unsigned long)removal->flushes[i].address);
}

/* Judges frames and flushes, and takes the leaf out of the map. */
static void judge_removal(const struct model_leaf *leaf, const struct removal *removal)
{
    judge_flushes(removal);
    assert_int_equal(-rig_frames_taken(),
                     removal->tables + (leaf->owned ? paging_level_pages(leaf->size) : 0));
    model_remove(rig.at->model, leaf->page);
}

unsigned rig_leaf_refusals(uint64_t page, const struct model_leaf **leaf)
{
    const struct model_leaf *found = model_overlap(rig.at->model, page, 1);
    unsigned refusals = rig_space_refusals(page);
    *leaf = NULL;
    if (model_is_reserved_slot(rig.model.levels, page))
        return refusals | 1u << PAGING_RESERVED_SLOT;
    if (!found)
        return refusals | 1u << PAGING_NOT_MAPPED;
    if (found->marker)
        return refusals | 1u << PAGING_MARKED;
    *leaf = found;
    return refusals;
}

static unsigned unmap_refusals(uint64_t page)
{
    const struct model_leaf *leaf;
    unsigned refusals = rig_leaf_refusals(page, &leaf);
    return leaf && leaf->page != page ? refusals | 1u << PAGING_INSIDE_HUGE : refusals;
}

enum paging_status rig_unmap(uint64_t address)
{
    uint64_t page = rig_page(address).number, entry = rig_walk(address).entry;
    unsigned refusals = unmap_refusals(page);
    struct model_leaf leaf = {0};
    struct removal removal = {0};
    if (!refusals) {
        leaf = *model_at(rig.at->model, page);
        removal = expect_removal(leaf);
    }
    memset(&rig.unmapped, 0x5a, sizeof(rig.unmapped));
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.unmapped);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig.unmapped.frame.number, leaf.frame);
        assert_int_equal(rig.unmapped.size, leaf.size);
        assert_int_equal(rig.unmapped.flags, flags_of_leaf(entry, leaf.size));
        assert_int_equal(rig.unmapped.released, leaf.owned);
        judge_removal(&leaf, &removal);
    } else if (((unsigned char *)&rig.unmapped)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
    rig_check();
    return status;
}

static unsigned clear_marker_refusals(uint64_t page)
{
    unsigned refusals = rig_space_refusals(page);
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    if (refusals)
        return refusals;
    if (model_is_reserved_slot(rig.model.levels, page))
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
    struct removal removal = {0};
    if (!refusals)
        leaf = *model_overlap(rig.at->model, page, 1);
    if (leaf.size == PAGING_4K)
        removal = expect_removal(leaf);
    rig.marker_value = NOT_WRITTEN;
    machine_fill_tlb();
    rig_look_before(refusals);
    enum paging_status status =
        paging_clear_marker(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.marker_value);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig.marker_value, value_of_marker(leaf.marker));
        if (leaf.size == PAGING_4K)
            judge_removal(&leaf, &removal);
        else
            judge_hole(page, leaf.size - 1);
    } else {
        assert_int_equal(rig.marker_value, NOT_WRITTEN);
    }
    rig_check();
    return status;
}
