/* SPDX-License-Identifier: MIT */
/*
 * move_range.h - what the check of a move (move_range.c) and the move itself (move_units.c) have in common.
 *
 * A unit is what moves with one store there and one here: a leaf, a marker, or a whole table where both
 * places are aligned to what it maps.
 */
#ifndef PAGING_SRC_MOVE_RANGE_H
#define PAGING_SRC_MOVE_RANGE_H

#include "cursor.h"
#include <selfmap/flush_list.h>

/* The most tables that have become empty and go back after one flush. */
enum { EMPTIED_LIMIT = 32 };

struct move {
    struct paging_space *space;
    struct paging_frame_source *frames;
    uint64_t delta; /* page p moves to page p + delta, modulo 2^64 */
    unsigned emptied;
    paging_frame_t tables[EMPTIED_LIMIT];
    struct paging_flush_list list;
};

static inline bool is_aligned_alike(const struct move *move, unsigned level)
{
    return move->delta % paging_level_pages(level) == 0;
}

/* Returns whether the entry at the cursor is a unit. If not, it is a table, and units are below it. */
static inline bool is_unit(const struct move *move, const struct cursor *c)
{
    if (!paging_entry_is_table(c->entry, c->level))
        return true;
    return covers_whole_entry(c->level, cursor_part(c)) && is_aligned_alike(move, c->level) &&
           !entry_is_shared(move->space, c->level, c->entry);
}

/*
 * Links all units of the range at their new places. If the source breaks its promise, the range ends before
 * the first unit that could not be linked.
 */
PAGING_MUST_CHECK enum paging_status paging_link_units(const struct move *move, struct page_range *range);

/* Ends them at their old places, flushes, and gives back the tables that have become empty. */
void paging_unlink_units(struct move *move, struct page_range range);

#endif
