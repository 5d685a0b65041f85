/* SPDX-License-Identifier: MIT */
/*
 * unmap.h - what the removals of one page, of a list of pages, and for a gather have in common.
 */
#ifndef PAGING_SRC_UNMAP_H
#define PAGING_SRC_UNMAP_H

#include "walk.h"
#include <selfmap/flush_list.h>

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

/*
 * Ends the removal of the entry of this level, at or above the one where the walk ended: it is counted no
 * more, or if its table empties with it, that one is detached, at the highest entry that empties. Returns
 * whether a table is.
 */
bool paging_detach_tables(struct paging_space *space, const struct page_walk *walk, unsigned level,
                          paging_page_t page, struct paging_flush_list *list);

#endif
