/*
 * entry.h - one entry of a table: a masked 64-bit word (SDM 3A, 4.5, tables 4-15 to 4-20).
 *
 *   63      NX   no execute           8  G    global           3  PWT  write-through
 *   62-59   protection key            7  PS   huge page        2  U    user
 *   58-52   the core's                6  D    dirty            1  W    writable
 *   51-12   frame                     5  A    accessed         0  P    present
 *   11-9    the system's              4  PCD  no cache
 *
 * An entry of all zeroes is unused. A non-zero entry without PRESENT is a marker: its bits 1 to 62 are a
 * value of the caller's (map.h). With bit 63 it is the core's: what it translated is gone, and what it names
 * goes as soon as that has been flushed. The core uses bits 52 to 58 of every present entry: in a leaf, bit
 * 52 says that the frame came from the frame source; in an entry that points to a table, these bits and 9 to
 * 11 hold how many entries of that table are used, and more. In a leaf, bits 9 to 11 are free for the system
 * that uses the core.
 */
#ifndef SELFMAP_ENTRY_H
#define SELFMAP_ENTRY_H

#include <selfmap/address.h>

typedef struct {
    uint64_t bits;
} paging_entry_t;

#define PAGING_PRESENT       ((uint64_t)1 << 0)
#define PAGING_WRITABLE      ((uint64_t)1 << 1)
#define PAGING_USER          ((uint64_t)1 << 2)
#define PAGING_WRITE_THROUGH ((uint64_t)1 << 3) /* PWT: the low bit of the PAT index */
#define PAGING_NO_CACHE      ((uint64_t)1 << 4) /* PCD: the high bit of the PAT index */
#define PAGING_ACCESSED      ((uint64_t)1 << 5)
#define PAGING_DIRTY         ((uint64_t)1 << 6)
#define PAGING_HUGE          ((uint64_t)1 << 7) /* PS: a leaf in a P2 or P3. In a P1, bit 7 is PAT */
#define PAGING_GLOBAL        ((uint64_t)1 << 8)
#define PAGING_SYSTEM_9      ((uint64_t)1 << 9)
#define PAGING_SYSTEM_10     ((uint64_t)1 << 10)
#define PAGING_SYSTEM_11     ((uint64_t)1 << 11)
#define PAGING_OWNED         ((uint64_t)1 << 52) /* the core's: unmapping gives the frame back */
#define PAGING_NO_EXECUTE    ((uint64_t)1 << 63)
#define PAGING_KEY_SHIFT     59u /* of a leaf: its protection key, four bits (SDM 3A, 4.6.2) */

/*
 * How a leaf is cached (SDM 3A, 12.12), if entries 0 to 3 of the PAT are write-back, write-through, uncached-
 * minus and write-combining, and entries 4 to 7 repeat them. So the PAT bit is not needed, which lies in
 * another place in a huge leaf.
 */
#define PAGING_CACHE_WRITE_BACK      ((uint64_t)0)
#define PAGING_CACHE_WRITE_THROUGH   PAGING_WRITE_THROUGH
#define PAGING_CACHE_UNCACHED_MINUS  PAGING_NO_CACHE /* MTRRs may turn it into write-combining */
#define PAGING_CACHE_WRITE_COMBINING (PAGING_NO_CACHE | PAGING_WRITE_THROUGH)

#define PAGING_SYSTEM_BITS (PAGING_SYSTEM_9 | PAGING_SYSTEM_10 | PAGING_SYSTEM_11)

/*
 * The flags that a caller may give a leaf. PRESENT is implied, the page size is an argument, and all other
 * bits are the core's.
 */
#define PAGING_LEAF_FLAGS                                                                      \
    (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_WRITE_THROUGH | PAGING_NO_CACHE | \
     PAGING_ACCESSED | PAGING_DIRTY | PAGING_GLOBAL | PAGING_SYSTEM_BITS | PAGING_NO_EXECUTE)

#define PAGING_FRAME_SHIFT 12u /* in every geometry: an entry holds a frame number, not an address */
#define PAGING_FRAME_BITS  40u
#define PAGING_FRAME_MASK  ((((uint64_t)1 << PAGING_FRAME_BITS) - 1) << PAGING_FRAME_SHIFT)

static inline bool paging_entry_is_unused(paging_entry_t entry)
{
    return entry.bits == 0;
}

static inline bool paging_entry_is_present(paging_entry_t entry)
{
    return (entry.bits & PAGING_PRESENT) != 0;
}

/* Returns whether an entry of a table of this level points to a table. In a P1 bit 7 is PAT, not PS. */
static inline bool paging_entry_is_table(paging_entry_t entry, unsigned level)
{
    return level > 1 && (entry.bits & (PAGING_PRESENT | PAGING_HUGE)) == PAGING_PRESENT;
}

static inline paging_frame_t paging_entry_frame(paging_entry_t entry)
{
    return (paging_frame_t){(entry.bits & PAGING_FRAME_MASK) >> PAGING_FRAME_SHIFT};
}

/* Returns the first frame that a leaf of this level maps. Bit 12 of a huge leaf is PAT, not part of it. */
static inline paging_frame_t paging_leaf_frame(paging_entry_t leaf, unsigned level)
{
    return (paging_frame_t){paging_entry_frame(leaf).number & ~(paging_level_pages(level) - 1)};
}

/* Returns all bits that do not name the frame. */
static inline uint64_t paging_entry_flags(paging_entry_t entry)
{
    return entry.bits & ~PAGING_FRAME_MASK;
}

static inline paging_entry_t paging_entry_make(paging_frame_t frame, uint64_t flags)
{
    return (paging_entry_t){((frame.number << PAGING_FRAME_SHIFT) & PAGING_FRAME_MASK) |
                            (flags & ~PAGING_FRAME_MASK)};
}

/* Returns a leaf for a table of this level; page sizes are levels. */
static inline paging_entry_t paging_entry_leaf(unsigned level, paging_frame_t frame, uint64_t flags)
{
    return paging_entry_make(frame, flags | PAGING_PRESENT | (level > 1 ? PAGING_HUGE : 0));
}

/* Returns the value of a marker. */
static inline uint64_t paging_marker_value(paging_entry_t entry)
{
    return entry.bits >> 1;
}

#endif
