/*
 * config.h - the geometry of the tables, fixed when the core is compiled.
 *
 * The defaults are the processor's. Host tests override them: a process owns only the lower half of its
 * address space, so there the recursive slot lies lower; and in a toy geometry (one index bit, three
 * levels) every state the tables can reach can be visited.
 */
#ifndef SELFMAP_CONFIG_H
#define SELFMAP_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* Bits of the address that index one table (SDM 3A, 4.5: nine). A table always fills one page. */
#ifndef PAGING_INDEX_BITS
#    define PAGING_INDEX_BITS 9u
#endif

#define PAGING_TABLE_ENTRIES (1u << PAGING_INDEX_BITS)
#define PAGING_PAGE_SHIFT    (PAGING_INDEX_BITS + 3) /* an entry has eight bytes */
#define PAGING_PAGE_BYTES    ((uint64_t)1 << PAGING_PAGE_SHIFT)

/* P4, P3, P2, P1 are levels 4 to 1; with CR4.LA57 the root is the P5. */
#define PAGING_MAX_LEVELS 5u

/*
 * Slots of the root that the core keeps for itself. No operation that changes the tables accepts a page below
 * one of them. A slot of PAGING_TABLE_ENTRIES is a slot that this geometry does not have.
 */
#ifndef PAGING_RECURSIVE_SLOT
#    define PAGING_RECURSIVE_SLOT (PAGING_TABLE_ENTRIES - 1) /* holds the root itself */
#endif
#ifndef PAGING_ALTERNATE_SLOT
#    define PAGING_ALTERNATE_SLOT (PAGING_TABLE_ENTRIES - 2) /* kept empty, for tables of another space */
#endif
#ifndef PAGING_SCRATCH_SLOT
#    define PAGING_SCRATCH_SLOT (PAGING_TABLE_ENTRIES - 3) /* one page, through which new tables are filled */
#endif

/* Without one, new tables are filled by offset. */
#define PAGING_HAS_SCRATCH_SLOT (PAGING_SCRATCH_SLOT < PAGING_TABLE_ENTRIES)

#define PAGING_MUST_CHECK __attribute__((warn_unused_result))

/* For code that is compiled once per number of levels and way to reach tables, and its rare other ways. */
#define PAGING_ALWAYS_INLINE static inline __attribute__((always_inline))
#define PAGING_OUT_OF_LINE   static __attribute__((noinline))

#endif
