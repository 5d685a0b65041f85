/* SPDX-License-Identifier: MIT */
/*
 * flag_change.h - flags that are set and cleared in leaves.
 */
#ifndef PAGING_SRC_FLAG_CHANGE_H
#define PAGING_SRC_FLAG_CHANGE_H

#include "walk.h"

struct flag_change {
    uint64_t set, clear;
};

/*
 * Returns a leaf as it is when its frame is shared: what could be written is copied on write. Once it is so,
 * nothing changes.
 */
static inline paging_entry_t with_shared_frame(paging_entry_t leaf)
{
    leaf.bits |= PAGING_SHARED_FRAME;
    if ((leaf.bits & PAGING_WRITABLE) != 0)
        leaf.bits ^= PAGING_WRITABLE | PAGING_COPY_ON_WRITE;
    return leaf;
}

/* Returns what the change makes of a leaf of this level. */
static inline paging_entry_t with_change(const struct flag_change *change, unsigned level,
                                         paging_entry_t leaf)
{
    uint64_t set = paging_flags_in_leaf(level, change->set),
             clear = paging_flags_in_leaf(level, change->clear);
    if (__builtin_expect((leaf.bits & PAGING_SHARED_FRAME) != 0, 0)) {
        clear |= (clear | set) & PAGING_WRITABLE ? PAGING_COPY_ON_WRITE : 0;
        return with_shared_frame((paging_entry_t){(leaf.bits & ~clear) | set});
    }
    return (paging_entry_t){(leaf.bits & ~clear) | set};
}

/* Returns whether leaves of this half may be changed so. */
static inline enum paging_status check_change(const struct paging_space *space,
                                              const struct flag_change *change, bool upper_half)
{
    uint64_t set = change->set, clear = change->clear;
    if ((set & clear) != 0 || ((set | clear) & PAGING_PRESENT) != 0 || (clear & ~PAGING_LEAF_FLAGS) != 0)
        return PAGING_BAD_FLAGS;
    return check_flags(space, set, upper_half);
}

#endif
