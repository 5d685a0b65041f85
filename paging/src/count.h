/*
 * count.h - how much is in use: entries of a table, as the entry that points to it says, and tables of a
 * space.
 *
 * Internal to the core.
 */
#ifndef PAGING_SRC_COUNT_H
#define PAGING_SRC_COUNT_H

#include "walk.h"

/*
 * What an entry of a table of this level says beside the count, if below it a leaf gets these flags. An entry
 * of the owner's may look like such a leaf.
 */
static inline uint64_t owned_below(unsigned level, uint64_t flags)
{
    return level == PAGING_2M && (flags & PAGING_OWNED) ? MUTANT_DROPS(NO_OWNED_BELOW, PAGING_OWNED_BELOW)
                                                        : 0;
}

/*
 * The table that the entry in this slot of a table of this level points to has so many more used entries, or
 * fewer. Those that are new have these flags.
 */
static inline void change_entry_count(const struct paging_space *space, unsigned level,
                                      volatile paging_entry_t *slot, int change, uint64_t flags)
{
    paging_entry_t before = paging_entry_load(slot), after = before;
    UNLESS_MUTANT(COUNTS_PINNED)
    if (entry_is_shared(space, level, before))
        return;
    if (change != 1 || !count_steps_up(&after))
        after = entry_with_count(before, entry_count(before) + (unsigned)change);
    after.bits |= owned_below(level, flags);
    if (after.bits != before.bits)
        paging_entry_store(slot, after);
}

/* So many more tables are on the way to the page, or fewer. Those of a borrowed half are the lender's. */
static inline void change_table_count(struct paging_space *space, paging_page_t page, int64_t change)
{
    struct paging_space *owner =
        space->shared_owner && in_upper_half(space, page) ? space->shared_owner : space;
    owner->tables += (uint64_t)change;
}

#endif
