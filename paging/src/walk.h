/*
 * walk.h - the walker: from the root down to the entry that maps a page, or to where that ends.
 *
 * Internal to the core. walk_to is the slow path of every operation for single pages; fast_path.h is its short form,
 * and ranges go down entry by entry with the same step: entry_slot, which alone knows how a child table is
 * reached: by its address in a window, which follows from the page alone, or at the frame its parent's entry
 * names, plus the offset.
 */
#ifndef PAGING_SRC_WALK_H
#define PAGING_SRC_WALK_H

#include <selfmap/space.h>
#include <selfmap/window.h>

struct page_walk {
    unsigned level; /* of the last entry met */
    volatile paging_entry_t
        *slots[PAGING_MAX_LEVELS + 1]; /* where the entries are, by level, from the root's down to level */
    paging_entry_t entries[PAGING_MAX_LEVELS + 1]; /* what they were */
};

static inline volatile paging_entry_t *table_by_offset(const struct paging_space *space, paging_frame_t table)
{
    return (volatile paging_entry_t *)(space->offset + (uintptr_t)paging_frame_start(table).value);
}

/* Where the page's entry of this level is; table is the frame of the table that holds it. */
static inline volatile paging_entry_t *entry_slot(const struct paging_space *space, unsigned level,
                                                  paging_page_t page, paging_frame_t table)
{
    if (space->mode == PAGING_MODE_DIRECT)
        return table_by_offset(space, table) + paging_page_index(page, level);
    /* paging_window_entry, with the base known beforehand */
    uint64_t entry = page.number >> (PAGING_INDEX_BITS * (level - 1));
    return (volatile paging_entry_t *)(uintptr_t)(space->windows[level] + entry * sizeof(paging_entry_t));
}

/*
 * Would the processor refuse to walk through this entry? Bits it reserves, a page size it lacks, or a huge
 * page that is not aligned; bit 12 of a huge leaf is PAT (SDM 3A, 4.7: error code bit 3).
 */
static inline bool entry_is_malformed(const struct paging_space *space, paging_entry_t entry, unsigned level)
{
    uint64_t reserved = (entry.bits & PAGING_HUGE) != 0 ? space->huge_reserved[level] : space->reserved_bits;
    return paging_entry_is_present(entry) && (entry.bits & reserved) != 0;
}

/* Is the entry, of a table above the P1s, just as the core makes those that point to a table? */
static inline bool entry_is_plain_table(const struct paging_space *space, paging_entry_t entry)
{
    return ((entry.bits ^ PAGING_TABLE_FLAGS) & space->table_check) == 0;
}

/*
 * Descend towards the page until the entry of level `lowest`, or one above it that points to no table. Of the
 * walk, only what was met is written.
 */
static inline void walk_to(const struct paging_space *space, paging_page_t page, unsigned lowest,
                           struct page_walk *walk)
{
    paging_frame_t table = space->root;
    for (walk->level = space->cpu.levels;; walk->level--) {
        volatile paging_entry_t *slot = entry_slot(space, walk->level, page, table);
        paging_entry_t entry = paging_entry_load(slot);
        walk->slots[walk->level] = slot;
        walk->entries[walk->level] = entry;
        if (walk->level == lowest ||
            (!entry_is_plain_table(space, entry) &&
             (!paging_entry_is_table(entry, walk->level) || entry_is_malformed(space, entry, walk->level))))
            return;
        table = paging_entry_frame(entry);
    }
}

/* What the entry at which a walk to a leaf ended says about the page. PAGING_OK: it is a leaf. */
static inline enum paging_status leaf_status(const struct paging_space *space, const struct page_walk *walk)
{
    paging_entry_t entry = walk->entries[walk->level];
    if (paging_entry_is_unused(entry))
        return PAGING_NOT_MAPPED;
    if (!paging_entry_is_present(entry))
        return PAGING_MARKED;
    return entry_is_malformed(space, entry, walk->level) ? PAGING_MALFORMED : PAGING_OK;
}

/* Is the page below a slot of the root that the core keeps? */
static inline bool page_is_reserved(const struct paging_space *space, paging_page_t page)
{
    unsigned slot = paging_page_index(page, space->cpu.levels);
    return slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT;
}

/* The flags of the entry in such a slot. */
static inline uint64_t reserved_slot_flags(const struct paging_space *space)
{
    return PAGING_SLOT_FLAGS & ~space->reserved_bits;
}

static inline bool in_upper_half(const struct paging_space *space, paging_page_t page)
{
    return paging_page_index(page, space->cpu.levels) >= PAGING_TABLE_ENTRIES / 2;
}

/* Does the entry of a table of this level point to a table that spaces share? */
static inline bool entry_is_shared(const struct paging_space *space, unsigned level, paging_entry_t entry)
{
    return level == space->cpu.levels && paging_entry_is_table(entry, level) &&
           (entry.bits & PAGING_SHARED_TABLE) != 0;
}

/* The first page below a slot of the root. */
static inline paging_page_t slot_page(const struct paging_space *space, unsigned slot)
{
    return (paging_page_t){slot * paging_level_pages(space->cpu.levels)};
}

#endif
