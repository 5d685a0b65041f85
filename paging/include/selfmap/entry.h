/*
 * entry.h - one entry of a table: a masked 64-bit word (SDM 3A, 4.5, tables 4-15 to 4-20).
 *
 *   63      NX   no execute           8  G    global           3  PWT  write-through
 *   62-59   protection key            7  PS   huge page        2  U    user
 *   58-52   the core's                6  D    dirty            1  W    writable
 *   51-12   frame                     5  A    accessed         0  P    present
 *   11-9    the system's              4  PCD  no cache
 *
 * An entry of all zeroes is unused. A non-zero entry without PRESENT belongs to the owner of the address
 * space. The core keeps bits 52-58 of every entry: in a leaf, bit 52 says that the frame came from the frame
 * source; in an entry that points to a table, bits 52-58 and 9-10 hold how many entries of that table are
 * used, and bit 11 says something about it (PAGING_OWNED_BELOW, PAGING_SHARED_TABLE). In a leaf bits 9-11 are free
 * for the system that uses the core.
 */
#ifndef SELFMAP_ENTRY_H
#define SELFMAP_ENTRY_H

#include <selfmap/address.h>
#include <selfmap/mutant.h>

typedef struct {
    uint64_t bits;
} paging_entry_t;

#define PAGING_PRESENT       ((uint64_t)1 << 0)
#define PAGING_WRITABLE      ((uint64_t)1 << 1)
#define PAGING_USER          ((uint64_t)1 << 2)
#define PAGING_WRITE_THROUGH ((uint64_t)1 << 3) /* PWT: low bit of the PAT index */
#define PAGING_NO_CACHE      ((uint64_t)1 << 4) /* PCD: high bit of the PAT index */
#define PAGING_ACCESSED      ((uint64_t)1 << 5)
#define PAGING_DIRTY         ((uint64_t)1 << 6)
#define PAGING_HUGE          ((uint64_t)1 << 7) /* PS: a leaf in a P2 or P3. In a P1 bit 7 is PAT */
#define PAGING_GLOBAL        ((uint64_t)1 << 8)
#define PAGING_SYSTEM_9      ((uint64_t)1 << 9)
#define PAGING_SYSTEM_10     ((uint64_t)1 << 10)
#define PAGING_SYSTEM_11     ((uint64_t)1 << 11)
#define PAGING_OWNED         ((uint64_t)1 << 52) /* the core's: unmapping gives the frame back */
#define PAGING_NO_EXECUTE    ((uint64_t)1 << 63)
#define PAGING_KEY_SHIFT     59u /* of a leaf: its protection key, four bits (SDM 3A, 4.6.2) */

/*
 * How a leaf is cached, if the PAT is programmed as kernel/boot/machine.c does it (SDM 3A, 12.12): entries 0 to 3
 * are these, and 4 to 7 repeat them: the PAT bit, which stands elsewhere in a huge leaf, is not needed.
 */
#define PAGING_CACHE_WRITE_BACK      ((uint64_t)0)
#define PAGING_CACHE_WRITE_THROUGH   PAGING_WRITE_THROUGH
#define PAGING_CACHE_UNCACHED_MINUS  PAGING_NO_CACHE /* MTRRs may turn it into write-combining */
#define PAGING_CACHE_WRITE_COMBINING (PAGING_NO_CACHE | PAGING_WRITE_THROUGH)

#define PAGING_SYSTEM_BITS (PAGING_SYSTEM_9 | PAGING_SYSTEM_10 | PAGING_SYSTEM_11)

/* What a caller may ask of a leaf. PRESENT is implied, the page size an argument, the rest the core's. */
#define PAGING_LEAF_FLAGS                                                                      \
    (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_WRITE_THROUGH | PAGING_NO_CACHE | \
     PAGING_ACCESSED | PAGING_DIRTY | PAGING_GLOBAL | PAGING_SYSTEM_BITS | PAGING_NO_EXECUTE)

#define PAGING_FRAME_SHIFT 12u /* in every geometry: an entry keeps a frame number, not an address */
#define PAGING_FRAME_BITS  40u
#define PAGING_FRAME_MASK  ((((uint64_t)1 << PAGING_FRAME_BITS) - 1) << PAGING_FRAME_SHIFT)

/*
 * Only the leaf decides about rights, so every other entry allows everything. It is accessed and dirty from
 * the start, because through the recursive window it is a leaf itself and the processor must never find a
 * reason to write to it.
 */
#define PAGING_TABLE_FLAGS                                                                               \
    (PAGING_PRESENT | MUTANT_DROPS(READ_ONLY_PARENTS, PAGING_WRITABLE) | PAGING_USER | PAGING_ACCESSED | \
     PAGING_DIRTY)
/*
 * In these bits every entry that the core points to a table is PAGING_TABLE_FLAGS: so one look tells that it
 * is one, no leaf, without rights of its own, and that counting neither meets nor leaves anything in bits 59
 * to 63. Bits that the processor reserves come on top (struct paging_space).
 */
#define PAGING_TABLE_CHECK  ((uint64_t)0xff | (uint64_t)0x1f << 59)
/* Of an entry of a P2: pages of the P1 may be owned. It stays when they go; without it, none is. */
#define PAGING_OWNED_BELOW  PAGING_SYSTEM_11
/*
 * Of an entry of the root: spaces share the table below it. Its count means nothing, and it is never freed.
 */
#define PAGING_SHARED_TABLE PAGING_SYSTEM_11

/*
 * A slot of the root that the core keeps: never for user mode, never executable where that can be forbidden.
 */
#define PAGING_SLOT_FLAGS \
    (PAGING_PRESENT | PAGING_WRITABLE | PAGING_ACCESSED | PAGING_DIRTY | PAGING_NO_EXECUTE)

static inline bool paging_entry_is_unused(paging_entry_t entry)
{
    return entry.bits == 0;
}

static inline bool paging_entry_is_present(paging_entry_t entry)
{
    return (entry.bits & PAGING_PRESENT) != 0;
}

/* Does the entry, read from a table of this level, point to a table? In a P1 bit 7 is PAT and no matter. */
static inline bool paging_entry_is_table(paging_entry_t entry, unsigned level)
{
    return level > 1 && (entry.bits & (PAGING_PRESENT | PAGING_HUGE)) == PAGING_PRESENT;
}

static inline paging_frame_t paging_entry_frame(paging_entry_t entry)
{
    return (paging_frame_t){(entry.bits & PAGING_FRAME_MASK) >> PAGING_FRAME_SHIFT};
}

/* The first frame a leaf of this level maps. In a huge leaf, bit 12 is PAT and no part of it. */
static inline paging_frame_t paging_leaf_frame(paging_entry_t leaf, unsigned level)
{
    return (paging_frame_t){paging_entry_frame(leaf).number & ~(paging_level_pages(level) - 1)};
}

/* All bits that are not the frame's. */
static inline uint64_t paging_entry_flags(paging_entry_t entry)
{
    return entry.bits & ~PAGING_FRAME_MASK;
}

static inline paging_entry_t paging_entry_make(paging_frame_t frame, uint64_t flags)
{
    return (paging_entry_t){((frame.number << PAGING_FRAME_SHIFT) & PAGING_FRAME_MASK) |
                            (flags & ~PAGING_FRAME_MASK)};
}

/* A leaf for a table of this level (page sizes are levels). */
static inline paging_entry_t paging_entry_leaf(unsigned level, paging_frame_t frame, uint64_t flags)
{
    return paging_entry_make(frame, flags | PAGING_PRESENT | (level > 1 ? PAGING_HUGE : 0));
}

/*
 * The number of used entries of a table, 1 to 512, stands as 0 to 511 in the entry that points to it: the
 * low seven bits in 52-58, the high two in 9-10. Bits 59-62 would be the nearer choice for those two, but
 * the windows see this entry as a leaf, and there they are a protection key (SDM 3A, 4.6.2).
 */
#define PAGING_COUNT_LOW_BITS   7u
#define PAGING_COUNT_LOW_SHIFT  52u
#define PAGING_COUNT_HIGH_SHIFT 9u
#define PAGING_COUNT_MASK \
    (((uint64_t)0x7f << PAGING_COUNT_LOW_SHIFT) | ((uint64_t)3 << PAGING_COUNT_HIGH_SHIFT))

static inline unsigned entry_count(paging_entry_t entry)
{
    unsigned low = (unsigned)(entry.bits >> PAGING_COUNT_LOW_SHIFT) & 0x7f;
    unsigned high = (unsigned)(entry.bits >> PAGING_COUNT_HIGH_SHIFT) & 3;
    return (high << PAGING_COUNT_LOW_BITS | low) + 1;
}

static inline paging_entry_t entry_with_count(paging_entry_t entry, unsigned count)
{
    uint64_t stored = count - 1;
    uint64_t low = (stored & 0x7f) << PAGING_COUNT_LOW_SHIFT;
    uint64_t high = (stored >> PAGING_COUNT_LOW_BITS & 3) << PAGING_COUNT_HIGH_SHIFT;
    return (paging_entry_t){(entry.bits & ~PAGING_COUNT_MASK) | low | high};
}

/*
 * One more used entry, or one less, in a table that has 1 to 511 or 2 to 512 of them. Answers false where
 * more than the low seven bits would change; bits 59 to 63 of such an entry are zero and show it.
 */
static inline bool count_steps_up(paging_entry_t *entry)
{
    entry->bits += (uint64_t)1 << PAGING_COUNT_LOW_SHIFT;
    return (entry->bits >> (PAGING_COUNT_LOW_SHIFT + PAGING_COUNT_LOW_BITS) & 1) == 0;
}

static inline bool count_steps_down(paging_entry_t *entry)
{
    entry->bits -= (uint64_t)1 << PAGING_COUNT_LOW_SHIFT;
    return (int64_t)entry->bits >= 0;
}

static inline paging_entry_t entry_to_table(paging_frame_t table, unsigned count)
{
    return entry_with_count(paging_entry_make(table, PAGING_TABLE_FLAGS), count);
}

#endif
