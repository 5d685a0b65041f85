/* SPDX-License-Identifier: MIT */
/*
 * page_row.h - lists of pages: what the operations on them have in common.
 *
 * An operation takes a list in runs: pages next to each other in it that one walk serves, because it ends in
 * their P1, or at an entry above the P1s that maps all of them.
 */
#ifndef PAGING_SRC_PAGE_ROW_H
#define PAGING_SRC_PAGE_ROW_H

#include "walk.h"

/* A P1 that a walk has found. */
struct page_row {
    uint64_t last;  /* of the pages that it maps */
    uintptr_t base; /* where the entry of page 0 would be, if all P1s lay side by side */
    volatile paging_entry_t *parent_slot; /* the P2's entry that points to it */
};

/* Returns the row of a page whose entry in its P1 is in `slot`. */
static inline struct page_row row_of_page(paging_page_t page, volatile paging_entry_t *slot,
                                          volatile paging_entry_t *parent_slot)
{
    return (struct page_row){
        .last = page.number | (PAGING_TABLE_ENTRIES - 1),
        .base = (uintptr_t)slot - page.number * sizeof(paging_entry_t),
        .parent_slot = parent_slot,
    };
}

/*
 * Finds the P1 of a page by the fast walk. Returns false if there is none, or if anything about the page or
 * the tables above it is special: all that check_page refuses is among that.
 */
static inline bool find_row(const struct paging_space *space, paging_page_t page, struct page_row *row)
{
    struct fast_walk_result found;
    if (!paging_fast_walk(space, page, &found))
        return false;
    *row = row_of_page(page, found.slot, found.parent_slot);
    return true;
}

/* Returns the row of the P1 in which a walk to the page ended. */
static inline struct page_row row_of_walk(const struct page_walk *walk, paging_page_t page)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): a walk to a P1 has come through a P2 */
    return row_of_page(page, walk->slots[PAGING_4K], walk->slots[PAGING_2M]);
}

/* Returns where the entry of a page is that lies in the row. */
PAGING_ALWAYS_INLINE volatile paging_entry_t *slot_in_row(struct page_row row, paging_page_t page)
{
    return (volatile paging_entry_t *)(row.base + page.number * sizeof(paging_entry_t));
}

/*
 * How many pages of a row follow a page: fewer from page to page, down to 0. For a page that is not in the
 * row, the number is larger than for any that is. So one comparison answers two questions: is the page in the
 * row, and is it above the page before?
 */
#define BEFORE_ROW ((uint64_t)PAGING_TABLE_ENTRIES)

/* Returns whether the page is in the row, and above the one that *left pages follow. Those of it go there. */
PAGING_ALWAYS_INLINE bool goes_on_in_row(struct page_row row, paging_page_t page, uint64_t *left)
{
    uint64_t before = *left;
    *left = row.last - page.number;
    return *left < before;
}

/* Returns the last page that the entry where the walk towards this page ended maps. */
static inline uint64_t last_page_of_entry(const struct page_walk *walk, paging_page_t page)
{
    return page.number | (paging_level_pages(walk->level) - 1);
}

/* Returns how many pages of the list, which is in order, are at most this one. */
static inline uint64_t count_pages_up_to(const paging_page_t *pages, uint64_t count, uint64_t last)
{
    uint64_t i = 0;
    while (i < count && pages[i].number <= last)
        i++;
    return i;
}

/* Returns whether page i of the list is above the one before it. */
static inline bool is_in_order(const paging_page_t *pages, uint64_t i)
{
    return i == 0 || pages[i].number > pages[i - 1].number;
}

#endif
