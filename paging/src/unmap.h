/*
 * unmap.h - what the removal of one page and that of a list of pages have in common.
 */
#ifndef PAGING_SRC_UNMAP_H
#define PAGING_SRC_UNMAP_H

#include "walk.h"
#include <selfmap/map.h>

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

PAGING_ALWAYS_INLINE void report_unmapped(struct paging_unmapped *unmapped, paging_entry_t leaf,
                                          unsigned level, bool released)
{
    *unmapped = (struct paging_unmapped){
        .frame = paging_leaf_frame(leaf, level),
        .size = (enum paging_size)level,
        .flags = paging_entry_flags(leaf) & PAGING_LEAF_FLAGS,
        .released = released,
    };
}

#endif
