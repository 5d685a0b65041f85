/* The core's verbs for ranges, each called and judged. */
#include "rig_parts.h"
#include <string.h>

/* What the verb must make of rig.model. */
static struct model after;

/* How much of a range may be flushed page by page without anybody minding: so much must be. */
#define FEW_PAGES 8u

/* Accessed and dirty bits are the processor's: what it has set so far must not be lost from here on. */
static void note_touched(uint64_t page, uint64_t pages)
{
    for (unsigned i = model_first(&rig.model, page); i < rig.model.count; i++) {
        struct model_leaf *leaf = &rig.model.leaves[i];
        if (leaf->page - page >= pages && leaf->page >= page)
            return;
        struct walk walk = walker_walk(machine_walker(), NULL, rig_address(leaf->page), WALK_READ, false);
        if (!leaf->reserved && !walk.faulted)
            leaf->flags |= walk.entry & (ENTRY_ACCESSED | ENTRY_DIRTY);
    }
}

/* With `after` made up: does it take more frames than there are? Nothing may happen if nothing changes. */
static struct rig_before look_before_range(unsigned refusals)
{
    if (!refusals && model_new_tables(&after, &rig.model) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    if (!refusals && model_is_equal(&after, &rig.model))
        machine_snapshot();
    return rig_look_before(refusals);
}

/* Tables and owned frames come and go as the leaves demand, and not one more. */
static void judge_frames(const struct rig_before *before)
{
    unsigned was = model_tables(&rig.model) + model_owned_frames(&rig.model);
    unsigned is = model_tables(&after) + model_owned_frames(&after);
    assert_int_equal(machine_frames_out() - before->frames, is - was);
}

static enum paging_status judge_range(const struct rig_before *before, enum paging_status status,
                                      uint64_t pages)
{
    rig_judge_status(before, status);
    if (status == PAGING_OK) {
        judge_frames(before);
        if (model_is_equal(&after, &rig.model))
            rig_judge_nothing_changed(before, "nothing to do");
        else if (pages <= FEW_PAGES && model_new_tables(&rig.model, &after) == 0)
            assert_int_equal(machine_full_flushes(), 0);
        model_copy(&rig.model, &after);
    }
    rig_check();
    return status;
}

/* The shape's refusals; without one, the page the range starts at. */
static unsigned range_refusals(uint64_t start, uint64_t bytes, uint64_t *page)
{
    unsigned refusals = model_range_refusals(rig.model.levels, start, bytes);
    *page = refusals ? 0 : rig_page(start).number;
    model_copy(&after, &rig.model);
    return refusals;
}

static enum paging_status map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags,
                                    bool identity)
{
    uint64_t page, pages = bytes / PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (to % PAGE_BYTES != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    if (!refusals)
        refusals = model_map_range_refusals(&rig.model, &rig.space.cpu, page, pages, to, flags);
    if (!refusals) {
        struct model_leaf first = {
            page, to / PAGE_BYTES, 1, flags & ~(ENTRY_PRESENT | MAP_OVER_RESERVED), false, 0};
        model_map_range(&after, &rig.space.cpu, first, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        identity ? paging_identity_map_range(&rig.space, (phys_addr_t){to}, bytes, flags, machine_frames())
                 : paging_map_range(&rig.space, (virt_addr_t){start}, (phys_addr_t){to}, bytes, flags,
                                    machine_frames());
    rig_judge_map_flushes();
    return judge_range(&before, status, pages);
}

enum paging_status rig_map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    return map_range(start, to, bytes, flags, false);
}

enum paging_status rig_identity_map_range(uint64_t start, uint64_t bytes, uint64_t flags)
{
    return map_range(start, start, bytes, flags, true);
}

enum paging_status rig_unmap_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_unmap_range_refusals(&rig.model, page, pages);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, &rig.model);
        model_unmap_range(&after, page, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status = paging_unmap_range(&rig.space, (virt_addr_t){start}, bytes, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    uint64_t page, pages = bytes / PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_protect_refusals(&rig.model, &rig.space.cpu, page, set, clear);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, &rig.model);
        model_protect_range(&after, page, pages, set, clear);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        paging_protect_range(&rig.space, (virt_addr_t){start}, bytes, set, clear, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_merge_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, &rig.model);
        model_merge_range(&after, &rig.space.cpu, page, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status = paging_merge_range(&rig.space, (virt_addr_t){start}, bytes, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_split(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    unsigned refusals = model_split_refusals(&rig.model, page);
    note_touched(page, 1);
    model_copy(&after, &rig.model);
    if (!refusals)
        model_split(&after, page);
    struct rig_before before = look_before_range(refusals);
    enum paging_status status = paging_split(&rig.space, (page_t){page}, machine_frames());
    return judge_range(&before, status, 1);
}
