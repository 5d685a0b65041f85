/* SPDX-License-Identifier: MIT */
/* page_row.c - find the P1 that several pages of a list lie in. */
#include "page_row.h"

PAGING_ALWAYS_INLINE bool find_row(unsigned levels, bool recursive, const struct paging_space *space,
                                   paging_page_t page, struct page_row *row)
{
    struct fast_walk_result found;
    if (!fast_walk(space, levels, recursive, page, &found))
        return false;
    *row = row_of_page(page, found.slot, found.parent_slot);
    return true;
}

bool paging_find_row(const struct paging_space *space, paging_page_t page, struct page_row *row)
{
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page))
        return find_row(4, true, space, page, row);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return find_row(4, false, space, page, row);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return find_row(5, true, space, page, row);
    return takes_fast_path(space, PAGING_FAST_DIRECT_5, page) && find_row(5, false, space, page, row);
}
