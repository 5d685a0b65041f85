/*
 * checks.h - what single pages and ranges refuse alike.
 *
 * Internal to the core.
 */
#ifndef PAGING_CHECKS_H
#define PAGING_CHECKS_H

#include "walk.h"

/*
 * May the half that the page is in be changed through this space? What spaces share is cached under the live
 * one, so it is changed through that one only.
 */
static inline enum paging_status check_reach(const struct address_space *space, page_t page)
{
    if (space->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    bool shared = space->lender != NULL || space->borrowers > 0;
    IF_MUTANT(EDITS_SHARED)
    shared = false;
    return shared && space->reach != PAGING_BY_WINDOW && in_upper_half(space, page) ? PAGING_SHARED
                                                                                    : PAGING_OK;
}

/* The same for one page, which is not below a slot the core keeps either. */
static inline enum paging_status check_page(const struct address_space *space, page_t page)
{
    enum paging_status status = check_reach(space, page);
    return status == PAGING_OK && page_is_kept(space, page) ? PAGING_RESERVED_SLOT : status;
}

/* Walk to the entry that maps a page which may be changed. PAGING_OK: it is a leaf, the walk's last entry. */
static inline enum paging_status find_leaf(const struct address_space *space, page_t page, struct walk *walk)
{
    enum paging_status status = check_page(space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, PAGE_4K, walk);
    return leaf_status(space, walk);
}

static inline enum paging_status check_flags(const struct address_space *space, uint64_t flags,
                                             bool upper_half)
{
    uint64_t refused = flags & space->refused_flags[upper_half];
    if (refused == 0)
        return PAGING_OK;
    return refused == ENTRY_NO_EXECUTE ? PAGING_NOT_SUPPORTED : PAGING_BAD_FLAGS;
}

#endif
