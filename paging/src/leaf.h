/*
 * leaf.h - single leaves that go or change: the accesses by which they do, and what is reported of them.
 */
#ifndef PAGING_SRC_LEAF_H
#define PAGING_SRC_LEAF_H

#include "walk.h"
#include <selfmap/map.h>

#define ACCESSED_DIRTY (PAGING_ACCESSED | PAGING_DIRTY)

/*
 * Replaces a leaf in use by another one, and returns it as it was then. A bit that the processor sets between
 * the load and the store is lost (CAVEATS.md); one exchange in place of the two would lose none.
 */
PAGING_ALWAYS_INLINE paging_entry_t leaf_replace(volatile paging_entry_t *slot, paging_entry_t leaf)
{
    paging_entry_t before = paging_entry_load(slot);
    paging_entry_store(slot, leaf);
    return before;
}

/* Toggles bits of a leaf in use, none of them PRESENT or the frame's. The same holds: one XOR loses none. */
PAGING_ALWAYS_INLINE void leaf_toggle(volatile paging_entry_t *slot, uint64_t bits)
{
    paging_entry_store(slot, (paging_entry_t){paging_entry_load(slot).bits ^ bits});
}

PAGING_ALWAYS_INLINE void report_unmapped(struct paging_unmapped *unmapped, paging_entry_t leaf,
                                          unsigned level, bool released)
{
    *unmapped = (struct paging_unmapped){
        .frame = paging_leaf_frame(leaf, level),
        .size = (enum paging_size)level,
        .flags = paging_entry_flags(leaf) & PAGING_LEAF_FLAGS,
        .released = released,
    };
}

#endif
