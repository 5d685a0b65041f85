/*
 * unmap.h - what the removal of one page and that of a list of pages have in common.
 */
#ifndef PAGING_SRC_UNMAP_H
#define PAGING_SRC_UNMAP_H

#include "walk.h"

/*
 * Returns the level of the entry to clear when that of this level goes: this one, or as far up as the tables
 * hold nothing else.
 */
static inline unsigned highest_emptied(const struct paging_space *space, const struct page_walk *walk,
                                       unsigned level)
{
    unsigned top = level;
    while (top < space->cpu.levels && entry_count(walk->entries[top + 1]) == 1 &&
           !entry_is_shared(space, top + 1, walk->entries[top + 1]))
        top++;
    return top;
}

#endif
