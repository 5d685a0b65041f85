/*
 * translate.h - ask what an address space maps.
 *
 * These change nothing and answer for every canonical address, the recursive window included.
 */
#ifndef SELFMAP_TRANSLATE_H
#define SELFMAP_TRANSLATE_H

#include <selfmap/space.h>

struct paging_translation {
    paging_phys_t address; /* where the byte is, the offset into the page included */
    enum paging_size size;
    uint64_t flags; /* the leaf's, but see below */
    bool owned;     /* unmapping gives the frame back */
};

/*
 * Where does the address lead, and with what rights?
 *
 * The flags are those of PAGING_LEAF_FLAGS. Of them, WRITABLE and USER are reported only if every level has them,
 * NO_EXECUTE if any has (SDM 3A, 4.6.1). Below a slot that the core keeps, system bits 9 to 11 are not
 * reported: there the leaf may be a table's entry, in which they are the core's.
 *
 *   PAGING_UNREACHABLE, PAGING_NOT_CANONICAL, PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_MALFORMED
 */
PAGING_MUST_CHECK enum paging_status paging_translate(const struct paging_space *space, paging_virt_t address,
                                                      struct paging_translation *translation);

/* The entries on the way to an address, as the processor meets them. */
struct paging_walk_result {
    unsigned top;   /* level of the root: entries[top] is the first one met */
    unsigned level; /* level of the last entry met: a leaf, or where the walk stopped */
    paging_entry_t entries[PAGING_MAX_LEVELS + 1]; /* by level, from top down to level; the rest is zero */
};

/* Walk to the address and say how far that went. Statuses as for paging_translate; *path is filled with each
 * of them but PAGING_UNREACHABLE and PAGING_NOT_CANONICAL. */
PAGING_MUST_CHECK enum paging_status
paging_walk_address(const struct paging_space *space, paging_virt_t address, struct paging_walk_result *path);

#endif
