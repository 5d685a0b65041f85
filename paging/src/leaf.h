/* SPDX-License-Identifier: MIT */
/*
 * leaf.h - change leaves while the processor may set accessed and dirty bits in them.
 *
 * The processor sets these two bits of a leaf at any time, also between a load and a store of the core: for
 * an interrupt handler, and for another processor. Nothing else changes a leaf while an operation works on
 * it. So the rest of an entry that was loaded is still true, and a bit that was set stays set. What keeps the
 * two bits:
 *
 *   a plain store      if each of them is set in the new entry, or is to be cleared: there is nothing to lose
 *   an exchange        returns what was there: the leaf as the processor left it
 *   an XOR             with the bits that differ: the others stay, whatever they are by now
 *   a replacement      only if nothing was set meanwhile, otherwise all over again: at most twice
 *
 * Entries that point to tables have both bits from the start, so they are simply stored.
 */
#ifndef PAGING_SRC_LEAF_H
#define PAGING_SRC_LEAF_H

#include "flag_change.h"
#include "walk.h"
#include <selfmap/map.h>

#define PAGING_ACCESSED_DIRTY (PAGING_ACCESSED | PAGING_DIRTY)

/* Returns whether both bits are among these. */
static inline bool has_accessed_dirty(uint64_t bits)
{
    return (~bits & PAGING_ACCESSED_DIRTY) == 0;
}

/* Stores another entry in place of a leaf that was loaded as `leaf`; returns it as the processor left it. */
PAGING_ALWAYS_INLINE paging_entry_t replace_leaf(volatile paging_entry_t *slot, paging_entry_t leaf,
                                                 paging_entry_t after)
{
    if (!has_accessed_dirty(leaf.bits))
        return paging_entry_exchange(slot, after);
    paging_entry_store(slot, after);
    return leaf;
}

/* Makes the leaf unused. */
PAGING_ALWAYS_INLINE paging_entry_t remove_leaf(volatile paging_entry_t *slot, paging_entry_t leaf)
{
    return replace_leaf(slot, leaf, (paging_entry_t){0});
}

/* Adds accessed and dirty bits to a leaf. */
static inline void add_accessed_dirty(volatile paging_entry_t *slot, uint64_t bits)
{
    paging_entry_t leaf, after;
    do {
        leaf = paging_entry_load(slot);
        after.bits = leaf.bits | bits;
    } while (after.bits != leaf.bits && !paging_entry_replace(slot, leaf, after));
}

/*
 * Changes a leaf that was loaded as `leaf`, of which the change makes `after`. Accessed and dirty bits that
 * are not named in the change stay.
 */
static inline void change_leaf(volatile paging_entry_t *slot, const struct flag_change *change,
                               paging_entry_t leaf, paging_entry_t after)
{
    if (has_accessed_dirty(after.bits | change->clear)) {
        paging_entry_store(slot, after);
        return;
    }
    if ((change->set & PAGING_ACCESSED_DIRTY) == 0) {
        paging_entry_xor(slot, leaf.bits ^ after.bits);
        return;
    }
    while (!paging_entry_replace(slot, leaf, after)) {
        leaf = paging_entry_load(slot);
        after.bits |= leaf.bits & PAGING_ACCESSED_DIRTY & ~change->clear;
    }
}

PAGING_ALWAYS_INLINE void report_unmapped(struct paging_unmapped *unmapped, paging_entry_t leaf,
                                          unsigned level, bool released)
{
    *unmapped = (struct paging_unmapped){
        .frame = paging_leaf_frame(leaf, level),
        .size = (enum paging_size)level,
        .flags = paging_leaf_flags(leaf, level) & PAGING_LEAF_FLAGS,
        .released = released,
    };
}

#endif
