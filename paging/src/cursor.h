/*
 * cursor.h - ranges of pages, and the cursor that goes over the table entries of a range.
 *
 * Every operation on a range is a client of the cursor. It comes to each entry of the root that the range
 * touches, in the order of the addresses; where the client says cursor_descend, it goes over the entries of
 * the table that the entry points to, and then reports that it has left that table:
 *
 *     struct cursor c;
 *     cursor_begin(&c, space, range);
 *     while (cursor_next(&c) != CURSOR_END) {
 *         if (c.event == CURSOR_LEAVE) {
 *             ... c.slot, c.entry: the table that this entry points to is done
 *         } else if (paging_entry_is_table(c.entry, c.level)) {
 *             cursor_descend(&c);
 *         } else {
 *             ... c.slot, c.entry: a leaf, a marker, or unused; c.part: its part of the range
 *         }
 *     }
 *
 * The client may store to c.slot. If the entry then points to a table in which it wants to descend, it sets
 * c.entry as well. In P1s, where most entries are, cursor_take_row hands over the whole row at once.
 */
#ifndef PAGING_SRC_CURSOR_H
#define PAGING_SRC_CURSOR_H

#include "walk.h"

/* Page numbers. Like a page_t's without sign extension; `end` may be one past the last page. */
struct page_range {
    uint64_t at, end;
};

/* Checks what all range operations refuse alike, in the order of range.h, and stores the range. */
PAGING_MUST_CHECK enum paging_status paging_range_check(const struct paging_space *space, paging_virt_t start,
                                                        uint64_t bytes, struct page_range *range);

/* Returns how many entries of one table of this level the range touches. It lies in that table. */
static inline unsigned entries_touched(unsigned level, struct page_range range)
{
    uint64_t span = paging_level_pages(level);
    return (unsigned)((range.end - 1) / span - range.at / span) + 1;
}

/* Returns whether a part of the range, of one entry of this level, is all that the entry maps. */
static inline bool covers_whole_entry(unsigned level, struct page_range part)
{
    return part.end - part.at == paging_level_pages(level);
}

enum cursor_event {
    CURSOR_END,   /* the range is done */
    CURSOR_ENTRY, /* the cursor is at the next entry */
    CURSOR_LEAVE  /* it is back at an entry whose table it has gone over */
};

struct cursor {
    const struct paging_space *space;
    enum cursor_event event;       /* the last one */
    unsigned level;                /* of the table that the entry is in */
    volatile paging_entry_t *slot; /* where the entry is */
    paging_entry_t entry;          /* as it was when the cursor came to it */
    struct page_range part;        /* the part of the range that the entry maps */
    /* private */
    unsigned top;     /* level of the table in which the cursor began */
    bool stands_new;  /* cursor_next must not advance: it has just begun or descended */
    uint64_t entries; /* how many the part comprises: one, or a row */
    uint64_t table_end[PAGING_MAX_LEVELS + 1]; /* by level: where the range, or the table, ends */
    uint64_t starts[PAGING_MAX_LEVELS + 1];    /* by level: part.at of the entry descended into, */
    volatile paging_entry_t *slots[PAGING_MAX_LEVELS + 1]; /* and where it is */
};

/* Begins before the first entry of a table of this level that the range touches; it lies in that table. */
PAGING_ALWAYS_INLINE void cursor_begin_in(struct cursor *c, const struct paging_space *space, unsigned level,
                                          paging_frame_t table, struct page_range range)
{
    c->space = space;
    c->event = CURSOR_END;
    c->level = c->top = level;
    c->slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    c->part.at = range.at;
    c->entries = 1;
    c->table_end[level] = range.end;
    c->stands_new = true;
}

PAGING_ALWAYS_INLINE void cursor_begin(struct cursor *c, const struct paging_space *space,
                                       struct page_range range)
{
    cursor_begin_in(c, space, space->cpu.levels, space->root, range);
}

/* Makes the table that c->entry points to the next one; cursor_next comes to its first entry in the range. */
PAGING_ALWAYS_INLINE void cursor_descend(struct cursor *c)
{
    c->slots[c->level] = c->slot;
    c->starts[c->level] = c->part.at;
    c->level--;
    c->table_end[c->level] = c->part.end;
    c->slot = entry_slot(c->space, c->level, (paging_page_t){c->part.at}, paging_entry_frame(c->entry));
    c->stands_new = true;
}

/* Goes to the next entry, or back to the entry whose table is done. */
PAGING_ALWAYS_INLINE enum cursor_event cursor_next(struct cursor *c)
{
    if (!c->stands_new) {
        if (c->part.end == c->table_end[c->level]) {
            if (c->level == c->top)
                return c->event = CURSOR_END;
            c->level++;
            c->slot = c->slots[c->level];
            c->part.at = c->starts[c->level];
            c->entries = 1;
            c->entry = paging_entry_load(c->slot);
            return c->event = CURSOR_LEAVE;
        }
        c->part.at = c->part.end;
        c->slot += c->entries;
    }
    unsigned shift = PAGING_INDEX_BITS * (c->level - 1);
    uint64_t end = ((c->part.at >> shift) + 1) << shift;
    c->part.end = end < c->table_end[c->level] ? end : c->table_end[c->level];
    c->stands_new = false;
    c->entries = 1;
    c->entry = paging_entry_load(c->slot);
    return c->event = CURSOR_ENTRY;
}

/* In a P1: makes c->part the rest of the range in this table. Its entries lie side by side from c->slot on. */
PAGING_ALWAYS_INLINE void cursor_take_row(struct cursor *c)
{
    c->part.end = c->table_end[c->level];
    c->entries = c->part.end - c->part.at;
}

/* Makes c->part cover the unused entries of the range that follow in this table; c->entry is the first. */
PAGING_ALWAYS_INLINE void cursor_take_unused(struct cursor *c)
{
    uint64_t span = paging_level_pages(c->level);
    while (c->part.end < c->table_end[c->level] &&
           paging_entry_is_unused(paging_entry_load(c->slot + c->entries))) {
        c->entries++;
        c->part.end += span;
    }
}

/*
 * Stores `count` leaves of a table of this level side by side, the first of them `leaf`. From one to the next
 * only the frame changes, and it never overflows its bits.
 */
static inline void fill_leaves(volatile paging_entry_t *slot, uint64_t count, paging_entry_t leaf,
                               unsigned level)
{
    uint64_t step = paging_level_pages(level) << PAGING_FRAME_SHIFT;
#pragma GCC unroll 8
    for (volatile paging_entry_t *end = slot + count; slot != end; slot++) {
        paging_entry_store(slot, leaf);
        leaf.bits += step;
    }
}

#endif
