/* SPDX-License-Identifier: MIT */
/*
 * table_pages.h - pages that are tables: fill them, link them, count in them, give them back.
 *
 * A table can only be reached through the recursive window once an entry points to it, and then the processor
 * uses it. So an active space fills a new table through its scratch page and links it complete, and through
 * the same page it reads what a table contained that it has unlinked. By direct map both are reached like any
 * other table.
 */
#ifndef PAGING_SRC_TABLE_PAGES_H
#define PAGING_SRC_TABLE_PAGES_H

#include "walk.h"

/* Returns where the table that nothing links to can be reached, until the next call or paging_temp_unmap. */
PAGING_FOR_SIZE volatile paging_entry_t *paging_temp_map(struct paging_space *space, paging_frame_t table);

/* Ends that: the scratch page shows nothing any more. To be called once after the last paging_temp_map. */
PAGING_FOR_SIZE void paging_temp_unmap(struct paging_space *space);

/* Takes a frame for a table, or gives one back. */
PAGING_MUST_CHECK static inline bool take_table(const struct paging_space *space,
                                                struct paging_frame_source *frames, paging_frame_t *table)
{
    return frames->allocate(frames, space, PAGING_FRAME_FOR_TABLE, PAGING_4K, table);
}

/* Takes one frame for a page to own. */
PAGING_MUST_CHECK static inline bool take_page(const struct paging_space *space,
                                               struct paging_frame_source *frames, paging_frame_t *frame)
{
    return frames->allocate(frames, space, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
}

static inline void give_table(const struct paging_space *space, struct paging_frame_source *frames,
                              paging_frame_t table)
{
    frames->release(frames, space, PAGING_FRAME_FOR_TABLE, PAGING_4K, table);
}

/* Gives back the frame, or the run of this size, that a page has owned. */
static inline void give_page(const struct paging_space *space, struct paging_frame_source *frames,
                             unsigned size, paging_frame_t frame)
{
    frames->release(frames, space, PAGING_FRAME_FOR_PAGE, (enum paging_size)size, frame);
}

/* Fills a new table, which is within reach, with markers of this value. */
void paging_fill_with_markers(volatile paging_entry_t *entries, uint64_t value);

/*
 * Fills a new table, which is within reach, with zeroes, or with markers of this marker's value. (Not with
 * the same word: if somebody else has made it, it may name a frame.)
 */
static inline void fill_table(volatile paging_entry_t *entries, paging_entry_t marker)
{
    if (__builtin_expect(paging_entry_is_unused(marker), 1))
        paging_table_zero(entries);
    else
        paging_fill_with_markers(entries, paging_marker_value(marker));
}

/* Fills a new table with zeroes and one entry. */
PAGING_FOR_SIZE void paging_init_table(struct paging_space *space, paging_frame_t table, unsigned index,
                                       paging_entry_t entry);

/* Returns how many tables an entry of this size needs below the one in which the walk ended. */
static inline unsigned missing_tables(const struct page_walk *walk, unsigned size)
{
    return walk->level - size;
}

/*
 * Puts an entry of this size, a leaf or a marker, where the walk towards the page ended: at an entry that is
 * unused, or at a marker. Missing tables, whose frames are reserved, are built from the bottom up; the last
 * store links the topmost one, and with it the entry. Where a larger marker was, all pages around keep it,
 * and the entry may also be an unused one. PAGING_BROKEN_SOURCE: nothing was linked, and the tables that were
 * built went back.
 */
PAGING_MUST_CHECK PAGING_FOR_SIZE enum paging_status
paging_link_entry(struct paging_space *space, const struct page_walk *walk, paging_page_t page, unsigned size,
                  paging_entry_t entry, struct paging_frame_source *frames);

/* Makes sure of the frames for missing tables, and puts the entry where the walk ended. */
PAGING_ALWAYS_INLINE enum paging_status reserve_and_link(struct paging_space *space,
                                                         const struct page_walk *walk, paging_page_t page,
                                                         unsigned size, paging_entry_t entry,
                                                         struct paging_frame_source *frames)
{
    if (!frames->reserve(frames, space, missing_tables(walk, size), 0))
        return PAGING_NO_FRAMES;
    enum paging_status status = paging_link_entry(space, walk, page, size, entry, frames);
    frames->unreserve(frames, space);
    return status;
}

/*
 * Gives back what one entry of a table of this level names, which is present or was (entry_from_detached): a
 * page, if it is owned, or a table with everything below it. Nothing of it may be cached any more. Returns
 * how many tables that was.
 */
uint64_t paging_free_subtree(struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct paging_frame_source *frames);

/*
 * Adds `change` to the number of used entries of the table that the entry in `slot`, of a table of this
 * level, points to. New entries have these flags. Shared tables are not counted.
 */
PAGING_INLINE_FOR_SPEED void change_entry_count(const struct paging_space *space, unsigned level,
                                                volatile paging_entry_t *slot, int change, uint64_t flags)
{
    paging_entry_t before = paging_entry_load(slot), after = before;
    if (entry_is_shared(space, level, before))
        return;
    if (change != 1 || !count_steps_up(&after))
        after = entry_with_count(before, entry_count(before) + (unsigned)change);
    after.bits |= owned_below(level, flags);
    if (after.bits != before.bits)
        paging_entry_store(slot, after);
}

/* Adds `change` to the number of tables of whoever owns those on the way to the page. */
PAGING_INLINE_FOR_SPEED void change_table_count(struct paging_space *space, paging_page_t page,
                                                int64_t change)
{
    struct paging_space *owner =
        space->shared_owner && in_upper_half(space, page) ? space->shared_owner : space;
    own_counters(owner)->tables += (uint64_t)change;
}

#endif
