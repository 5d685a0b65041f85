/* SPDX-License-Identifier: MIT */
/*
 * walk.h - from the root down to the entry that maps one page, and what an operation on one page refuses.
 *
 * There are two forms. walk_to knows every case; it is the slow path of the operations on single pages, and
 * the reserved root slots, markers, huge pages and malformed entries are its business. fast_walk serves
 * nearly every call: all tables are there, made by the core, and nothing about them is special. It is
 * compiled with the number of levels and the access mode as constants, so it has no loop and one branch per
 * table. Where it meets anything else it returns false, and the operation starts again on the slow path.
 *
 * A table's level is the size of the leaves in it: PAGING_4K is 1, PAGING_2M 2, PAGING_1G 3.
 */
#ifndef PAGING_SRC_WALK_H
#define PAGING_SRC_WALK_H

#include "inlining.h"
#include "table_entry.h"
#include <selfmap/space.h>
#include <selfmap/window.h>

/* ---- how a table is reached ---- */

/* Returns whether the space's tables are reached at their physical address plus its offset. */
static inline bool is_reached_by_offset(const struct paging_space *space)
{
    return space->mode <= PAGING_MODE_DIRECT_ACTIVE;
}

/* Tells the compiler what is the same for each space of such a build; paging_create sees to it. */
PAGING_ALWAYS_INLINE void assume_world(const struct paging_space *space)
{
    if (PAGING_HAS_ONLY_LEVELS && space->cpu.levels != PAGING_ONLY_LEVELS)
        __builtin_unreachable();
    if (PAGING_HAS_ONLY_RECURSIVE && (space->by_direct_map || space->mode == PAGING_MODE_DIRECT_ACTIVE))
        __builtin_unreachable();
    if (PAGING_HAS_ONLY_DIRECT && (!space->by_direct_map || !is_reached_by_offset(space)))
        __builtin_unreachable();
}

/* Returns whether CR3 holds the space's root, so that what it maps may be cached. */
static inline bool is_active(const struct paging_space *space)
{
    assume_world(space);
    return space->mode == PAGING_MODE_RECURSIVE || space->mode == PAGING_MODE_DIRECT_ACTIVE;
}

static inline volatile paging_entry_t *table_by_offset(const struct paging_space *space, paging_frame_t table)
{
    return (volatile paging_entry_t *)(space->offset + (uintptr_t)paging_frame_start(table).value);
}

/* Returns where the page's entry of this level is; `table` is the frame of the table that holds it. */
static inline volatile paging_entry_t *entry_slot(const struct paging_space *space, unsigned level,
                                                  paging_page_t page, paging_frame_t table)
{
    assume_world(space);
    if (is_reached_by_offset(space))
        return table_by_offset(space, table) + paging_page_index(page, level);
    /* paging_window_entry, with the base computed beforehand */
    uint64_t entry = page.number >> (PAGING_INDEX_BITS * (level - 1));
    return (volatile paging_entry_t *)(uintptr_t)(space->windows[level] + entry * sizeof(paging_entry_t));
}

/* ---- counters ---- */

/* Returns the counters of the space in which this processor counts. */
static inline struct paging_counters *own_counters(struct paging_space *space)
{
    return &space->counters[PAGING_PROCESSOR_INDEX()];
}

/* ---- reserved root slots, halves, shared tables ---- */

/* Only a space that lives recursively has reserved root slots. */
static inline bool page_is_reserved(const struct paging_space *space, paging_page_t page)
{
    assume_world(space);
    unsigned slot = paging_page_index(page, space->cpu.levels);
    return !space->by_direct_map &&
           (slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT);
}

static inline uint64_t reserved_slot_flags(const struct paging_space *space)
{
    return PAGING_SLOT_FLAGS & ~space->reserved_bits;
}

static inline paging_page_t first_page_of_slot(const struct paging_space *space, unsigned slot)
{
    return (paging_page_t){slot * paging_level_pages(space->cpu.levels)};
}

static inline bool in_upper_half(const struct paging_space *space, paging_page_t page)
{
    return paging_page_index(page, space->cpu.levels) >= PAGING_TABLE_ENTRIES / 2;
}

static inline bool shares_half(const struct paging_space *space)
{
    return space->shared_owner != NULL || space->sharers > 0;
}

/* Returns whether an entry of a table of this level points to a table that spaces share. */
static inline bool entry_is_shared(const struct paging_space *space, unsigned level, paging_entry_t entry)
{
    return level == space->cpu.levels && paging_entry_is_table(entry, level) &&
           (entry.bits & PAGING_SHARED_TABLE) != 0;
}

/* ---- the walk ---- */

struct page_walk {
    unsigned level;                                        /* of the last entry met */
    volatile paging_entry_t *slots[PAGING_MAX_LEVELS + 1]; /* by level, from the root's down to `level` */
    paging_entry_t entries[PAGING_MAX_LEVELS + 1];         /* what was read there */
};

/*
 * Returns whether the processor would refuse to walk through this entry: bits it reserves, a page size it
 * lacks, or a huge page that is not aligned; bit 12 of a huge leaf is PAT (SDM 3A, 4.7: error code bit 3).
 */
static inline bool entry_is_malformed(const struct paging_space *space, paging_entry_t entry, unsigned level)
{
    uint64_t reserved = (entry.bits & PAGING_HUGE) != 0 ? space->huge_reserved[level] : space->reserved_bits;
    return paging_entry_is_present(entry) && (entry.bits & reserved) != 0;
}

/*
 * Returns whether an entry of a table above the P1s is exactly as the core makes those that point to tables.
 */
static inline bool entry_is_plain_table(const struct paging_space *space, paging_entry_t entry)
{
    return ((entry.bits ^ PAGING_TABLE_FLAGS) & space->table_check) == 0;
}

/*
 * Descends towards the page until the entry of level `lowest`, or one above it that does not point to a
 * table. Fills *walk for the levels from the root's down to walk->level only. Returns false if an entry could
 * not be loaded, which only a guarded walk can (guarded_load.h); the result is for nothing then.
 */
PAGING_ALWAYS_INLINE bool walk_with(const struct paging_space *space, paging_page_t page, unsigned lowest,
                                    bool guarded, struct page_walk *walk)
{
    paging_frame_t table = space->root;
    assume_world(space);
    for (walk->level = space->cpu.levels;; walk->level--) {
        volatile paging_entry_t *slot = entry_slot(space, walk->level, page, table);
        paging_entry_t entry;
        if (!guarded)
            entry = paging_entry_load(slot);
        else if (!paging_entry_load_guarded(slot, &entry))
            return false;
        walk->slots[walk->level] = slot;
        walk->entries[walk->level] = entry;
        if (walk->level == lowest ||
            (!entry_is_plain_table(space, entry) &&
             (!paging_entry_is_table(entry, walk->level) || entry_is_malformed(space, entry, walk->level))))
            return true;
        table = paging_entry_frame(entry);
    }
}

PAGING_INLINE_FOR_SPEED void walk_to(const struct paging_space *space, paging_page_t page, unsigned lowest,
                                     struct page_walk *walk)
{
    (void)walk_with(space, page, lowest, false, walk);
}

/* Returns what an entry that is neither present nor unused says to who wants to map there. */
__attribute__((noinline, cold, unused)) static enum paging_status absent_status(paging_entry_t entry,
                                                                                bool gives_way)
{
    if (entry_is_detached(entry))
        return PAGING_BUSY;
    return gives_way ? PAGING_OK : PAGING_MARKED;
}

/* Returns what the last entry of a walk to a leaf says about the page. PAGING_OK: it is a leaf. */
PAGING_INLINE_FOR_SPEED enum paging_status leaf_status(const struct paging_space *space,
                                                       const struct page_walk *walk)
{
    paging_entry_t entry = walk->entries[walk->level];
    if (paging_entry_is_unused(entry))
        return PAGING_NOT_MAPPED;
    if (!paging_entry_is_present(entry))
        return entry_is_detached(entry) ? PAGING_BUSY : PAGING_MARKED;
    return entry_is_malformed(space, entry, walk->level) ? PAGING_MALFORMED : PAGING_OK;
}

/*
 * Returns the flags of a leaf of this level as they take effect: a right counts if every level up to the root
 * grants it (SDM 3A, 4.6.1). `entries` are those of the walk, by level.
 */
static inline uint64_t effective_flags(const paging_entry_t *entries, unsigned level, unsigned top)
{
    uint64_t granted = PAGING_WRITABLE | PAGING_USER;
    uint64_t denied = 0;
    for (unsigned above = level; above <= top; above++) {
        granted &= entries[above].bits;
        denied |= entries[above].bits & PAGING_NO_EXECUTE;
    }
    uint64_t own = paging_leaf_flags(entries[level], level) & PAGING_LEAF_FLAGS;
    return (own & ~(PAGING_WRITABLE | PAGING_USER)) | granted | denied;
}

/* ---- what operations on pages and ranges refuse alike ---- */

/* Returns whether the half that the page is in may be changed through this space. */
static inline enum paging_status check_reach(const struct paging_space *space, paging_page_t page)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    /* What is shared is cached under the active space, which alone can flush it. */
    return shares_half(space) && !is_active(space) && in_upper_half(space, page) ? PAGING_SHARED : PAGING_OK;
}

PAGING_INLINE_FOR_SPEED enum paging_status check_page(const struct paging_space *space, paging_page_t page)
{
    assume_world(space);
    if (page.number >> (PAGING_INDEX_BITS * (space->cpu.levels - 1)) >= PAGING_TABLE_ENTRIES)
        return PAGING_BAD_PAGE;
    enum paging_status status = check_reach(space, page);
    return status == PAGING_OK && page_is_reserved(space, page) ? PAGING_RESERVED_SLOT : status;
}

/*
 * Walks to the entry that maps a page which may be changed. PAGING_OK: it is a leaf, the walk's last entry.
 */
PAGING_INLINE_FOR_SPEED enum paging_status find_leaf(const struct paging_space *space, paging_page_t page,
                                                     struct page_walk *walk)
{
    enum paging_status status = check_page(space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, PAGING_4K, walk);
    return leaf_status(space, walk);
}

/* The same for a leaf that begins at the page. Otherwise PAGING_INSIDE_HUGE. */
static inline enum paging_status find_whole_leaf(const struct paging_space *space, paging_page_t page,
                                                 struct page_walk *walk)
{
    enum paging_status status = find_leaf(space, page, walk);
    if (status == PAGING_OK && page.number % paging_level_pages(walk->level) != 0)
        return PAGING_INSIDE_HUGE;
    return status;
}

static inline enum paging_status check_flags(const struct paging_space *space, uint64_t flags,
                                             bool upper_half)
{
    uint64_t refused = flags & space->refused_flags[upper_half];
    if (refused == 0)
        return PAGING_OK;
    return refused == PAGING_NO_EXECUTE ? PAGING_NOT_SUPPORTED : PAGING_BAD_FLAGS;
}

/* Returns whether the processor can address a frame of this size, and whether it is aligned to it. */
static inline enum paging_status check_frame(const struct paging_space *space, paging_frame_t frame,
                                             unsigned size)
{
    if (frame.number % paging_level_pages(size) != 0)
        return PAGING_MISALIGNED;
    uint64_t last = frame.number | (paging_level_pages(size) - 1);
    return last >= space->frame_limit ? PAGING_FRAME_TOO_HIGH : PAGING_OK;
}

/* ---- the fast walk ---- */

/* Where it arrives: the page's entry in its P1, and the entry of the P2 that points to this P1. */
struct fast_walk_result {
    volatile paging_entry_t *slot, *parent_slot;
    paging_entry_t entry, parent;
};

/*
 * Returns where the page's entry of this level is. The constants fold the window's base into an instruction.
 */
PAGING_ALWAYS_INLINE volatile paging_entry_t *fast_slot(const struct paging_space *space, unsigned levels,
                                                        bool recursive, unsigned level, paging_page_t page,
                                                        paging_frame_t table)
{
    if (!recursive)
        return table_by_offset(space, table) + paging_page_index(page, level);
    return (volatile paging_entry_t *)(uintptr_t)paging_window_entry(levels, PAGING_RECURSIVE_SLOT, level,
                                                                     page)
        .value;
}

/*
 * Returns false if the page is not in a P1, or if something on the way is not as the core makes it. The
 * page's number must be below the limit for `levels`. `difference` is the entry of the level above XOR
 * PAGING_TABLE_FLAGS. If the bits in table_check are zero in it, they were as the core makes them; the
 * frame's bits are not checked, and the XOR leaves them as they are. At the root, which no entry points to,
 * it is the frame alone.
 */
PAGING_ALWAYS_INLINE bool fast_walk(const struct paging_space *space, unsigned levels, bool recursive,
                                    paging_page_t page, struct fast_walk_result *found)
{
    const uint64_t check = space->table_check;
    paging_entry_t difference = {space->root.number << PAGING_FRAME_SHIFT};
#pragma GCC unroll 4
    for (unsigned level = levels; level > PAGING_4K; level--) {
        found->parent_slot = fast_slot(space, levels, recursive, level, page, paging_entry_frame(difference));
        difference.bits = paging_entry_load(found->parent_slot).bits ^ PAGING_TABLE_FLAGS;
        if (__builtin_expect((difference.bits & check) != 0, 0))
            return false;
    }
    found->parent.bits = difference.bits ^ PAGING_TABLE_FLAGS;
    found->slot = fast_slot(space, levels, recursive, PAGING_4K, page, paging_entry_frame(difference));
    found->entry = paging_entry_load(found->slot);
    return true;
}

/* Returns whether the entry where it arrived is a page, as the processor would take it. */
PAGING_ALWAYS_INLINE bool fast_is_page(const struct paging_space *space, const struct fast_walk_result *found)
{
    return ((found->entry.bits ^ PAGING_PRESENT) & space->leaf_check) == 0;
}

/* Returns whether a fast path is compiled in: a build for one world has one (config.h). */
PAGING_ALWAYS_INLINE bool has_fast_path(enum paging_fast_path path)
{
    bool recursive = path == PAGING_FAST_RECURSIVE_4 || path == PAGING_FAST_RECURSIVE_5;
    bool five_levels = path == PAGING_FAST_RECURSIVE_5 || path == PAGING_FAST_DIRECT_5;
    return !(recursive ? PAGING_HAS_ONLY_DIRECT : PAGING_HAS_ONLY_RECURSIVE) &&
           !(PAGING_HAS_ONLY_LEVELS && five_levels != (PAGING_ONLY_LEVELS == 5));
}

/*
 * Returns whether the page may take this fast path of the space. One comparison answers three questions: is
 * the space in that access mode, with that many levels, and is the page's number not too large?
 */
PAGING_ALWAYS_INLINE bool takes_fast_path(const struct paging_space *space, enum paging_fast_path path,
                                          paging_page_t page)
{
    return has_fast_path(path) && page.number < space->fast_pages[path];
}

/*
 * Walks on the fast path that the page may take, whichever that is. Returns false as well if there is none:
 * all that check_page refuses is among that.
 */
bool paging_fast_walk(const struct paging_space *space, paging_page_t page, struct fast_walk_result *found);

#endif
