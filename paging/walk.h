/*
 * walk.h - the one walker: from the root down to the entry that maps a page, or to where that ends.
 *
 * Internal to the core. Every verb begins with it, so this is the only place that knows how a child table is
 * reached: by its address in the recursive window, which follows from the page alone, or at the frame its
 * parent's entry names, plus the offset.
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
    if (!entry_is_present(entry))
        return false;
    if ((entry.bits & space->reserved_bits) != 0)
        return true;
    if (level == 1 || (entry.bits & ENTRY_HUGE) == 0)
        return false;
    uint64_t below_size = (level_pages(level) - 1) & ~(uint64_t)1;
    return level > PAGE_1G || (level == PAGE_1G && !space->cpu.has_1g_pages) ||
           (entry_frame(entry).number & below_size) != 0;
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
        if (walk->level == lowest || !entry_is_table(entry, walk->level) ||
            entry_is_malformed(space, entry, walk->level))
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

/* Give back a table of this level that nothing leads to, and all below it, owned pages included. */
void free_table(struct address_space *space, unsigned level, frame_t table, struct frame_source *frames);

/* The same for what one entry of a table of this level names, which is or was present. */
void free_named(struct address_space *space, unsigned level, entry_t entry, struct frame_source *frames);

/* The table that the entry in this slot points to has so many more used entries, or fewer. */
static inline void add_to_count(volatile entry_t *slot, int change)
{
    entry_t entry = entry_load(slot);
    entry_store(slot, entry_with_count(entry, entry_count(entry) + (unsigned)change));
}

/* Frames the processor can address. */
static inline uint64_t frame_limit(const struct address_space *space)
{
    return (uint64_t)1 << (space->cpu.physical_bits - PAGE_SHIFT);
}

/* The frames taken for new tables, lowest level first. At most one per level below the root's entry. */
struct new_tables {
    unsigned count;
    frame_t frames[MAX_LEVELS];
};

/* All or none: PAGING_NO_FRAMES, or PAGING_FRAME_TOO_HIGH if the source offers what cannot be addressed. */
MUST_CHECK enum paging_status new_tables_take(const struct address_space *space, struct frame_source *frames,
                                              unsigned count, struct new_tables *tables);

/*
 * Reach a table that nothing points to: not yet, or no more. Until the next call, or new_table_done.
 */
volatile entry_t *new_table_open(struct address_space *space, frame_t table);

/* Fill a table nothing points to yet: all zeroes, but for one entry. */
void new_table_fill(struct address_space *space, frame_t table, unsigned index, entry_t entry);

/* After the last of those calls: the scratch page lets go of the table. */
void new_table_done(struct address_space *space);

#endif
