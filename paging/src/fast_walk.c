/* SPDX-License-Identifier: MIT */
/* fast_walk.c - the fast walk of a space, whichever it has: for callers that are compiled once for all. */
#include "walk.h"

bool paging_fast_walk(const struct paging_space *space, paging_page_t page, struct fast_walk_result *found)
{
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page))
        return fast_walk(space, 4, true, page, found);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return fast_walk(space, 4, false, page, found);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return fast_walk(space, 5, true, page, found);
    return takes_fast_path(space, PAGING_FAST_DIRECT_5, page) && fast_walk(space, 5, false, page, found);
}
