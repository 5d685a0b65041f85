/*
 * walk.h - the walker: from the root down to the entry that maps a page, or to where that ends.
 *
 * Internal to the core. walk_to is the long way of every verb for single pages; express.h is its short form,
 * and ranges go down entry by entry with the same step: entry_slot, which alone knows how a child table is
 * reached: by its address in a window, which follows from the page alone, or at the frame its parent's entry
 * names, plus the offset.
 */
#ifndef PAGING_WALK_H
#define PAGING_WALK_H

#include "space.h"
#include "window.h"

struct walk {
    unsigned level; /* of the last entry met */
    volatile entry_t
        *slots[MAX_LEVELS + 1];      /* where the entries are, by level, from the root's down to level */
    entry_t entries[MAX_LEVELS + 1]; /* what they were */
};

static inline volatile entry_t *table_by_offset(const struct address_space *space, frame_t table)
{
    return (volatile entry_t *)(space->offset + (uintptr_t)frame_start(table).value);
}

/* Where the page's entry of this level is; table is the frame of the table that holds it. */
static inline volatile entry_t *entry_slot(const struct address_space *space, unsigned level, page_t page,
                                           frame_t table)
{
    if (space->reach == PAGING_BY_OFFSET)
        return table_by_offset(space, table) + page_index(page, level);
    /* window_entry_address, with the base known beforehand */
    uint64_t entry = page.number >> (INDEX_BITS * (level - 1));
    return (volatile entry_t *)(uintptr_t)(space->windows[level] + entry * sizeof(entry_t));
}

/*
 * Would the processor refuse to walk through this entry? Bits it reserves, a page size it lacks, or a huge
 * page that is not aligned; bit 12 of a huge leaf is PAT (SDM 3A, 4.7: error code bit 3).
 */
static inline bool entry_is_malformed(const struct address_space *space, entry_t entry, unsigned level)
{
    uint64_t reserved = (entry.bits & ENTRY_HUGE) != 0 ? space->huge_reserved[level] : space->reserved_bits;
    return entry_is_present(entry) && (entry.bits & reserved) != 0;
}

/* Is the entry, of a table above the P1s, just as the core makes those that point to a table? */
static inline bool entry_is_plain_table(const struct address_space *space, entry_t entry)
{
    return ((entry.bits ^ ENTRY_TABLE_FLAGS) & space->table_check) == 0;
}

/*
 * Descend towards the page until the entry of level `lowest`, or one above it that points to no table. Of the
 * walk, only what was met is written.
 */
static inline void walk_to(const struct address_space *space, page_t page, unsigned lowest, struct walk *walk)
{
    frame_t table = space->root;
    for (walk->level = space->cpu.levels;; walk->level--) {
        volatile entry_t *slot = entry_slot(space, walk->level, page, table);
        entry_t entry = entry_load(slot);
        walk->slots[walk->level] = slot;
        walk->entries[walk->level] = entry;
        if (walk->level == lowest ||
            (!entry_is_plain_table(space, entry) &&
             (!entry_is_table(entry, walk->level) || entry_is_malformed(space, entry, walk->level))))
            return;
        table = entry_frame(entry);
    }
}

/* What the entry at which a walk to a leaf ended says about the page. PAGING_OK: it is a leaf. */
static inline enum paging_status leaf_status(const struct address_space *space, const struct walk *walk)
{
    entry_t entry = walk->entries[walk->level];
    if (entry_is_unused(entry))
        return PAGING_NOT_MAPPED;
    if (!entry_is_present(entry))
        return PAGING_RESERVED;
    return entry_is_malformed(space, entry, walk->level) ? PAGING_MALFORMED : PAGING_OK;
}

/* Is the page below a slot of the root that the core keeps? */
static inline bool page_is_kept(const struct address_space *space, page_t page)
{
    unsigned slot = page_index(page, space->cpu.levels);
    return slot == PAGING_RECURSIVE_SLOT || slot == PAGING_FOREIGN_SLOT || slot == PAGING_SCRATCH_SLOT;
}

/* The flags of the entry in such a slot. */
static inline uint64_t slot_flags(const struct address_space *space)
{
    return ENTRY_SLOT_FLAGS & ~space->reserved_bits;
}

static inline bool in_upper_half(const struct address_space *space, page_t page)
{
    return page_index(page, space->cpu.levels) >= ENTRY_COUNT / 2;
}

/* Does the entry of a table of this level point to a table that spaces share? */
static inline bool entry_is_pinned(const struct address_space *space, unsigned level, entry_t entry)
{
    return level == space->cpu.levels && entry_is_table(entry, level) && (entry.bits & ENTRY_PINNED) != 0;
}

/* The first page below a slot of the root. */
static inline page_t slot_page(const struct address_space *space, unsigned slot)
{
    return (page_t){slot * level_pages(space->cpu.levels)};
}

#endif
