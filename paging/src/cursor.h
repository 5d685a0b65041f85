/* SPDX-License-Identifier: MIT */
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
 *             ... c.slot, c.entry: a leaf, a marker, or unused; cursor_part(&c): its part of the range
 *         }
 *     }
 *
 * The client may store to c.slot. If the entry then points to a table in which it wants to descend, it sets
 * c.entry as well. In P1s, where most entries are, cursor_take_row hands over the whole row at once.
 */
#ifndef PAGING_SRC_CURSOR_H
#define PAGING_SRC_CURSOR_H

#include "walk.h"

/* Page numbers. Without sign extension, as in paging_page_t; `end` may be one past the last page. */
struct page_range {
    uint64_t at, end;
};

/* Checks the form of a range, whatever is mapped, and stores it. Statuses in the order of range.h. */
PAGING_MUST_CHECK enum paging_status paging_range_form(const struct paging_space *space, paging_virt_t start,
                                                       uint64_t bytes, struct page_range *range);

/*
 * Takes the first part of a range that lies between reserved root slots out of it, and stores it. Returns
 * false if there is none any more.
 */
bool paging_next_between_slots(const struct paging_space *space, struct page_range *range,
                               struct page_range *part);

/* Checks what all operations that change a range refuse alike, in the order of range.h, and stores it. */
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

/* Returns the part of the range up to the end of the entry of this level that maps its first page. */
static inline struct page_range first_part(unsigned level, struct page_range range)
{
    uint64_t end = (range.at / paging_level_pages(level) + 1) * paging_level_pages(level);
    return (struct page_range){range.at, end < range.end ? end : range.end};
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
    /* private */
    bool stands_new; /* cursor_next must not advance: it has just begun or descended */
    unsigned top;    /* level of the table in which the cursor began */
    unsigned left;   /* entries of this table that the range touches after this one */
    struct page_range ranges[PAGING_MAX_LEVELS + 1]; /* by level: the part of the range in that table, */
    volatile paging_entry_t *slots[PAGING_MAX_LEVELS + 1]; /* the entry through which it has gone down, */
    unsigned lefts[PAGING_MAX_LEVELS + 1];                 /* and what was left there */
};

/* Enters a table of this level. The part of the range that lies in it is not empty. */
PAGING_ALWAYS_INLINE void cursor_enter(struct cursor *c, unsigned level, paging_frame_t table,
                                       struct page_range range)
{
    unsigned shift = PAGING_INDEX_BITS * (level - 1);
    c->level = level;
    c->ranges[level] = range;
    c->left = (unsigned)(((range.end - 1) >> shift) - (range.at >> shift));
    c->slot = entry_slot(c->space, level, (paging_page_t){range.at}, table);
    c->stands_new = true;
}

/* Begins before the first entry of a table of this level that the range touches; it lies in that table. */
PAGING_ALWAYS_INLINE void cursor_begin_in(struct cursor *c, const struct paging_space *space, unsigned level,
                                          paging_frame_t table, struct page_range range)
{
    c->space = space;
    c->event = CURSOR_END;
    c->top = level;
    cursor_enter(c, level, table, range);
}

PAGING_ALWAYS_INLINE void cursor_begin(struct cursor *c, const struct paging_space *space,
                                       struct page_range range)
{
    cursor_begin_in(c, space, space->cpu.levels, space->root, range);
}

/* Returns the part of the range that the entry at the cursor maps. */
PAGING_ALWAYS_INLINE struct page_range cursor_part(const struct cursor *c)
{
    unsigned shift = PAGING_INDEX_BITS * (c->level - 1);
    struct page_range table = c->ranges[c->level];
    uint64_t number = ((table.end - 1) >> shift) - c->left; /* of the entry, counted from page 0 on */
    uint64_t at = number << shift, end = (number + 1) << shift;
    return (struct page_range){at > table.at ? at : table.at, end < table.end ? end : table.end};
}

/* Makes the table that c->entry points to the next one; cursor_next comes to its first entry in the range. */
PAGING_ALWAYS_INLINE void cursor_descend(struct cursor *c)
{
    c->slots[c->level] = c->slot;
    c->lefts[c->level] = c->left;
    cursor_enter(c, c->level - 1, paging_entry_frame(c->entry), cursor_part(c));
}

/* Goes to the next entry of the same table, which the range touches; c->entry is not loaded. */
PAGING_ALWAYS_INLINE void cursor_advance(struct cursor *c)
{
    c->slot++;
    c->left--;
}

/* Goes to the next entry, or back to the entry whose table is done. */
PAGING_ALWAYS_INLINE enum cursor_event cursor_next(struct cursor *c)
{
    if (!c->stands_new && c->left == 0) {
        if (c->level == c->top)
            return c->event = CURSOR_END;
        c->level++;
        c->slot = c->slots[c->level];
        c->left = c->lefts[c->level];
        c->entry = paging_entry_load(c->slot);
        return c->event = CURSOR_LEAVE;
    }
    if (!c->stands_new)
        cursor_advance(c);
    c->stands_new = false;
    c->entry = paging_entry_load(c->slot);
    return c->event = CURSOR_ENTRY;
}

/* Does the same, but passes over unused entries. */
PAGING_ALWAYS_INLINE enum cursor_event cursor_next_used(struct cursor *c)
{
    while (cursor_next(c) == CURSOR_ENTRY && paging_entry_is_unused(c->entry))
        ;
    return c->event;
}

/*
 * In a P1: returns the rest of the range in this table, from this entry on. The entries lie side by side from
 * c->slot on, and the cursor leaves the table next.
 */
PAGING_ALWAYS_INLINE struct page_range cursor_take_row(struct cursor *c)
{
    uint64_t end = c->ranges[PAGING_4K].end, at = end - 1 - c->left;
    c->left = 0;
    return (struct page_range){at, end};
}

/* Returns how many of the entries from a slot on are unused. */
static inline unsigned count_unused(const volatile paging_entry_t *slot, uint64_t count)
{
    unsigned unused = 0;
    for (const volatile paging_entry_t *end = slot + count; slot != end; slot++)
        unused += paging_entry_is_unused(paging_entry_load(slot));
    return unused;
}

/* At an unused entry: goes to the last one of those that follow it in the range and in this table. */
PAGING_ALWAYS_INLINE void cursor_skip_unused(struct cursor *c)
{
    while (c->left > 0 && paging_entry_is_unused(paging_entry_load(c->slot + 1)))
        cursor_advance(c);
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
