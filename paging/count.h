/*
 * count.h - how much is in use: entries of a table, as the entry that points to it says, and tables of a
 * space.
 *
 * Internal to the core.
 */
#ifndef PAGING_COUNT_H
#define PAGING_COUNT_H

#include "walk.h"

/*
 * What an entry of a table of this level says beside the count, if below it a leaf gets these flags. An entry
 * of the owner's may look like such a leaf.
 */
static inline uint64_t owned_below(unsigned level, uint64_t flags)
{
    return level == PAGE_2M && (flags & ENTRY_OWNED) ? MUTANT_DROPS(NO_OWNED_BELOW, ENTRY_OWNED_BELOW) : 0;
}

/*
 * The table that the entry in this slot of a table of this level points to has so many more used entries, or
 * fewer. Those that are new have these flags.
 */
static inline void add_to_count(const struct address_space *space, unsigned level, volatile entry_t *slot,
                                int change, uint64_t flags)
{
    entry_t before = entry_load(slot), after = before;
    UNLESS_MUTANT(COUNTS_PINNED)
    if (entry_is_pinned(space, level, before))
        return;
    if (change != 1 || !count_steps_up(&after))
        after = entry_with_count(before, entry_count(before) + (unsigned)change);
    after.bits |= owned_below(level, flags);
    if (after.bits != before.bits)
        entry_store(slot, after);
}

/* So many more tables are on the way to the page, or fewer. Those of a borrowed half are the lender's. */
static inline void add_to_tables(struct address_space *space, page_t page, int64_t change)
{
    struct address_space *owner = space->lender && in_upper_half(space, page) ? space->lender : space;
    owner->tables += (uint64_t)change;
}

#endif
