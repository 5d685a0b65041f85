/* SPDX-License-Identifier: MIT */
/*
 * translate.h - ask what an address space maps.
 *
 * These operations change nothing, and answer for every canonical address, the recursive window included.
 */
#ifndef SELFMAP_TRANSLATE_H
#define SELFMAP_TRANSLATE_H

#include <selfmap/space.h>

PAGING_BEGIN_C

struct paging_translation {
    paging_phys_t address; /* of the byte: the offset into the page is included */
    enum paging_size size;
    uint64_t flags; /* the leaf's, as they take effect: see below */
    bool owned;     /* unmapping gives the frame back */
};

/*
 * Stores where the address leads, and with what rights.
 *
 * The flags are those of PAGING_LEAF_FLAGS. WRITABLE and USER are reported only if the entries of all levels
 * have them, NO_EXECUTE if any has (SDM 3A, 4.6.1); PAT is bit 7 for every size. A page that is copied on
 * write (clone.h) is reported as read-only: only its entry (paging_walk_address) has PAGING_COPY_ON_WRITE.
 * Below a reserved root slot, system bits 9 to 11 are not reported: there the leaf may be an entry that
 * points to a table, and they are the core's.
 *
 *   PAGING_UNREACHABLE, PAGING_NOT_CANONICAL, PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_MALFORMED
 *   PAGING_BUSY   it is not mapped any more, but waits for the end of a gather (gather.h)
 */
PAGING_MUST_CHECK enum paging_status paging_translate(const struct paging_space *space, paging_virt_t address,
                                                      struct paging_translation *translation);

/* The entries on the way to an address, as the processor meets them. */
struct paging_walk_result {
    unsigned top;   /* level of the root: entries[top] is the first one met */
    unsigned level; /* of the last entry met: a leaf, or where the walk stopped */
    paging_entry_t entries[PAGING_MAX_LEVELS + 1]; /* by level, from top down to level; the rest is zero */
};

/*
 * Walks to the address and says how far that went. Statuses as for paging_translate. Fills *result with each
 * of them except PAGING_UNREACHABLE and PAGING_NOT_CANONICAL.
 *
 * A page fault handler may call this whatever the fault has interrupted: PAGING_UNREACHABLE is also the
 * answer if the load of an entry faults (guarded_load.h).
 */
PAGING_MUST_CHECK enum paging_status paging_walk_address(const struct paging_space *space,
                                                         paging_virt_t address,
                                                         struct paging_walk_result *result);

PAGING_END_C

#endif
