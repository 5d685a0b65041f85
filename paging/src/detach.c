/* SPDX-License-Identifier: MIT */
/* detach.c - tables that empty, and wait for a flush before they go: of a list of pages, or of a gather. */
#include "flush.h"
#include "table_pages.h"
#include "unmap.h"

bool paging_detach_tables(struct paging_space *space, const struct page_walk *walk, unsigned level,
                          paging_page_t page, struct paging_flush_list *list)
{
    unsigned top = highest_emptied(space, walk, level);
    if (top > walk->level)
        paging_entry_store(walk->slots[top], entry_to_detached(top, walk->entries[top]));
    if (top < space->cpu.levels)
        change_entry_count(space, top + 1, walk->slots[top + 1], -1, 0);
    for (unsigned gone = walk->level; gone < top; gone++)
        flush_add_table(space, list, gone, page);
    return top > walk->level;
}
