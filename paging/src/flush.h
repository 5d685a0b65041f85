/* SPDX-License-Identifier: MIT */
/*
 * flush.h - remove translations from the TLB, one by one or all at once.
 *
 * Each operation knows what it changed, and flushes it through these functions; nothing else in the core
 * flushes, except that a new CR3 flushes what is not global. An operation appends what has to be flushed to a
 * list (flush_list.h) while it writes, and carries that out once: each page by itself if they are few,
 * everything if they are many. Only then do frames go back. Nothing of an inactive space is in the TLB,
 * except the window of an attached one.
 *
 *                        life through the recursive slot           life through a direct map
 *   unmap                the page, and the window pages of the     the page
 *                        tables that go
 *   clear_marker         the window pages of the tables that go    one page, if tables go
 *   unmap_range          leaves and tables that go, together       leaves that go, and one page below each
 *                                                                  table that held none, together
 *   unmap_list           leaves and tables that go, together       leaves that go, together
 *   gather               the same for many calls, at its end       the same
 *   protect_range,       leaves that change, at the end            the same
 *   test_and_clear
 *   move_range           leaves and tables that move, and tables   leaves that move, and one page below each
 *                        that go, of which 32 go back at a time    table that held none
 *   split, merge_range   the leaves that go, and the window pages  the leaves that go
 *                        of the tables below
 *   protect, remap       the leaf, and after a huge page the       the leaf
 *                        window pages in which it was visible
 *   map, map_range,      nothing: what was not present is not      nothing
 *   set_marker_range,    cached
 *   map_list
 *     broken source      the window page of an empty table that    one page below it
 *                        goes back
 *   unshare_upper_half   the window pages of the empty tables      one page below each of them
 *   attach, detach       everything                                never done
 *   table_pages.c        the scratch page, whenever it shows       nothing
 *                        another table
 *   paging_switch_to     everything, global pages too, unless the spaces share the upper half
 *
 * Only after that do frames go back: the processor may also have cached that an entry leads to a table (SDM
 * 3A, 4.10.3), and must not walk through one that went. The flush of any page drops all that is cached of
 * that kind (SDM 3A, 4.10.4.1). With EFER.TCE of AMD's (APM 2, 5.5.3) it drops only what is on the way to
 * that page. The life through a direct map allows for this: below each table that goes it flushes a page.
 * One leaf of it, or of a table below, is enough; where there is none, flush_add_way adds a page.
 */
#ifndef PAGING_SRC_FLUSH_H
#define PAGING_SRC_FLUSH_H

#include "walk.h"
#include <selfmap/flush_list.h>

static inline void flush_begin(struct paging_flush_list *list)
{
    list->count = 0;
    list->tables = false;
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

/* Returns whether the space's tables appear as pages. */
static inline bool has_windows(const struct paging_space *space)
{
    assume_world(space);
    return !is_reached_by_offset(space);
}

/*
 * Adds the page of the window of this level on the way to a page, in every window that shows it: an attached
 * space that shares the upper half shows those tables too.
 */
PAGING_INLINE_FOR_SPEED void flush_add_window(const struct paging_space *space,
                                              struct paging_flush_list *list, unsigned level,
                                              paging_page_t page)
{
    uint64_t table = page.number >> (PAGING_INDEX_BITS * level) << PAGING_PAGE_SHIFT;
    list->tables = true;
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
    if (is_active(space))
        flush_add(list, paging_page_start(space->cpu.levels, page));
    for (unsigned below = level - 1; has_windows(space) && below >= 1; below--)
        flush_add_window(space, list, below, page);
}

/* Returns what is added to the shifted number of a page for its address: the same for all pages of a P1. */
static inline uint64_t upper_bits(const struct paging_space *space, paging_page_t page)
{
    return paging_page_start(space->cpu.levels, page).value - (page.number << PAGING_PAGE_SHIFT);
}

/* Adds leaves of 4 KiB, at these pages of one P1. */
static inline void flush_add_pages(const struct paging_space *space, struct paging_flush_list *list,
                                   const paging_page_t *pages, uint64_t count)
{
    if (!is_active(space))
        return;
    if (list->count + count > PAGING_FLUSH_LIMIT) {
        list->count = PAGING_FLUSH_LIMIT + 1;
        return;
    }
    paging_virt_t *free = list->pages + list->count;
    const uint64_t upper = upper_bits(space, pages[0]);
    for (uint64_t i = 0; i < count; i++)
        free[i].value = (pages[i].number << PAGING_PAGE_SHIFT) + upper;
    list->count += (unsigned)count;
}

/* Adds a table of this level that goes away, on the way to page: its window page, where it has one. */
static inline void flush_add_table(const struct paging_space *space, struct paging_flush_list *list,
                                   unsigned level, paging_page_t page)
{
    assume_world(space);
    if (space->mode == PAGING_MODE_DIRECT_ACTIVE)
        list->tables = true;
    else if (has_windows(space))
        flush_add_window(space, list, level, page);
}

/*
 * Adds a page that a table covers which goes away and held no leaf, so that nothing on the way to the table
 * stays cached. Where the table has a window page, the flush of that one has done it.
 */
static inline void flush_add_way(const struct paging_space *space, struct paging_flush_list *list,
                                 paging_page_t page)
{
    assume_world(space);
    if (space->mode == PAGING_MODE_DIRECT_ACTIVE)
        flush_add(list, paging_page_start(space->cpu.levels, page));
}

/*
 * Adds all that is cached because of one entry that goes, of a table of this level, and maps the page `at`:
 * its leaf, or its table and every leaf and table below (unmap_range.c). It is still linked.
 */
void paging_flush_add_subtree(const struct paging_space *space, unsigned level, paging_entry_t entry,
                              uint64_t at, struct paging_flush_list *list);

/* Flushes everything, global pages included. */
void paging_flush_all(struct paging_space *space);

/* Flushes one page now, in the active space. */
static inline void flush_page(struct paging_space *space, paging_virt_t address)
{
    paging_tlb_flush_page(address);
    own_counters(space)->flushes++;
}

/* Flushes what the list holds, and empties it. What went may be given back from here on. */
PAGING_FOR_SIZE void paging_carry_out(struct paging_space *space, struct paging_flush_list *list);

/*
 * Returns whether leaves of 4 KiB at so many pages are flushed each by itself, as it goes. Otherwise all are,
 * by flush_many at the end, if the space is active at all.
 */
static inline bool flushes_each(const struct paging_space *space, uint64_t count)
{
    return is_active(space) && count <= PAGING_FLUSH_LIMIT;
}

static inline void flush_many(struct paging_space *space)
{
    if (is_active(space))
        paging_flush_all(space);
}

/* Flushes what is cached of one leaf of this level that has gone or changed. */
PAGING_ALWAYS_INLINE void flush_leaf(struct paging_space *space, unsigned level, paging_page_t page)
{
    struct paging_flush_list list;
    if (level == PAGING_4K) {
        if (is_active(space))
            flush_page(space, paging_page_start(space->cpu.levels, page));
        return;
    }
    flush_begin(&list);
    flush_add_leaf(space, &list, level, page);
    paging_carry_out(space, &list);
}

#endif
