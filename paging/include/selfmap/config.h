/*
 * config.h - the geometry of the tables and the reserved root slots, fixed when the core is compiled.
 *
 * The defaults are the processor's. Every file that includes these headers must be compiled with the same
 * values. Host tests override them: a process owns only the lower half of its address space, so its recursive
 * slot lies lower; and with tables of two or four entries every state of the tables can be visited.
 */
#ifndef SELFMAP_CONFIG_H
#define SELFMAP_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* Bits of an address that index one table: nine (SDM 3A, 4.5). A table always fills one page. */
#ifndef PAGING_INDEX_BITS
#    define PAGING_INDEX_BITS 9u
#endif
#define PAGING_TABLE_ENTRIES (1u << PAGING_INDEX_BITS)
#define PAGING_PAGE_SHIFT    (PAGING_INDEX_BITS + 3u) /* an entry has eight bytes */
#define PAGING_PAGE_BYTES    ((uint64_t)1 << PAGING_PAGE_SHIFT)

/* P4, P3, P2 and P1 are levels 4 to 1. With CR4.LA57 the root is a P5. */
#define PAGING_MAX_LEVELS 5u

/*
 * Reserved root slots: entries of the root that the core uses itself. No operation that changes tables
 * accepts a page below one of them. The alternate and the scratch slot may be PAGING_TABLE_ENTRIES, which
 * means that there is none: then no second space can be attached (switch.h), and an active space fills new
 * tables through the offset that it was created with.
 *
 *   recursive   holds the root itself: the tables of the active space appear as pages (window.h)
 *   alternate   holds the root of an attached space, otherwise nothing
 *   scratch     leads to one page, through which new tables are filled before they are linked
 */
#ifndef PAGING_RECURSIVE_SLOT
#    define PAGING_RECURSIVE_SLOT (PAGING_TABLE_ENTRIES - 1)
#endif
#ifndef PAGING_ALTERNATE_SLOT
#    define PAGING_ALTERNATE_SLOT (PAGING_RECURSIVE_SLOT - 1)
#endif
#ifndef PAGING_SCRATCH_SLOT
#    if PAGING_RECURSIVE_SLOT >= 2
#        define PAGING_SCRATCH_SLOT (PAGING_RECURSIVE_SLOT - 2)
#    else
#        define PAGING_SCRATCH_SLOT PAGING_TABLE_ENTRIES
#    endif
#endif

/*
 * 1 if the tables are walked by several processors, or by a device that marks pages as accessed and dirty:
 * then instructions that change leaves are locked (access.h). That is not all that several processors need.
 */
#ifndef PAGING_LOCKED_ACCESS
#    define PAGING_LOCKED_ACCESS 0
#endif

#if PAGING_INDEX_BITS < 1 || PAGING_INDEX_BITS > 9
#    error "PAGING_INDEX_BITS must be 1 to 9"
#endif
#if PAGING_RECURSIVE_SLOT >= PAGING_TABLE_ENTRIES
#    error "PAGING_RECURSIVE_SLOT must be the index of an entry of the root"
#endif
#if PAGING_ALTERNATE_SLOT > PAGING_TABLE_ENTRIES || PAGING_SCRATCH_SLOT > PAGING_TABLE_ENTRIES
#    error "a reserved root slot must be the index of an entry, or PAGING_TABLE_ENTRIES for none"
#endif
#if PAGING_ALTERNATE_SLOT == PAGING_RECURSIVE_SLOT || PAGING_SCRATCH_SLOT == PAGING_RECURSIVE_SLOT || \
    (PAGING_ALTERNATE_SLOT == PAGING_SCRATCH_SLOT && PAGING_SCRATCH_SLOT != PAGING_TABLE_ENTRIES)
#    error "the reserved root slots must differ from each other"
#endif

#define PAGING_HAS_ALTERNATE_SLOT (PAGING_ALTERNATE_SLOT < PAGING_TABLE_ENTRIES)
#define PAGING_HAS_SCRATCH_SLOT   (PAGING_SCRATCH_SLOT < PAGING_TABLE_ENTRIES)

#define PAGING_MUST_CHECK __attribute__((warn_unused_result))

#endif
