/*
 * flush.h - remove translations from the TLB, one by one or all at once.
 *
 * Each operation knows what it changed, and flushes it through these functions; nothing else in the core
 * flushes, except that a new CR3 flushes what is not global. An operation appends what has to be flushed to a
 * list (flush_list.h) while it writes, and carries that out once: each page by itself if they are few,
 * everything if they are many. Only then do frames go back. A space in direct-map mode is not the active one,
 * so nothing of it is in the TLB; of an attached space only its window is.
 *
 *      unmap                   the page, and the window pages of the tables that go; then they go back
 *      unmap_range             leaves and tables that go, together; then they go back
 *      unmap_list              the same
 *      gather                  the same for many calls, at its end; then all of it goes back
 *      protect_range           leaves that change, at the end
 *      split, merge_range      the leaf, and the window pages of the tables below it
 *      map, map_list,
 *      map_range               nothing: what was not present is not cached. (If the frame source breaks its
 *                              promise, the window page of an empty table that goes back)
 *      unshare_upper_half      the window pages of the empty tables; then they go back
 *      attach, detach          everything
 *      paging_switch_to        everything, global pages too, unless the spaces share the upper half
 *      table_pages.c           the scratch page, whenever it shows another table
 */
#ifndef PAGING_SRC_FLUSH_H
#define PAGING_SRC_FLUSH_H

#include "walk.h"
#include <selfmap/flush_list.h>

static inline void flush_begin(struct paging_flush_list *list)
{
    list->count = 0;
    list->windows = false;
}

/* Returns whether adding pages to the list still makes a difference. */
static inline bool flush_wants_more(const struct paging_space *space, const struct paging_flush_list *list)
{
    return space->mode != PAGING_MODE_DIRECT && !paging_flush_list_is_all(list);
}

static inline void flush_add(struct paging_flush_list *list, paging_virt_t address)
{
    if (list->count < PAGING_FLUSH_LIMIT)
        list->pages[list->count] = address;
    if (list->count <= PAGING_FLUSH_LIMIT)
        list->count++;
}

/*
 * Adds the page of the window of this level on the way to a page, in every window that shows it: an attached
 * space that shares the upper half shows those tables too.
 */
static inline void flush_add_window(const struct paging_space *space, struct paging_flush_list *list,
                                    unsigned level, paging_page_t page)
{
    uint64_t table = page.number >> (PAGING_INDEX_BITS * level) << PAGING_PAGE_SHIFT;
    list->windows = true;
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
static inline void flush_add_leaf(const struct paging_space *space, struct paging_flush_list *list,
                                  unsigned level, paging_page_t page)
{
    if (!flush_wants_more(space, list))
        return;
    if (space->mode == PAGING_MODE_RECURSIVE)
        flush_add(list, paging_page_start(space->cpu.levels, page));
    for (unsigned below = level - 1; below >= 1; below--)
        flush_add_window(space, list, below, page);
}

/* Adds leaves of 4 KiB, at these pages of one P1: their addresses have the same upper bits. */
static inline void flush_add_pages(const struct paging_space *space, struct paging_flush_list *list,
                                   const paging_page_t *pages, uint64_t count)
{
    if (space->mode != PAGING_MODE_RECURSIVE)
        return;
    if (list->count + count > PAGING_FLUSH_LIMIT) {
        list->count = PAGING_FLUSH_LIMIT + 1;
        return;
    }
    paging_virt_t *free = list->pages + list->count;
    uint64_t first = pages[0].number << PAGING_PAGE_SHIFT;
    uint64_t upper = paging_page_start(space->cpu.levels, pages[0]).value - first;
    for (uint64_t i = 0; i < count; i++)
        free[i].value = (pages[i].number << PAGING_PAGE_SHIFT) + upper;
    list->count += (unsigned)count;
}

/* Adds the window page of a table of this level that goes away, on the way to page. */
static inline void flush_add_table(const struct paging_space *space, struct paging_flush_list *list,
                                   unsigned level, paging_page_t page)
{
    if (space->mode != PAGING_MODE_DIRECT)
        flush_add_window(space, list, level, page);
}

/* Flushes one page now, in the active space. */
static inline void flush_page(struct paging_space *space, paging_virt_t address)
{
    paging_tlb_flush_page(address);
    space->flushes++;
}

/* Flushes what the list holds, and empties it. What went may be given back from here on. */
void paging_carry_out(struct paging_space *space, struct paging_flush_list *list);

/* Flushes everything, global pages included. */
void paging_flush_all(struct paging_space *space);

#endif
