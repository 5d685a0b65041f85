/* SPDX-License-Identifier: MIT */
/*
 * table_entry.h - entries that point to tables: their flags, and the number of used entries they carry; and
 * entries that are detached.
 */
#ifndef PAGING_SRC_TABLE_ENTRY_H
#define PAGING_SRC_TABLE_ENTRY_H

#include <selfmap/entry.h>

/*
 * Only the leaf decides about rights, so an entry that points to a table allows everything. It is accessed
 * and dirty from the start, because through the recursive window it is a leaf itself: the processor must
 * never have a reason to write to it.
 */
#define PAGING_TABLE_FLAGS (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_ACCESSED | PAGING_DIRTY)

/*
 * In these bits every entry that the core points to a table equals PAGING_TABLE_FLAGS. One comparison
 * therefore shows that it is a table, not a leaf, and restricts no rights, and that bits 59 to 63, into which
 * the count could overflow, are clear. Bits that the processor reserves come on top
 * (paging_space.table_check).
 */
#define PAGING_TABLE_CHECK ((uint64_t)0xff | (uint64_t)0x1f << 59)

/* In an entry of a P2: pages of the P1 may be owned. It stays when they go; without it, none is owned. */
#define PAGING_OWNED_BELOW PAGING_SYSTEM_11

/* In an entry of the root: spaces share the table. Its count means nothing, and it is never freed. */
#define PAGING_SHARED_TABLE PAGING_SYSTEM_11

/*
 * Of a reserved root slot: never executable where that can be forbidden, and never for user mode. Without
 * PAGING_USER it fails PAGING_TABLE_CHECK, so that the fast path leaves the slot to the slow one, which
 * refuses it.
 */
#define PAGING_SLOT_FLAGS \
    (PAGING_PRESENT | PAGING_WRITABLE | PAGING_ACCESSED | PAGING_DIRTY | PAGING_NO_EXECUTE)

/*
 * The number of used entries of a table, 1 to 512, is stored as 0 to 511 in the entry that points to it: the
 * low seven bits in bits 52 to 58, the high two in bits 9 and 10. Bits 59 to 62 would be closer, but the
 * window shows this entry as a leaf, where they are a protection key (SDM 3A, 4.6.2).
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
 * Adds one to the count of a table that has 1 to 511 used entries. Returns false if more than the low seven
 * bits of the count would have to change: the carry is in bits 59 to 63, which are clear before. Then *entry
 * is worthless and must not be stored.
 */
static inline bool count_steps_up(paging_entry_t *entry)
{
    entry->bits += (uint64_t)1 << PAGING_COUNT_LOW_SHIFT;
    return (entry->bits >> (PAGING_COUNT_LOW_SHIFT + PAGING_COUNT_LOW_BITS) & 1) == 0;
}

/* Subtracts one from the count of a table that has 2 to 512 used entries, on the same terms. */
static inline bool count_steps_down(paging_entry_t *entry)
{
    entry->bits -= (uint64_t)1 << PAGING_COUNT_LOW_SHIFT;
    return (int64_t)entry->bits >= 0;
}

static inline paging_entry_t entry_to_table(paging_frame_t table, unsigned count)
{
    return entry_with_count(paging_entry_make(table, PAGING_TABLE_FLAGS), count);
}

/*
 * An entry is detached while what it names has to be freed: what it translated has ended, and the frame waits
 * for a flush. As long as that takes the entry itself keeps the frame's number, coded as the value of a
 * marker, with bit 63 to tell them apart:
 *
 *    42   a page is owned; of an entry of a P2: its P1 may hold owned pages
 *    41   a page, not a table
 *    39 to 0   the frame
 */
#define PAGING_DETACHED       ((uint64_t)1 << 63)
#define PAGING_DETACHED_OWNED ((uint64_t)1 << 42)
#define PAGING_DETACHED_PAGE  ((uint64_t)1 << 41)

/* Returns an entry of a table of this level, which points to a table or is a leaf, as it is detached. */
static inline paging_entry_t entry_to_detached(unsigned level, paging_entry_t entry)
{
    bool is_table = paging_entry_is_table(entry, level);
    uint64_t value = is_table ? paging_entry_frame(entry).number
                              : paging_leaf_frame(entry, level).number | PAGING_DETACHED_PAGE;
    if ((entry.bits & (is_table ? PAGING_OWNED_BELOW : PAGING_OWNED)) != 0)
        value |= PAGING_DETACHED_OWNED;
    return (paging_entry_t){paging_marker_entry(value).bits | PAGING_DETACHED};
}

/* Returns whether the entry has that form. Each other entry that is not present is a marker. */
static inline bool entry_is_detached(paging_entry_t entry)
{
    const uint64_t fixed = PAGING_MARKER_ONES | PAGING_MARKER_ZEROES | PAGING_DETACHED;
    return (entry.bits & fixed) == (PAGING_MARKER_ONES | PAGING_DETACHED);
}

/* Returns an entry that names the same table or page as the one that was detached, and says who owns it. */
static inline paging_entry_t entry_from_detached(paging_entry_t entry)
{
    uint64_t value = paging_marker_value(entry);
    paging_frame_t frame = {value & (((uint64_t)1 << PAGING_FRAME_BITS) - 1)};
    bool owned = (value & PAGING_DETACHED_OWNED) != 0;
    if ((value & PAGING_DETACHED_PAGE) != 0)
        return paging_entry_make(frame, PAGING_PRESENT | PAGING_HUGE | (owned ? PAGING_OWNED : 0));
    return paging_entry_make(frame, PAGING_TABLE_FLAGS | (owned ? PAGING_OWNED_BELOW : 0));
}

/*
 * Returns what is stored at another place for an entry that is a leaf, a marker, or points to a table. A
 * marker that somebody else has written becomes one of the core's, because the core stores no other entry
 * that is not present (entry.h).
 */
static inline paging_entry_t entry_elsewhere(paging_entry_t entry)
{
    return paging_entry_is_present(entry) ? entry : paging_marker_entry(paging_marker_value(entry));
}

/*
 * Returns what an entry of a table of this level says beside the count if a leaf below it has these flags.
 * A marker that has the same bit sets it too; that costs unmap_range a look, and is not wrong.
 */
static inline uint64_t owned_below(unsigned level, uint64_t flags)
{
    return level == PAGING_2M && (flags & PAGING_OWNED) ? PAGING_OWNED_BELOW : 0;
}

#endif
