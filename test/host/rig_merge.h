/*
 * rig_merge.h - merging, with accessed and dirty bits judged exactly.
 */
#ifndef HOST_RIG_MERGE_H
#define HOST_RIG_MERGE_H

#include "entries.h"
#include "rig_parts.h"

#define TOUCHED (ENTRY_ACCESSED | ENTRY_DIRTY)

/* What the processor has marked so far is part of the map from here on. */
static inline void rig_note_touched(void)
{
    for (unsigned i = 0; i < rig.model.count; i++) {
        struct model_leaf *leaf = &rig.model.leaves[i];
        if (!leaf->reserved)
            leaf->flags |= *entry_at(rig_address(leaf->page), leaf->size) & TOUCHED;
    }
}

/* Accessed and dirty are as the map says, not one bit more. */
static inline void rig_check_touched(void)
{
    for (unsigned i = 0; i < rig.model.count; i++) {
        const struct model_leaf *leaf = &rig.model.leaves[i];
        if (!leaf->reserved)
            assert_int_equal(*entry_at(rig_address(leaf->page), leaf->size) & TOUCHED, leaf->flags & TOUCHED);
    }
}

static inline enum paging_status rig_merge(uint64_t start, uint64_t bytes)
{
    rig_note_touched();
    enum paging_status status = rig_merge_range(start, bytes);
    rig_check_touched();
    return status;
}

#endif
