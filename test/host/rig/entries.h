/* SPDX-License-Identifier: MIT */
/*
 * entries.h - the word in made-up memory that holds an entry. A test can look at it, or corrupt it.
 */
#ifndef HOST_RIG_ENTRIES_H
#define HOST_RIG_ENTRIES_H

#include "rig/rig.h"

/* Returns the entry of this level on the way to the address. Every entry above it must point to a table. */
static inline volatile uint64_t *entry_below(uint64_t root, uint64_t address, unsigned level)
{
    const struct walker *walker = machine_walker();
    uint64_t table = root;
    for (unsigned at = walker->levels;; at--) {
        unsigned index = (unsigned)(address / walker_span(walker, at)) & (PAGING_TABLE_ENTRIES - 1);
        volatile uint64_t *entry = walker->entry(table, index);
        if (at == level)
            return entry;
        assert_true((*entry & 1) && !walker_is_leaf(at, *entry));
        table = walker_entry_frame(walker, at, *entry);
    }
}

static inline volatile uint64_t *entry_at(uint64_t address, unsigned level)
{
    return entry_below(machine_walker()->root, address, level);
}

/* Changes an entry without the core. The processor forgets everything. */
static inline void entry_write(uint64_t address, unsigned level, uint64_t bits)
{
    *entry_at(address, level) = bits;
    machine_flush_all();
}

/* Returns the leaf that maps the address, whatever its size. */
static inline uint64_t leaf_of(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    assert_false(walk.faulted);
    return walk.entry;
}

/* Returns the frame of the page that contains the address. */
static inline uint64_t frame_at(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    assert_false(walk.faulted);
    return walk.frame;
}

/* Returns how many entries of a table are used. */
static inline unsigned used_entries(uint64_t table)
{
    const uint64_t *words = machine_frame(table);
    unsigned used = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        used += words[i] != 0;
    return used;
}

/*
 * Returns the bits of a leaf in a table of this level that are a caller's flags, as the core reports them: in
 * a huge leaf PAT is bit 12, and bit 7 is the page size.
 */
static inline uint64_t flags_of_leaf(uint64_t entry, unsigned level)
{
    uint64_t flags = entry & (1ull << 63 | 0xfull << 59 | 0xf7full);
    return flags | (level == 1 ? entry >> 7 & 1 : entry >> 12 & 1) << 7;
}

/*
 * Returns the marker of a value, bit by bit: 43 of them, in bits 1 to 34, 52 to 58, 61 and 62. Bits 35 to 51
 * are ones.
 */
static inline uint64_t marker_of(uint64_t value)
{
    uint64_t entry = 0x1ffffull << 35;
    for (unsigned bit = 0; bit < 43; bit++)
        entry |= (value >> bit & 1) << (bit < 34 ? bit + 1 : bit < 41 ? bit + 18 : bit + 20);
    return entry;
}

/* Returns the value of a marker, or what an entry that is not one has in the same bits. */
static inline uint64_t value_of_marker(uint64_t entry)
{
    uint64_t value = 0;
    for (unsigned bit = 0; bit < 43; bit++)
        value |= (entry >> (bit < 34 ? bit + 1 : bit < 41 ? bit + 18 : bit + 20) & 1) << bit;
    return value;
}

/* What an entry that waits for the end of a gather is beside the value of a marker: with bit 63. */
#define DETACHED_OWNED (1ull << 42) /* a page is owned, or a P1 may hold owned pages */
#define DETACHED_PAGE  (1ull << 41) /* not a table */
#define DETACHED_FRAME ((1ull << 40) - 1)

static inline bool is_detached(uint64_t entry)
{
    const uint64_t ones = 1ull << 63 | 0x1ffffull << 35;
    return (entry & (ones | 3ull << 59 | 1)) == ones;
}

/* Returns how many entries of its table an entry counts, in bits 52 to 58, 9 and 10. */
static inline unsigned stored_count(uint64_t entry)
{
    return (unsigned)((entry >> 52 & 0x7f) | (entry >> 9 & 3) << 7) + 1;
}

#endif
