/* Judges of the operations that take one entry away: a page of any size, or a marker. */
#include "rig/rig_internal.h"
#include <string.h>

static void expect(struct rig_removal *removal, uint64_t address, unsigned level)
{
    removal->flushes[removal->count].address = address;
    removal->flushes[removal->count++].level = level;
}

/* A table of the shared half is a page in the windows of the active and of the attached space. */
static void expect_window(struct rig_removal *removal, unsigned window, uint64_t address, unsigned level)
{
    if (rig.at == rig.active)
        expect(removal, rig_window(window, address), level);
    if (rig.at == rig.attached || (rig.attached && rig_shares(rig.attached, rig.at) &&
                                   model_is_upper(&rig.model, rig_page(address).number)))
        expect(removal, rig_alternate_window(window, address), level);
}

void rig_expect_removal(struct rig_removal *removal, struct model *model, struct model_leaf leaf)
{
    uint64_t start = rig_address(leaf.page);
    if (rig.at == rig.active && !leaf.marker)
        expect(removal, start, leaf.size);
    /* A huge leaf is a smaller leaf in the windows of the tables that are not there. */
    for (unsigned level = 1; level < leaf.size && !leaf.marker; level++)
        expect_window(removal, level, start, leaf.size - level);
    model_remove(model, leaf.page);
    for (unsigned level = leaf.size; level < rig.model.levels; level++)
        if (!model_has_table(model, level, leaf.page)) {
            expect_window(removal, level, start, 1);
            removal->tables++;
        }
    removal->frames += leaf.owned ? (unsigned)paging_level_pages(leaf.size) : 0;
}

/* Of one leaf, which stays in the map. */
static struct rig_removal expect_removal(struct model_leaf leaf)
{
    struct rig_removal removal = {0};
    rig_expect_removal(&removal, rig.at->model, leaf);
    model_add(rig.at->model, leaf);
    return removal;
}

/* Exactly the expected flushes, in any order, each once. The scratch page's come on top. */
static void judge_each_flush(const struct rig_removal *removal)
{
    bool met[sizeof(removal->flushes) / sizeof(*removal->flushes)] = {false};
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t flushed = machine_flushed(i);
        if (rig_page(flushed).number / paging_level_pages(rig.model.levels) == PAGING_SCRATCH_SLOT)
            continue;
        unsigned match = 0;
        while (match < removal->count &&
               (met[match] || (flushed ^ removal->flushes[match].address) /
                                  walker_span(machine_walker(), removal->flushes[match].level)))
            match++;
        if (match == removal->count)
            fail_msg("%#lx was flushed for nothing, or twice", (unsigned long)flushed);
        met[match] = true;
    }
    for (unsigned i = 0; i < removal->count; i++)
        if (!met[i])
            fail_msg("%#lx was not flushed", (unsigned long)removal->flushes[i].address);
}

void rig_judge_removal(const struct rig_removal *removal)
{
    static const struct rig_removal no_pages;
    bool is_all = removal->count > RIG_FLUSH_LIMIT;
    assert_int_equal(machine_full_flushes(), is_all);
    judge_each_flush(is_all ? &no_pages : removal);
    assert_int_equal(-rig_frames_taken(), removal->tables + removal->frames);
}

unsigned rig_leaf_refusals(uint64_t page, const struct model_leaf **leaf)
{
    const struct model_leaf *found = model_overlap(rig.at->model, page, 1);
    unsigned refusals = rig_space_refusals(page);
    *leaf = NULL;
    if (model_is_reserved_slot(rig.model.levels, page))
        return refusals | 1u << PAGING_RESERVED_SLOT;
    if (!found)
        return refusals | 1u << (rig_waits(page, 1) ? PAGING_BUSY : PAGING_NOT_MAPPED);
    if (found->marker)
        return refusals | 1u << PAGING_MARKED;
    *leaf = found;
    return refusals;
}

unsigned rig_unmap_refusals(uint64_t page)
{
    const struct model_leaf *leaf;
    unsigned refusals = rig_leaf_refusals(page, &leaf);
    return leaf && leaf->page != page ? refusals | 1u << PAGING_INSIDE_HUGE : refusals;
}

enum paging_status rig_unmap(uint64_t address)
{
    uint64_t page = rig_page(address).number, entry = rig_walk(address).entry;
    unsigned refusals = rig_unmap_refusals(page);
    struct model_leaf leaf = {0};
    struct rig_removal removal = {0};
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
        assert_int_equal(rig.unmapped.flags, entry & PAGING_LEAF_FLAGS);
        assert_int_equal(rig.unmapped.released, leaf.owned);
        rig_judge_removal(&removal);
        model_remove(rig.at->model, leaf.page);
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
    return leaf->page == page ? 0 : 1u << PAGING_MISALIGNED;
}

#define NOT_WRITTEN 0x5a5a5a5a5a5a5a5aull

enum paging_status rig_clear_marker(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    unsigned refusals = clear_marker_refusals(page);
    struct model_leaf leaf = {0};
    struct rig_removal removal = {0};
    if (!refusals) {
        leaf = *model_at(rig.at->model, page);
        removal = expect_removal(leaf);
    }
    rig.marker_value = NOT_WRITTEN;
    machine_fill_tlb();
    rig_look_before(refusals);
    enum paging_status status =
        paging_clear_marker(rig.at->space, (paging_page_t){page}, machine_frames(), &rig.marker_value);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig.marker_value << 1, leaf.marker);
        rig_judge_removal(&removal);
        model_remove(rig.at->model, leaf.page);
    } else {
        assert_int_equal(rig.marker_value, NOT_WRITTEN);
    }
    rig_check();
    return status;
}
