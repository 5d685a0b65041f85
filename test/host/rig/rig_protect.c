/* SPDX-License-Identifier: MIT */
/* Judge of protect. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

enum paging_status rig_protect(uint64_t address, uint64_t set, uint64_t clear)
{
    uint64_t page = rig_page(address).number, entry = rig_walk(address).entry;
    const struct model_leaf *leaf;
    unsigned refusals = rig_whole_leaf_refusals(page, &leaf) | rig_change_refusals(page, set, clear);
    struct model_leaf now = leaf ? *leaf : (struct model_leaf){0};
    now.flags = (now.flags & (MODEL_SHARED | MODEL_COPIED)) | (leaf ? flags_of_leaf(entry, leaf->size) : 0);
    bool changes = model_changed_flags(&now, set, clear) != now.flags;
    rig_note_touched(page, 1);
    rig_expect_no_flush();
    if (!refusals && !changes)
        machine_snapshot();
    else if (!refusals)
        rig_expect_leaf_flushes(leaf);
    rig_look_before(refusals);
    enum paging_status status = paging_protect(rig.at->space, (paging_page_t){page}, set, clear);
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        struct model_leaf after = *leaf;
        rig_judge_flushes();
        if (!changes)
            rig_judge_nothing_changed("it had these flags");
        after.flags = model_changed_flags(leaf, set, clear);
        model_remove(rig.at->model, page);
        model_add(rig.at->model, after);
        assert_int_equal(rig_frames_taken(), 0);
    }
    rig_check();
    return status;
}
