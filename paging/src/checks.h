/*
 * checks.h - what single pages and ranges refuse alike.
 *
 * Internal to the core.
 */
#ifndef PAGING_SRC_CHECKS_H
#define PAGING_SRC_CHECKS_H

#include "walk.h"

/*
 * May the half that the page is in be changed through this space? What spaces share is cached under the live
 * one, so it is changed through that one only.
 */
static inline enum paging_status check_reach(const struct paging_space *space, paging_page_t page)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    bool shared = space->shared_owner != NULL || space->sharers > 0;
    IF_MUTANT(EDITS_SHARED)
    shared = false;
    return shared && space->mode != PAGING_MODE_RECURSIVE && in_upper_half(space, page) ? PAGING_SHARED
                                                                                        : PAGING_OK;
}

/* The same for one page, which is not below a slot the core keeps either. */
static inline enum paging_status check_page(const struct paging_space *space, paging_page_t page)
{
    enum paging_status status = check_reach(space, page);
    return status == PAGING_OK && page_is_reserved(space, page) ? PAGING_RESERVED_SLOT : status;
}

/* Walk to the entry that maps a page which may be changed. PAGING_OK: it is a leaf, the walk's last entry. */
static inline enum paging_status find_leaf(const struct paging_space *space, paging_page_t page,
                                           struct page_walk *walk)
{
    enum paging_status status = check_page(space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, PAGING_4K, walk);
    return leaf_status(space, walk);
}

static inline enum paging_status check_flags(const struct paging_space *space, uint64_t flags,
                                             bool upper_half)
{
    uint64_t refused = flags & space->refused_flags[upper_half];
    if (refused == 0)
        return PAGING_OK;
    return refused == PAGING_NO_EXECUTE ? PAGING_NOT_SUPPORTED : PAGING_BAD_FLAGS;
}

#endif
