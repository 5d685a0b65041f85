/* SPDX-License-Identifier: MIT */
/* Judge of remap. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

static unsigned frame_refusals(const struct model_leaf *leaf)
{
    uint64_t frames = (uint64_t)1 << (rig.at->space->cpu.physical_bits - PAGING_PAGE_SHIFT);
    uint64_t pages = paging_level_pages(leaf->size);
    unsigned refusals =
        leaf->frame >= frames || frames - leaf->frame < pages ? 1u << PAGING_FRAME_TOO_HIGH : 0;
    return leaf->frame % pages != 0 ? refusals | 1u << PAGING_MISALIGNED : refusals;
}

/* Returns the bits of the leaf as it must be stored. With the same frame accessed and dirty stay set. */
static uint64_t entry_of(const struct model_leaf *leaf, const struct model_leaf *before, uint64_t entry)
{
    uint64_t kept = leaf->frame == before->frame ? entry & TOUCHED : 0;
    uint64_t kind = PAGING_PRESENT | (leaf->owned ? PAGING_OWNED : 0) | (leaf->size > 1 ? PAGING_HUGE : 0);
    uint64_t flags = leaf->flags & ~PAGING_PAT;
    if ((leaf->flags & PAGING_PAT) != 0)
        flags |= leaf->size > 1 ? PAGING_PAT << 5 : PAGING_PAT;
    if (leaf->frame == before->frame && leaf->owned && (before->flags & MODEL_SHARED))
        flags = model_shared_flags(flags);
    return leaf->frame << PAGING_FRAME_SHIFT | flags | kept | kind;
}

static enum paging_status judge(struct model_leaf leaf, const struct model_leaf *before, unsigned refusals)
{
    uint64_t entry = rig_walk(rig_address(leaf.page)).entry, after = entry_of(&leaf, before, entry);
    bool released = before->owned && before->frame != leaf.frame;
    rig_expect_no_flush();
    if (!refusals && after == entry)
        machine_snapshot();
    else if (!refusals)
        rig_expect_leaf_flushes(before);
    memset(&rig.unmapped, 0x5a, sizeof(rig.unmapped));
    rig_look_before(refusals);
    enum paging_status status =
        paging_remap(rig.at->space, (paging_page_t){leaf.page}, (paging_frame_t){leaf.frame}, leaf.flags,
                     leaf.owned, machine_frames(), &rig.unmapped);
    rig_judge_one_space(status);
    rig_judge_unmapped(status, &rig.unmapped, before, entry, released, PAGING_ACCESSED);
    if (status != PAGING_OK)
        return status;
    assert_int_equal(rig_frames_taken(), released ? -(int)paging_level_pages(before->size) : 0);
    rig_judge_flushes();
    if (after == entry)
        rig_judge_nothing_changed("the leaf is as it was");
    leaf.flags = flags_of_leaf(after, leaf.size) & ~PAGING_PRESENT;
    leaf.flags |= after & (MODEL_SHARED | MODEL_COPIED);
    model_remove(rig.at->model, leaf.page);
    model_add(rig.at->model, leaf);
    return status;
}

enum paging_status rig_remap(uint64_t address, uint64_t frame, uint64_t flags, uint64_t whose)
{
    uint64_t page = rig_page(address).number;
    const struct model_leaf *found;
    unsigned refusals = rig_whole_leaf_refusals(page, &found);
    struct model_leaf before = found ? *found : (struct model_leaf){.page = page, .size = PAGING_4K};
    struct model_leaf leaf = {page, frame, before.size, flags, before.owned, 0};
    refusals |= model_flag_refusals(rig.at->model, &rig.at->space->cpu, page, flags);
    leaf.owned = whose == FRAME_TAKEN || (whose == FRAME_SAME && before.owned);
    if (whose == FRAME_SAME)
        leaf.frame = before.frame;
    if (whose == FRAME_TAKEN && !rig_take_frame((enum paging_size)before.size, &leaf.frame))
        return PAGING_NO_FRAMES;
    enum paging_status status = judge(leaf, &before, refusals | frame_refusals(&leaf));
    if (status != PAGING_OK && whose == FRAME_TAKEN)
        rig_give_frame((enum paging_size)before.size, leaf.frame);
    rig_check();
    return status;
}
