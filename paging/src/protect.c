/* SPDX-License-Identifier: MIT */
/* protect.c - change flags of one page. */
#include "flag_change.h"
#include "flush.h"
#include "leaf.h"

PAGING_OUT_OF_LINE enum paging_status protect_slow(struct paging_space *space, paging_page_t page,
                                                   uint64_t set, uint64_t clear)
{
    const struct flag_change change = {set, clear};
    struct page_walk walk;
    enum paging_status status = check_change(space, &change, in_upper_half(space, page));
    if (status == PAGING_OK)
        status = find_whole_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    paging_entry_t leaf = walk.entries[walk.level];
    paging_entry_t after = with_change(&change, walk.level, leaf);
    if (after.bits == leaf.bits)
        return PAGING_OK;
    change_leaf(walk.slots[walk.level], &change, leaf, after);
    flush_leaf(space, walk.level, page);
    return PAGING_OK;
}

/*
 * A page in a P1. Only flags that each half allows are set, and none that a leaf has not got is cleared: then
 * the slow path has nothing to refuse.
 */
PAGING_ALWAYS_INLINE enum paging_status protect_fast(unsigned levels, bool recursive,
                                                     struct paging_space *space, paging_page_t page,
                                                     uint64_t set, uint64_t clear)
{
    const uint64_t never = ~PAGING_LEAF_FLAGS | PAGING_PRESENT;
    struct fast_walk_result found;
    if ((set & (space->refused_flags[0] | PAGING_PRESENT)) != 0 || (clear & (set | never)) != 0 ||
        !fast_walk(space, levels, recursive, page, &found) || !fast_is_page(space, &found))
        return protect_slow(space, page, set, clear);
    const struct flag_change change = {set, clear};
    paging_entry_t after = with_change(&change, PAGING_4K, found.entry);
    if (after.bits == found.entry.bits)
        return PAGING_OK;
    change_leaf(found.slot, &change, found.entry, after);
    if (recursive || space->mode == PAGING_MODE_DIRECT_ACTIVE)
        flush_page(space, paging_page_start(levels, page));
    return PAGING_OK;
}

PAGING_OUT_OF_LINE enum paging_status protect_direct_4(struct paging_space *space, paging_page_t page,
                                                       uint64_t set, uint64_t clear)
{
    return protect_fast(4, false, space, page, set, clear);
}

PAGING_OUT_OF_LINE enum paging_status protect_recursive_5(struct paging_space *space, paging_page_t page,
                                                          uint64_t set, uint64_t clear)
{
    return protect_fast(5, true, space, page, set, clear);
}

PAGING_OUT_OF_LINE enum paging_status protect_direct_5(struct paging_space *space, paging_page_t page,
                                                       uint64_t set, uint64_t clear)
{
    return protect_fast(5, false, space, page, set, clear);
}

PAGING_OUT_OF_LINE enum paging_status protect_other(struct paging_space *space, paging_page_t page,
                                                    uint64_t set, uint64_t clear)
{
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return protect_direct_4(space, page, set, clear);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return protect_recursive_5(space, page, set, clear);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_5, page))
        return protect_direct_5(space, page, set, clear);
    return protect_slow(space, page, set, clear);
}

enum paging_status paging_protect(struct paging_space *space, paging_page_t page, uint64_t set,
                                  uint64_t clear)
{
    if (__builtin_expect(takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page), 1))
        return protect_fast(4, true, space, page, set, clear);
    return protect_other(space, page, set, clear);
}
