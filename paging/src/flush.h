/*
 * flush.h - forgetting translations, one by one or all at once.
 *
 * Internal to the core. An operation that removes or changes many pages collects what has to be forgotten while it
 * writes, and flushes once: each page by itself if they are few, everything if they are many. Of a space
 * that is reached by offset nothing is in the TLB; of one that is reached through the alternate slot its
 * windows are.
 */
#ifndef PAGING_SRC_FLUSH_H
#define PAGING_SRC_FLUSH_H

#include "walk.h"

/* From here on one full flush is cheaper than flushing pages and filling the TLB anew. */
enum { FLUSH_LIMIT = 32 };

struct flush_batch {
    unsigned count; /* may go beyond the limit; then it is no longer exact */
    paging_virt_t pages[FLUSH_LIMIT];
};

static inline void flush_begin(struct flush_batch *batch)
{
    batch->count = 0;
}

static inline bool flush_is_full(const struct flush_batch *batch)
{
    return batch->count > FLUSH_LIMIT;
}

/* Is there any use in telling the batch of more pages? */
static inline bool flush_wants_more(const struct paging_space *space, const struct flush_batch *batch)
{
    return space->mode != PAGING_MODE_DIRECT && !flush_is_full(batch);
}

static inline void flush_later(struct flush_batch *batch, paging_virt_t address)
{
    if (batch->count < FLUSH_LIMIT)
        batch->pages[batch->count] = address;
    if (batch->count <= FLUSH_LIMIT)
        batch->count++;
}

/*
 * The page of the window of this level on the way to a page, in every view of these tables that there is:
 * while a foreign space is open that shares the upper half, its windows show those tables too.
 */
static inline void flush_window_later(const struct paging_space *space, struct flush_batch *batch,
                                      unsigned level, paging_page_t page)
{
    uint64_t table = page.number >> (PAGING_INDEX_BITS * level) << PAGING_PAGE_SHIFT;
    flush_later(batch, (paging_virt_t){space->windows[level] + table});
    UNLESS_MUTANT(NO_OPEN_VIEW_FLUSH)
    if (space->alternate_shares_half && in_upper_half(space, page)) {
        paging_virt_t other = paging_alternate_window_base(space->cpu.levels, level);
        flush_later(batch, (paging_virt_t){other.value + table});
    }
}

/*
 * A leaf of this level at page: the page, and for a huge one the window pages it leaks into. Through the
 * window, the entry of a huge page is a leaf where a lower table would be: the window pages of the tables
 * that are not there show the start of the huge page, and the processor may have looked (SDM 3A, 4.10.2.3).
 * One flush covers each, because one leaf maps each.
 */
static inline void flush_leaf_later(const struct paging_space *space, struct flush_batch *batch,
                                    unsigned level, paging_page_t page)
{
    if (!flush_wants_more(space, batch))
        return;
    UNLESS_MUTANT(NO_PAGE_FLUSH)
    if (space->mode == PAGING_MODE_RECURSIVE)
        flush_later(batch, paging_page_start(space->cpu.levels, page));
    UNLESS_MUTANT(NO_HUGE_LEAK_FLUSH)
    for (unsigned below = level - 1; below >= 1; below--)
        flush_window_later(space, batch, below, page);
}

/* The table of this level on the way to page goes away: so does its window. */
static inline void flush_table_later(const struct paging_space *space, struct flush_batch *batch,
                                     unsigned level, paging_page_t page)
{
    if (space->mode == PAGING_MODE_DIRECT)
        return;
    UNLESS_MUTANT(NO_WINDOW_FLUSH)
    flush_window_later(space, batch, level, page);
}

/* Forget one page now, or all that was collected. Of a space that is reached by offset nothing ever is. */
void paging_flush_page(struct paging_space *space, paging_virt_t address);
void paging_flush_now(struct paging_space *space, struct flush_batch *batch);

/* Forget all there is, global pages included. */
void paging_flush_all(struct paging_space *space);

#endif
