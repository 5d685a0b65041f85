/*
 * table_pages.h - tables that nothing links to: not yet, or no more.
 *
 * Internal to the core. A table can only be reached through the recursive window once something points to it,
 * and then the processor uses it. So a live space fills new tables through its scratch page and links them
 * complete; through the same page it reads what to give back of those that it has unlinked.
 */
#ifndef PAGING_SRC_TABLE_PAGES_H
#define PAGING_SRC_TABLE_PAGES_H

#include "count.h"

/* Reach such a table, until this is called for another one, or paging_temp_unmap. */
volatile paging_entry_t *paging_temp_map(struct paging_space *space, paging_frame_t table);

/* Fill a new table: all zeroes, but for one entry. */
void paging_init_table(struct paging_space *space, paging_frame_t table, unsigned index,
                       paging_entry_t entry);

/*
 * After the last of the calls here that reach tables: the scratch page lets go of the one it shows, if any.
 */
void paging_temp_unmap(struct paging_space *space);

/* Before an operation writes anything: are there so many frames of PAGING_4K? */
static inline bool reserve_frames(struct paging_frame_source *frames, uint64_t count)
{
    IF_MUTANT(RESERVES_TOO_FEW)
    count--;
    return frames->reserve(frames, count);
}

/* One of those. */
static inline paging_frame_t reserved_frame(struct paging_frame_source *frames)
{
    paging_frame_t frame;
    (void)frames->allocate(frames, PAGING_4K, &frame);
    return frame;
}

/* Tables that an entry of this size needs below the one in which the walk ended. */
static inline unsigned missing_tables(const struct page_walk *walk, unsigned size)
{
    return walk->level - size;
}

/*
 * Put an entry of this size, a leaf or one of the owner's, where the walk towards the page ended. Missing
 * tables are built from the bottom up, out of sight; the last store links the topmost, and with it the entry.
 * Their frames are reserved.
 */
void paging_link_entry(struct paging_space *space, const struct page_walk *walk, paging_page_t page,
                       unsigned size, paging_entry_t entry, struct paging_frame_source *frames);

/*
 * Give back what one entry of a table of this level names, which is or was present: an owned page, or a table
 * with all below it. Nothing is cached of them any more. Answers how many tables that was.
 */
uint64_t paging_free_subtree(struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct paging_frame_source *frames);

#endif
