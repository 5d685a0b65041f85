/* SPDX-License-Identifier: MIT */
/* map.c - map one page: check everything, take every frame, then write. */
#include <selfmap/map.h>

#include "table_pages.h"

/* ---- checks ---- */

static enum paging_status check_size(const struct paging_space *space, unsigned size)
{
    if (size == PAGING_4K)
        return PAGING_OK;
    if (size < PAGING_4K || size > PAGING_1G || size >= space->cpu.levels)
        return PAGING_NOT_SUPPORTED;
    return size == PAGING_1G && !space->cpu.has_1g_pages ? PAGING_NOT_SUPPORTED : PAGING_OK;
}

/* Returns what stands in the way of a leaf of this size where the walk ended. */
static PAGING_FOR_SIZE enum paging_status check_place(const struct paging_space *space,
                                                      const struct page_walk *walk, unsigned size,
                                                      bool replace_marker)
{
    paging_entry_t entry = walk->entries[walk->level];
    if (paging_entry_is_unused(entry))
        return PAGING_OK;
    if (!paging_entry_is_present(entry))
        return absent_status(entry, replace_marker);
    if (entry_is_malformed(space, entry, walk->level))
        return PAGING_MALFORMED;
    return walk->level == size ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE;
}

/*
 * Checks everything about a new entry except its frame. On PAGING_OK the walk ends at the entry to fill. It
 * is compiled twice, because a constant size removes most of it.
 */
PAGING_ALWAYS_INLINE_FOR_SPEED enum paging_status check_and_walk(const struct paging_space *space,
                                                                 paging_page_t page, unsigned size,
                                                                 uint64_t flags, struct page_walk *walk)
{
    enum paging_status status = check_size(space, size);
    if (status == PAGING_OK && page.number % paging_level_pages(size) != 0)
        status = PAGING_MISALIGNED;
    if (status == PAGING_OK)
        status = check_flags(space, flags & ~PAGING_REPLACE_MARKER, in_upper_half(space, page));
    if (status == PAGING_OK)
        status = check_page(space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, size, walk);
    return check_place(space, walk, size, (flags & PAGING_REPLACE_MARKER) != 0);
}

/* ---- the slow path: any page ---- */

/* `own` is PAGING_OWNED for a page that gives its frame back, otherwise 0. */
PAGING_ALWAYS_INLINE enum paging_status map_leaf(struct paging_space *space, paging_page_t page,
                                                 paging_frame_t frame, unsigned size, uint64_t flags,
                                                 uint64_t own, struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = check_and_walk(space, page, size, flags, &walk);
    if (status == PAGING_OK)
        status = check_frame(space, frame, size);
    if (status != PAGING_OK)
        return status;
    paging_entry_t leaf = paging_entry_leaf(size, frame, (flags & ~PAGING_REPLACE_MARKER) | own);
    return reserve_and_link(space, &walk, page, size, leaf, frames);
}

PAGING_OUT_OF_LINE PAGING_FOR_SIZE enum paging_status map_to_slow(struct paging_space *space,
                                                                  paging_page_t page, paging_frame_t frame,
                                                                  uint64_t flags,
                                                                  struct paging_frame_source *frames)
{
    return map_leaf(space, page, frame, PAGING_4K, flags, 0, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_any_size(struct paging_space *space, paging_page_t page,
                                                   paging_frame_t frame, unsigned size, uint64_t flags,
                                                   uint64_t own, struct paging_frame_source *frames)
{
    return map_leaf(space, page, frame, size, flags, own, frames);
}

/* Maps the page, where the walk ended, to a frame from the source; that one and the tables' are reserved. */
static enum paging_status allocate_and_link(struct paging_space *space, const struct page_walk *walk,
                                            paging_page_t page, uint64_t flags,
                                            struct paging_frame_source *frames)
{
    paging_frame_t frame;
    if (!take_page(space, frames, &frame))
        return PAGING_BROKEN_SOURCE;
    uint64_t leaf_flags = (flags & ~PAGING_REPLACE_MARKER) | PAGING_OWNED;
    paging_entry_t leaf = paging_entry_leaf(PAGING_4K, frame, leaf_flags);
    enum paging_status status = paging_link_entry(space, walk, page, PAGING_4K, leaf, frames);
    if (status != PAGING_OK)
        give_page(space, frames, PAGING_4K, frame);
    return status;
}

PAGING_OUT_OF_LINE PAGING_FOR_SIZE enum paging_status
map_slow(struct paging_space *space, paging_page_t page, uint64_t flags, struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = check_and_walk(space, page, PAGING_4K, flags, &walk);
    if (status != PAGING_OK)
        return status;
    if (!frames->reserve(frames, space, missing_tables(&walk, PAGING_4K), 1))
        return PAGING_NO_FRAMES;
    status = allocate_and_link(space, &walk, page, flags, frames);
    frames->unreserve(frames, space);
    return status;
}

/*
 * ---- the fast path ----
 *
 * For a page whose P1 is there and whose entry is unused. How many entries of the P1 are used is stored in
 * the P2's entry that points to it (table_entry.h); where adding one would carry out of the count's low seven
 * bits, every 128 pages, the slow path does it.
 */

/* Returns whether the entry that a fast walk found is unused. Counts it as used in found->parent. */
PAGING_ALWAYS_INLINE bool take_free_entry(struct fast_walk_result *found)
{
    return paging_entry_is_unused(found->entry) && count_steps_up(&found->parent);
}

/* Finds the page's entry, and counts it as used in found->parent, which the caller stores. */
PAGING_ALWAYS_INLINE bool find_free_entry(unsigned levels, bool recursive, const struct paging_space *space,
                                          paging_page_t page, uint64_t flags, struct fast_walk_result *found)
{
    unsigned upper_half = paging_page_index(page, levels) / (PAGING_TABLE_ENTRIES / 2);
    /* Flags that the lower half allows are allowed in both: the second question is seldom asked. */
    return ((flags & space->refused_flags[0]) == 0 || (flags & space->refused_flags[upper_half]) == 0) &&
           fast_walk(space, levels, recursive, page, found) && take_free_entry(found);
}

/* Maps the page to a frame of its own where find_free_entry or take_free_entry has been. */
PAGING_ALWAYS_INLINE void store_owned(const struct fast_walk_result *found, paging_frame_t frame,
                                      uint64_t flags)
{
    paging_entry_store(found->slot, paging_entry_leaf(PAGING_4K, frame, flags | PAGING_OWNED));
    paging_entry_store(found->parent_slot,
                       (paging_entry_t){found->parent.bits | owned_below(PAGING_2M, PAGING_OWNED)});
}

PAGING_ALWAYS_INLINE enum paging_status map_to_fast(unsigned levels, bool recursive,
                                                    struct paging_space *space, paging_page_t page,
                                                    paging_frame_t frame, uint64_t flags,
                                                    struct paging_frame_source *frames)
{
    struct fast_walk_result found;
    if (frame.number >= space->frame_limit || !find_free_entry(levels, recursive, space, page, flags, &found))
        return map_to_slow(space, page, frame, flags, frames);
    uint64_t bits = frame.number << PAGING_FRAME_SHIFT | flags | PAGING_PRESENT;
    paging_entry_store(found.slot, (paging_entry_t){bits});
    paging_entry_store(found.parent_slot, found.parent);
    return PAGING_OK;
}

PAGING_ALWAYS_INLINE enum paging_status map_fast(unsigned levels, bool recursive, struct paging_space *space,
                                                 paging_page_t page, uint64_t flags,
                                                 struct paging_frame_source *frames)
{
    struct fast_walk_result found;
    paging_frame_t frame;
    if (!find_free_entry(levels, recursive, space, page, flags, &found) || !take_page(space, frames, &frame))
        return map_slow(space, page, flags, frames);
    store_owned(&found, frame, flags);
    return PAGING_OK;
}

/*
 * ---- the operations ----
 *
 * The fast path of an active space with four levels is inlined into the operation. The others are functions
 * of their own: they need more registers, and inlined they would make that one save them too.
 */

PAGING_OUT_OF_LINE enum paging_status map_to_direct_4(struct paging_space *space, paging_page_t page,
                                                      paging_frame_t frame, uint64_t flags,
                                                      struct paging_frame_source *frames)
{
    return map_to_fast(4, false, space, page, frame, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_to_recursive_5(struct paging_space *space, paging_page_t page,
                                                         paging_frame_t frame, uint64_t flags,
                                                         struct paging_frame_source *frames)
{
    return map_to_fast(5, true, space, page, frame, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_to_direct_5(struct paging_space *space, paging_page_t page,
                                                      paging_frame_t frame, uint64_t flags,
                                                      struct paging_frame_source *frames)
{
    return map_to_fast(5, false, space, page, frame, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_to_other_modes(struct paging_space *space, paging_page_t page,
                                                         paging_frame_t frame, uint64_t flags,
                                                         struct paging_frame_source *frames)
{
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return map_to_direct_4(space, page, frame, flags, frames);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return map_to_recursive_5(space, page, frame, flags, frames);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_5, page))
        return map_to_direct_5(space, page, frame, flags, frames);
    return map_to_slow(space, page, frame, flags, frames);
}

enum paging_status paging_map_to(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                 uint64_t flags, struct paging_frame_source *frames)
{
    if (__builtin_expect(takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page), 1))
        return map_to_fast(4, true, space, page, frame, flags, frames);
    return map_to_other_modes(space, page, frame, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_direct_4(struct paging_space *space, paging_page_t page,
                                                   uint64_t flags, struct paging_frame_source *frames)
{
    return map_fast(4, false, space, page, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_recursive_5(struct paging_space *space, paging_page_t page,
                                                      uint64_t flags, struct paging_frame_source *frames)
{
    return map_fast(5, true, space, page, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_direct_5(struct paging_space *space, paging_page_t page,
                                                   uint64_t flags, struct paging_frame_source *frames)
{
    return map_fast(5, false, space, page, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_other_modes(struct paging_space *space, paging_page_t page,
                                                      uint64_t flags, struct paging_frame_source *frames)
{
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return map_direct_4(space, page, flags, frames);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return map_recursive_5(space, page, flags, frames);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_5, page))
        return map_direct_5(space, page, flags, frames);
    return map_slow(space, page, flags, frames);
}

enum paging_status paging_map(struct paging_space *space, paging_page_t page, uint64_t flags,
                              struct paging_frame_source *frames)
{
    if (PAGING_IS_SMALL) /* it takes a frame, which costs more than the walk */
        return map_slow(space, page, flags, frames);
    if (__builtin_expect(takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page), 1))
        return map_fast(4, true, space, page, flags, frames);
    return map_other_modes(space, page, flags, frames);
}

enum paging_status paging_map_sized(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                    enum paging_size size, uint64_t flags, struct paging_frame_source *frames)
{
    return map_any_size(space, page, frame, size, flags, 0, frames);
}

enum paging_status paging_map_owned(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                    enum paging_size size, uint64_t flags, struct paging_frame_source *frames)
{
    struct fast_walk_result found;
    if (size == PAGING_4K && (flags & space->refused_flags[0]) == 0 && frame.number < space->frame_limit &&
        paging_fast_walk(space, page, &found) && take_free_entry(&found)) {
        store_owned(&found, frame, flags);
        return PAGING_OK;
    }
    return map_any_size(space, page, frame, size, flags, PAGING_OWNED, frames);
}

enum paging_status paging_identity_map(struct paging_space *space, paging_frame_t frame, uint64_t flags,
                                       struct paging_frame_source *frames)
{
    paging_page_t page;
    if (frame.number > UINT64_MAX >> PAGING_PAGE_SHIFT)
        return PAGING_FRAME_TOO_HIGH;
    paging_virt_t address = {paging_frame_start(frame).value};
    enum paging_status status = paging_page_containing(space->cpu.levels, address, &page);
    return status == PAGING_OK ? paging_map_to(space, page, frame, flags, frames) : status;
}

enum paging_status paging_set_marker(struct paging_space *space, paging_page_t page, uint64_t value,
                                     struct paging_frame_source *frames)
{
    struct page_walk walk;
    if (value == 0 || value > PAGING_MARKER_LIMIT)
        return PAGING_BAD_FLAGS;
    enum paging_status status = check_and_walk(space, page, PAGING_4K, 0, &walk);
    if (status != PAGING_OK)
        return status;
    return reserve_and_link(space, &walk, page, PAGING_4K, paging_marker_entry(value), frames);
}
