/* SPDX-License-Identifier: MIT */
/*
 * entry.h - one entry of a table: a masked 64-bit word (SDM 3A, 4.5, tables 4-15 to 4-20).
 *
 *   63      NX   no execute           8  G    global           3  PWT  write-through
 *   62-59   protection key            7  PS   huge page        2  U    user
 *   58-52   the core's                6  D    dirty            1  W    writable
 *   51-12   frame                     5  A    accessed         0  P    present
 *   11-9    the system's              4  PCD  no cache
 *
 * An entry of all zeroes is unused. A non-zero entry without PRESENT is a marker, which carries a value of
 * the caller's (map.h). A processor with the flaw L1TF reads ahead from the address that it finds in an
 * entry, also if PRESENT is clear, if the data there are in its first cache. So no entry that the core makes
 * names a frame without PRESENT: bits 35 to 51 are ones, which no memory has. The value is in the other
 * bits:
 *
 *    63    62 61    60 59   58       52   51        35   34          1    0
 *   +---+--------+--------+------------+---------------+-------------+----+
 *   | 0 | 42 41  |  0  0  | 40      34 | 1 1  ...  1 1 | 33        0 | 0  |
 *   +---+--------+--------+------------+---------------+-------------+----+
 *
 * With bit 63 set in this form, an entry is the core's: what it mapped waits for a flush (gather.h). Bits 59
 * and 60 are zeroes in every entry that is not present: one of them can be a lock. The core uses
 * bits 52 to 58 of every present entry: in a leaf, bit 52 says that the frame came from the frame source, 53
 * that it is shared, and 54 that the page is copied on write; in an entry that points to a table, these bits
 * and 9 to 11 hold how many entries of that table are used, and more. In a leaf, bits 9 to 11 are free for
 * the system that uses the core.
 */
#ifndef SELFMAP_ENTRY_H
#define SELFMAP_ENTRY_H

#include <selfmap/address.h>

PAGING_BEGIN_C

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
#define PAGING_PAT           ((uint64_t)1 << 7) /* a flag of leaves of every size; below */
#define PAGING_GLOBAL        ((uint64_t)1 << 8)
#define PAGING_SYSTEM_9      ((uint64_t)1 << 9)
#define PAGING_SYSTEM_10     ((uint64_t)1 << 10)
#define PAGING_SYSTEM_11     ((uint64_t)1 << 11)
#define PAGING_OWNED         ((uint64_t)1 << 52) /* the core's: unmapping gives the frame back */
#define PAGING_SHARED_FRAME  ((uint64_t)1 << 53) /* the core's: others may own the frame, too (clone.h), */
#define PAGING_COPY_ON_WRITE ((uint64_t)1 << 54) /* and until it is not shared, the page is read-only */
#define PAGING_NO_EXECUTE    ((uint64_t)1 << 63)

/* The protection key of a leaf, 0 to 15 (SDM 3A, 4.6.2). Without CR4.PKE or CR4.PKS it means nothing. */
#define PAGING_KEY_SHIFT     59u
#define PAGING_KEY(n)        ((uint64_t)(n) << PAGING_KEY_SHIFT)
#define PAGING_KEY_OF(flags) ((unsigned)((flags) >> PAGING_KEY_SHIFT) & 15)

/*
 * How a leaf is cached: entry n of the PAT says it, 0 to 7 (SDM 3A, 12.12). PWT, PCD and PAT are the bits of
 * n. As a flag, PAT is bit 7 for every size, given and reported; in a huge leaf, where bit 7 is PS, the core
 * has it in bit 12.
 */
#define PAGING_CACHE_ENTRY(n) ((uint64_t)((n)&3) << 3 | (uint64_t)((n) >> 2 & 1) << 7)
#define PAGING_CACHE_FLAGS    PAGING_CACHE_ENTRY(7) /* all three: what to clear to change the kind */

/*
 * The kinds by name. They presume a PAT whose entries 0 to 3 are write-back, write-through, uncached-minus
 * and write-combining, and whose entry 7 is uncached, as it is after a reset; then only entry 3 has to be
 * changed (IA32_PAT = 00070406_01070406h, PAGING_PAT_OF_THE_CORE in processor.h). With another PAT use
 * PAGING_CACHE_ENTRY: Limine's, for example, has write-protected and write-combining in entries 4 and 5.
 *
 * Through the recursive window a huge leaf appears as a smaller one, in the place of a table that is not
 * there. Its PS is PAT there: the processor, which may load that speculatively, takes entry n | 4. So entries
 * 4 to 7 should be of the same kind as 0 to 3, or uncached.
 */
#define PAGING_CACHE_WRITE_BACK      PAGING_CACHE_ENTRY(0)
#define PAGING_CACHE_WRITE_THROUGH   PAGING_CACHE_ENTRY(1)
#define PAGING_CACHE_UNCACHED_MINUS  PAGING_CACHE_ENTRY(2) /* MTRRs may turn it into write-combining */
#define PAGING_CACHE_WRITE_COMBINING PAGING_CACHE_ENTRY(3)
#define PAGING_CACHE_UNCACHED        PAGING_CACHE_ENTRY(7) /* whatever MTRRs say */

#define PAGING_SYSTEM_BITS (PAGING_SYSTEM_9 | PAGING_SYSTEM_10 | PAGING_SYSTEM_11)

/*
 * The flags that a caller may give a leaf. PRESENT is implied, the page size is an argument, and all other
 * bits are the core's.
 */
#define PAGING_LEAF_FLAGS                                                                                \
    (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_WRITE_THROUGH | PAGING_NO_CACHE |           \
     PAGING_ACCESSED | PAGING_DIRTY | PAGING_PAT | PAGING_GLOBAL | PAGING_SYSTEM_BITS | PAGING_KEY(15) | \
     PAGING_NO_EXECUTE)

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
    return PAGING_MAKE(paging_frame_t, (entry.bits & PAGING_FRAME_MASK) >> PAGING_FRAME_SHIFT);
}

/* Returns the first frame that a leaf of this level maps. Bit 12 of a huge leaf is PAT, not part of it. */
static inline paging_frame_t paging_leaf_frame(paging_entry_t leaf, unsigned level)
{
    return PAGING_MAKE(paging_frame_t, paging_entry_frame(leaf).number & ~(paging_level_pages(level) - 1));
}

/* Returns all bits that do not name the frame. */
static inline uint64_t paging_entry_flags(paging_entry_t entry)
{
    return entry.bits & ~PAGING_FRAME_MASK;
}

static inline paging_entry_t paging_entry_make(paging_frame_t frame, uint64_t flags)
{
    return PAGING_MAKE(paging_entry_t, ((frame.number << PAGING_FRAME_SHIFT) & PAGING_FRAME_MASK) |
                                           (flags & ~PAGING_FRAME_MASK));
}

/* In a leaf of a table above the P1s, PAT is this bit. */
#define PAGING_HUGE_PAT ((uint64_t)1 << 12)

/* Returns flags with PAT where a leaf of a table of this level has it, without PS. */
static inline uint64_t paging_flags_in_leaf(unsigned level, uint64_t flags)
{
    return level > 1 ? (flags & ~PAGING_PAT) | (flags & PAGING_PAT) << 5 : flags;
}

/* Returns a leaf for a table of this level; page sizes are levels. `flags` has PAT in bit 7. */
static inline paging_entry_t paging_entry_leaf(unsigned level, paging_frame_t frame, uint64_t flags)
{
    paging_entry_t leaf = paging_entry_make(frame, flags | PAGING_PRESENT | (level > 1 ? PAGING_HUGE : 0));
    leaf.bits |= level > 1 ? (flags & PAGING_PAT) << 5 : 0;
    return leaf;
}

/* Returns all bits of a leaf of this level that do not name the frame, as flags: with PAT in bit 7. */
static inline uint64_t paging_leaf_flags(paging_entry_t leaf, unsigned level)
{
    uint64_t flags = paging_entry_flags(leaf);
    return level > 1 ? (flags & ~PAGING_HUGE) | (leaf.bits & PAGING_HUGE_PAT) >> 5 : flags;
}

/* The largest value of a marker: it has 43 bits. The smallest is 1. */
#define PAGING_MARKER_LIMIT (((uint64_t)1 << 43) - 1)

/* What is the same in every marker: ones in these bits, and zeroes in those. */
#define PAGING_MARKER_ONES   ((uint64_t)0x1ffff << 35)
#define PAGING_MARKER_ZEROES ((uint64_t)1 << 63 | (uint64_t)3 << 59 | PAGING_PRESENT)

/* Returns the marker of this value, which is at most PAGING_MARKER_LIMIT. */
static inline paging_entry_t paging_marker_entry(uint64_t value)
{
    uint64_t low = value & (((uint64_t)1 << 34) - 1), middle = value >> 34 & 0x7f, high = value >> 41 & 3;
    return PAGING_MAKE(paging_entry_t, high << 61 | middle << 52 | PAGING_MARKER_ONES | low << 1);
}

/*
 * Returns the value of a marker. Of an entry that somebody else has made, which may hold anything, it is what
 * those bits say.
 */
static inline uint64_t paging_marker_value(paging_entry_t entry)
{
    uint64_t low = entry.bits >> 1 & (((uint64_t)1 << 34) - 1);
    return (entry.bits >> 61 & 3) << 41 | (entry.bits >> 52 & 0x7f) << 34 | low;
}

PAGING_END_C

#endif
