/* mapper.c - map: look at everything, take every frame, then write. */
#include "mapper.h"
#include "checks.h"
#include "express.h"
#include "unlinked.h"

ALWAYS_INLINE enum paging_status check_size(const struct address_space *space, unsigned size)
{
    if (size < PAGE_4K || size > PAGE_1G || size >= space->cpu.levels)
        return PAGING_NOT_SUPPORTED;
    return size == PAGE_1G && !space->cpu.has_1g_pages ? PAGING_NOT_SUPPORTED : PAGING_OK;
}

ALWAYS_INLINE enum paging_status check_frame(const struct address_space *space, frame_t frame, unsigned size)
{
    if (frame.number % level_pages(size) != 0)
        return PAGING_MISALIGNED;
    uint64_t last = frame.number | (level_pages(size) - 1);
    return last >= space->frame_limit ? PAGING_FRAME_TOO_HIGH : PAGING_OK;
}

/* What stands in the way of a leaf of this size? Nothing if the walk ended at an unused entry. */
static enum paging_status check_place(const struct address_space *space, const struct walk *walk,
                                      unsigned size, bool over_reserved)
{
    entry_t entry = walk->entries[walk->level];
    if (entry_is_unused(entry))
        return PAGING_OK;
    if (!entry_is_present(entry))
        return over_reserved && walk->level == size ? PAGING_OK : PAGING_RESERVED;
    if (entry_is_malformed(space, entry, walk->level))
        return PAGING_MALFORMED;
    return walk->level == size ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE;
}

/*
 * Everything about a new entry but its frame. On PAGING_OK the walk ends at the entry to fill. Compiled once
 * for 4 KiB pages and once for any size.
 */
ALWAYS_INLINE enum paging_status look(const struct address_space *space, page_t page, unsigned size,
                                      uint64_t flags, struct walk *walk)
{
    enum paging_status status = check_size(space, size);
    if (status == PAGING_OK && page.number % level_pages(size) != 0)
        status = PAGING_MISALIGNED;
    if (status == PAGING_OK)
        status = check_flags(space, flags & ~MAP_OVER_RESERVED, in_upper_half(space, page));
    if (status == PAGING_OK)
        status = check_page(space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, size, walk);
    return check_place(space, walk, size, (flags & MAP_OVER_RESERVED) != 0);
}

static entry_t leaf_for(unsigned size, frame_t frame, uint64_t flags)
{
    return entry_leaf(size, frame, flags & ~MAP_OVER_RESERVED);
}

static enum paging_status install_if_frames(struct address_space *space, const struct walk *walk, page_t page,
                                            unsigned size, entry_t entry, struct frame_source *frames)
{
    if (!reserve_frames(frames, missing_tables(walk, size)))
        return PAGING_NO_FRAMES;
    install(space, walk, page, size, entry, frames);
    return PAGING_OK;
}

ALWAYS_INLINE enum paging_status map_leaf(struct address_space *space, page_t page, frame_t frame,
                                          unsigned size, uint64_t flags, struct frame_source *frames)
{
    struct walk walk;
    enum paging_status status = look(space, page, size, flags, &walk);
    if (status == PAGING_OK)
        status = check_frame(space, frame, size);
    if (status != PAGING_OK)
        return status;
    return install_if_frames(space, &walk, page, size, leaf_for(size, frame, flags), frames);
}

enum paging_status paging_map_sized(struct address_space *space, page_t page, frame_t frame,
                                    enum page_size size, uint64_t flags, struct frame_source *frames)
{
    return map_leaf(space, page, frame, size, flags, frames);
}

OUT_OF_LINE enum paging_status map_to_long(struct address_space *space, page_t page, frame_t frame,
                                           uint64_t flags, struct frame_source *frames)
{
    return map_leaf(space, page, frame, PAGE_4K, flags, frames);
}

/* On the express way: the P1 is there, the page's entry unused, and the P2's count takes one more. */
ALWAYS_INLINE bool finds_place(unsigned levels, bool window, const struct address_space *space, page_t page,
                               uint64_t flags, struct express *way)
{
    unsigned upper_half = page_index(page, levels) / (ENTRY_COUNT / 2);
    /* Most flags are fine in both halves. */
    return ((flags & space->refused_flags[0]) == 0 || (flags & space->refused_flags[upper_half]) == 0) &&
           express_walk(space, levels, window, page, way) && entry_is_unused(way->entry) &&
           count_steps_up(&way->parent);
}

ALWAYS_INLINE enum paging_status map_to_express(unsigned levels, bool window, struct address_space *space,
                                                page_t page, frame_t frame, uint64_t flags,
                                                struct frame_source *frames)
{
    struct express way;
    if (frame.number >= space->frame_limit || !finds_place(levels, window, space, page, flags, &way))
        return map_to_long(space, page, frame, flags, frames);
    entry_store(way.slot, (entry_t){frame.number << ENTRY_FRAME_SHIFT | flags | ENTRY_PRESENT});
    entry_store(way.parent_slot, way.parent);
    return PAGING_OK;
}

TAKE_EXPRESS(map_to,
             (struct address_space * space, page_t page, frame_t frame, uint64_t flags,
              struct frame_source *frames),
             (space, page, frame, flags, frames))

OUT_OF_LINE enum paging_status map_long(struct address_space *space, page_t page, uint64_t flags,
                                        struct frame_source *frames)
{
    struct walk walk;
    enum paging_status status = look(space, page, PAGE_4K, flags, &walk);
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, missing_tables(&walk, PAGE_4K) + 1))
        return PAGING_NO_FRAMES;
    entry_t leaf = leaf_for(PAGE_4K, reserved_frame(frames), flags | ENTRY_OWNED);
    install(space, &walk, page, PAGE_4K, leaf, frames);
    return PAGING_OK;
}

ALWAYS_INLINE enum paging_status map_express(unsigned levels, bool window, struct address_space *space,
                                             page_t page, uint64_t flags, struct frame_source *frames)
{
    struct express way;
    frame_t frame;
    if (!finds_place(levels, window, space, page, flags, &way))
        return map_long(space, page, flags, frames);
    if (!frames->allocate(frames, PAGE_4K, &frame))
        return PAGING_NO_FRAMES;
    entry_store(way.slot, entry_leaf(PAGE_4K, frame, flags | ENTRY_OWNED));
    entry_store(way.parent_slot, (entry_t){way.parent.bits | owned_below(PAGE_2M, ENTRY_OWNED)});
    return PAGING_OK;
}

TAKE_EXPRESS(map, (struct address_space * space, page_t page, uint64_t flags, struct frame_source *frames),
             (space, page, flags, frames))

enum paging_status paging_identity_map(struct address_space *space, frame_t frame, uint64_t flags,
                                       struct frame_source *frames)
{
    page_t page;
    if (frame.number > UINT64_MAX >> PAGE_SHIFT)
        return PAGING_FRAME_TOO_HIGH;
    enum paging_status status =
        page_containing(space->cpu.levels, (virt_addr_t){frame_start(frame).value}, &page);
    return status == PAGING_OK ? paging_map_to(space, page, frame, flags, frames) : status;
}

enum paging_status paging_reserve(struct address_space *space, page_t page, uint64_t payload,
                                  struct frame_source *frames)
{
    struct walk walk;
    if (payload == 0 || payload >> 63 != 0)
        return PAGING_BAD_FLAGS;
    enum paging_status status = look(space, page, PAGE_4K, 0, &walk);
    if (status != PAGING_OK)
        return status;
    return install_if_frames(space, &walk, page, PAGE_4K, (entry_t){payload << 1}, frames);
}
