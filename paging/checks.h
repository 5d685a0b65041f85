/*
 * checks.h - what single pages and ranges refuse alike.
 *
 * Internal to the core.
 */
#ifndef PAGING_CHECKS_H
#define PAGING_CHECKS_H

#include "walk.h"

static inline bool in_upper_half(const struct address_space *space, page_t page)
{
    return page_index(page, space->cpu.levels) >= ENTRY_COUNT / 2;
}

static inline enum paging_status check_flags(const struct address_space *space, uint64_t flags,
                                             bool upper_half)
{
    if ((flags & ~LEAF_FLAGS) != 0)
        return PAGING_BAD_FLAGS;
    if ((flags & ENTRY_GLOBAL) != 0 && !upper_half)
        return PAGING_BAD_FLAGS;
    if ((flags & ENTRY_NO_EXECUTE) != 0 && !space->cpu.has_no_execute)
        return PAGING_NOT_SUPPORTED;
    return PAGING_OK;
}

#endif
