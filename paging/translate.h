/*
 * translate.h - ask what an address space maps.
 *
 * These change nothing and answer for every canonical address, the recursive window included.
 */
#ifndef PAGING_TRANSLATE_H
#define PAGING_TRANSLATE_H

#include "space.h"

struct paging_translation {
    phys_addr_t address; /* where the byte is, the offset into the page included */
    enum page_size size;
    uint64_t flags; /* the leaf's, but see below */
    bool owned;     /* unmapping gives the frame back */
};

/*
 * Where does the address lead, and with what rights?
 *
 * The flags are those of LEAF_FLAGS. Of them, WRITABLE and USER are reported only if every level has them,
 * NO_EXECUTE if any has (SDM 3A, 4.6.1). Below a slot that the core keeps, system bits 9 to 11 are not
 * reported: there the leaf may be a table's entry, in which they are the core's.
 *
 *   PAGING_OUT_OF_REACH, PAGING_NOT_CANONICAL, PAGING_NOT_MAPPED, PAGING_RESERVED, PAGING_MALFORMED
 */
MUST_CHECK enum paging_status paging_translate(const struct address_space *space, virt_addr_t address,
                                               struct paging_translation *translation);

/* The entries on the way to an address, as the processor meets them. */
struct paging_path {
    unsigned top;                    /* level of the root: entries[top] is the first one met */
    unsigned level;                  /* level of the last entry met: a leaf, or where the walk stopped */
    entry_t entries[MAX_LEVELS + 1]; /* by level, from top down to level; the rest is zero */
};

/* Walk to the address and say how far that went. Statuses as for paging_translate; *path is filled with each
 * of them but PAGING_OUT_OF_REACH and PAGING_NOT_CANONICAL. */
MUST_CHECK enum paging_status paging_trace(const struct address_space *space, virt_addr_t address,
                                           struct paging_path *path);

#endif
