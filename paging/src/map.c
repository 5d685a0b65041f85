/* map.c - map: look at everything, take every frame, then write. */
#include "checks.h"
#include "fast_path.h"
#include "table_pages.h"
#include <selfmap/map.h>

PAGING_ALWAYS_INLINE enum paging_status check_size(const struct paging_space *space, unsigned size)
{
    if (size < PAGING_4K || size > PAGING_1G || size >= space->cpu.levels)
        return PAGING_NOT_SUPPORTED;
    return size == PAGING_1G && !space->cpu.has_1g_pages ? PAGING_NOT_SUPPORTED : PAGING_OK;
}

PAGING_ALWAYS_INLINE enum paging_status check_frame(const struct paging_space *space, paging_frame_t frame,
                                                    unsigned size)
{
    if (frame.number % paging_level_pages(size) != 0)
        return PAGING_MISALIGNED;
    uint64_t last = frame.number | (paging_level_pages(size) - 1);
    return last >= space->frame_limit ? PAGING_FRAME_TOO_HIGH : PAGING_OK;
}

/* What stands in the way of a leaf of this size? Nothing if the walk ended at an unused entry. */
static enum paging_status check_place(const struct paging_space *space, const struct page_walk *walk,
                                      unsigned size, bool over_reserved)
{
    paging_entry_t entry = walk->entries[walk->level];
    if (paging_entry_is_unused(entry))
        return PAGING_OK;
    if (!paging_entry_is_present(entry))
        return over_reserved && walk->level == size ? PAGING_OK : PAGING_MARKED;
    if (entry_is_malformed(space, entry, walk->level))
        return PAGING_MALFORMED;
    return walk->level == size ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE;
}

/*
 * Everything about a new entry but its frame. On PAGING_OK the walk ends at the entry to fill. Compiled once
 * for 4 KiB pages and once for any size.
 */
PAGING_ALWAYS_INLINE enum paging_status look(const struct paging_space *space, paging_page_t page,
                                             unsigned size, uint64_t flags, struct page_walk *walk)
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

static paging_entry_t make_leaf(unsigned size, paging_frame_t frame, uint64_t flags)
{
    return paging_entry_leaf(size, frame, flags & ~PAGING_REPLACE_MARKER);
}

static enum paging_status install_if_frames(struct paging_space *space, const struct page_walk *walk,
                                            paging_page_t page, unsigned size, paging_entry_t entry,
                                            struct paging_frame_source *frames)
{
    if (!reserve_frames(frames, missing_tables(walk, size)))
        return PAGING_NO_FRAMES;
    paging_link_entry(space, walk, page, size, entry, frames);
    return PAGING_OK;
}

PAGING_ALWAYS_INLINE enum paging_status map_leaf(struct paging_space *space, paging_page_t page,
                                                 paging_frame_t frame, unsigned size, uint64_t flags,
                                                 struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = look(space, page, size, flags, &walk);
    if (status == PAGING_OK)
        status = check_frame(space, frame, size);
    if (status != PAGING_OK)
        return status;
    return install_if_frames(space, &walk, page, size, make_leaf(size, frame, flags), frames);
}

enum paging_status paging_map_sized(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                    enum paging_size size, uint64_t flags, struct paging_frame_source *frames)
{
    return map_leaf(space, page, frame, size, flags, frames);
}

PAGING_OUT_OF_LINE enum paging_status map_to_slow(struct paging_space *space, paging_page_t page,
                                                  paging_frame_t frame, uint64_t flags,
                                                  struct paging_frame_source *frames)
{
    return map_leaf(space, page, frame, PAGING_4K, flags, frames);
}

/* On the fast path: the P1 is there, the page's entry unused, and the P2's count takes one more. */
PAGING_ALWAYS_INLINE bool find_free_entry(unsigned levels, bool window, const struct paging_space *space,
                                          paging_page_t page, uint64_t flags, struct fast_walk_result *way)
{
    unsigned upper_half = paging_page_index(page, levels) / (PAGING_TABLE_ENTRIES / 2);
    /* Most flags are fine in both halves. */
    return ((flags & space->refused_flags[0]) == 0 || (flags & space->refused_flags[upper_half]) == 0) &&
           fast_walk(space, levels, window, page, way) && paging_entry_is_unused(way->entry) &&
           count_steps_up(&way->parent);
}

PAGING_ALWAYS_INLINE enum paging_status map_to_fast(unsigned levels, bool window, struct paging_space *space,
                                                    paging_page_t page, paging_frame_t frame, uint64_t flags,
                                                    struct paging_frame_source *frames)
{
    struct fast_walk_result way;
    if (frame.number >= space->frame_limit || !find_free_entry(levels, window, space, page, flags, &way))
        return map_to_slow(space, page, frame, flags, frames);
    paging_entry_store(way.slot,
                       (paging_entry_t){frame.number << PAGING_FRAME_SHIFT | flags | PAGING_PRESENT});
    paging_entry_store(way.parent_slot, way.parent);
    return PAGING_OK;
}

TAKE_EXPRESS(map_to,
             (struct paging_space * space, paging_page_t page, paging_frame_t frame, uint64_t flags,
              struct paging_frame_source *frames),
             (space, page, frame, flags, frames))

PAGING_OUT_OF_LINE enum paging_status map_slow(struct paging_space *space, paging_page_t page, uint64_t flags,
                                               struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = look(space, page, PAGING_4K, flags, &walk);
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, missing_tables(&walk, PAGING_4K) + 1))
        return PAGING_NO_FRAMES;
    paging_entry_t leaf = make_leaf(PAGING_4K, reserved_frame(frames), flags | PAGING_OWNED);
    paging_link_entry(space, &walk, page, PAGING_4K, leaf, frames);
    return PAGING_OK;
}

PAGING_ALWAYS_INLINE enum paging_status map_fast(unsigned levels, bool window, struct paging_space *space,
                                                 paging_page_t page, uint64_t flags,
                                                 struct paging_frame_source *frames)
{
    struct fast_walk_result way;
    paging_frame_t frame;
    if (!find_free_entry(levels, window, space, page, flags, &way))
        return map_slow(space, page, flags, frames);
    if (!frames->allocate(frames, PAGING_4K, &frame))
        return PAGING_NO_FRAMES;
    paging_entry_store(way.slot, paging_entry_leaf(PAGING_4K, frame, flags | PAGING_OWNED));
    paging_entry_store(way.parent_slot,
                       (paging_entry_t){way.parent.bits | owned_below(PAGING_2M, PAGING_OWNED)});
    return PAGING_OK;
}

TAKE_EXPRESS(map,
             (struct paging_space * space, paging_page_t page, uint64_t flags,
              struct paging_frame_source *frames),
             (space, page, flags, frames))

enum paging_status paging_identity_map(struct paging_space *space, paging_frame_t frame, uint64_t flags,
                                       struct paging_frame_source *frames)
{
    paging_page_t page;
    if (frame.number > UINT64_MAX >> PAGING_PAGE_SHIFT)
        return PAGING_FRAME_TOO_HIGH;
    enum paging_status status =
        paging_page_containing(space->cpu.levels, (paging_virt_t){paging_frame_start(frame).value}, &page);
    return status == PAGING_OK ? paging_map_to(space, page, frame, flags, frames) : status;
}

enum paging_status paging_set_marker(struct paging_space *space, paging_page_t page, uint64_t payload,
                                     struct paging_frame_source *frames)
{
    struct page_walk walk;
    if (payload == 0 || payload >> 63 != 0)
        return PAGING_BAD_FLAGS;
    enum paging_status status = look(space, page, PAGING_4K, 0, &walk);
    if (status != PAGING_OK)
        return status;
    return install_if_frames(space, &walk, page, PAGING_4K, (paging_entry_t){payload << 1}, frames);
}
