/*
 * flush.h - remove translations from the TLB, one by one or all at once.
 *
 * Each operation knows what it changed, and flushes it through these functions; nothing else in the core
 * flushes, except that a new CR3 flushes what is not global. An operation that removes or changes many pages
 * collects what has to be flushed in a list while it writes, and flushes once: each page by itself if they
 * are few, everything if they are many. A space in direct-map mode is not the active one, so nothing of it is
 * in the TLB; of an attached space only its window is.
 *
 *      unmap                   the page, and the window pages of the tables that go; then they go back
 *      unmap_range             leaves and tables that go, together; then they go back
 *      protect_range           leaves that change, at the end
 *      move_range              leaves and tables that move, and tables that go; up to 32 of these at a time go
 *                              back then
 *      test_and_clear          leaves whose bits are cleared, at the end
 *      split, merge_range      the leaf, and the window pages of the tables below it
 *      protect                 the leaf
 *      remap                   the leaf; then an owned frame goes back
 *      map, map_range          nothing: what was not present is not cached. (If the frame source breaks its
 *                              promise, the window page of an empty table that goes back)
 *      unshare_upper_half      the window pages of the empty tables; then they go back
 *      attach, detach          everything
 *      paging_switch_to        everything, global pages too, unless the spaces share the upper half
 *      table_pages.c           the scratch page, whenever it shows another table
 */
#ifndef PAGING_SRC_FLUSH_H
#define PAGING_SRC_FLUSH_H

#include "walk.h"

/* Of more pages than this, one full flush costs less than flushing them one by one. */
enum { FLUSH_LIMIT = 32 };

struct flush_list {
    unsigned count; /* stops at FLUSH_LIMIT + 1, which means a full flush */
    paging_virt_t pages[FLUSH_LIMIT];
};

static inline void flush_begin(struct flush_list *list)
{
    list->count = 0;
}

static inline bool flush_is_everything(const struct flush_list *list)
{
    return list->count > FLUSH_LIMIT;
}

/* Returns whether adding pages to the list still makes a difference. */
static inline bool flush_wants_more(const struct paging_space *space, const struct flush_list *list)
{
    return space->mode != PAGING_MODE_DIRECT && !flush_is_everything(list);
}

static inline void flush_add(struct flush_list *list, paging_virt_t address)
{
    if (list->count < FLUSH_LIMIT)
        list->pages[list->count] = address;
    if (list->count <= FLUSH_LIMIT)
        list->count++;
}

/*
 * Adds the page of the window of this level on the way to a page, in every window that shows it: an attached
 * space that shares the upper half shows those tables too.
 */
static inline void flush_add_window(const struct paging_space *space, struct flush_list *list, unsigned level,
                                    paging_page_t page)
{
    uint64_t table = page.number >> (PAGING_INDEX_BITS * level) << PAGING_PAGE_SHIFT;
    flush_add(list, (paging_virt_t){space->windows[level] + table});
    if (space->alternate_shares_half && in_upper_half(space, page)) {
        paging_virt_t other = paging_alternate_window_base(space->cpu.levels, level);
        flush_add(list, (paging_virt_t){other.value + table});
    }
}

/*
 * Adds a leaf of this level at page. For a huge leaf that includes the window pages of the lower tables that
 * are not there: through the window the huge entry is a leaf in their place, so these pages show the start of
 * the huge page, and the processor may have cached that (SDM 3A, 4.10.2.3). One flush each is enough, because
 * one leaf maps each.
 */
static inline void flush_add_leaf(const struct paging_space *space, struct flush_list *list, unsigned level,
                                  paging_page_t page)
{
    if (!flush_wants_more(space, list))
        return;
    if (space->mode == PAGING_MODE_RECURSIVE)
        flush_add(list, paging_page_start(space->cpu.levels, page));
    for (unsigned below = level - 1; below >= 1; below--)
        flush_add_window(space, list, below, page);
}

/* Adds the window page of a table of this level that goes away, on the way to page. */
static inline void flush_add_table(const struct paging_space *space, struct flush_list *list, unsigned level,
                                   paging_page_t page)
{
    if (space->mode != PAGING_MODE_DIRECT)
        flush_add_window(space, list, level, page);
}

/*
 * Adds all that is cached because of one entry that goes, of a table of this level, and maps the page `at`: its
 * leaf, or its table and every leaf and table below (unmap_range.c). It is still linked.
 */
void paging_flush_add_subtree(const struct paging_space *space, unsigned level, paging_entry_t entry,
                              uint64_t at, struct flush_list *list);

/* Flushes one page now, in the active space. */
static inline void flush_page(struct paging_space *space, paging_virt_t address)
{
    paging_tlb_flush_page(address);
    space->flushes++;
}

/* Flushes what the list holds, and empties it. */
void paging_flush_list(struct paging_space *space, struct flush_list *list);

/* Flushes everything, global pages included. */
void paging_flush_all(struct paging_space *space);

#endif
