/* SPDX-License-Identifier: MIT */
/* remap.c - a page gets another frame, or other flags, in one store: no access in between faults. */
#include "flush.h"
#include "leaf.h"
#include "table_pages.h"

/* What a page gets. */
struct remapping {
    struct paging_space *space;
    paging_page_t page;
    paging_frame_t frame;
    uint64_t flags;
    uint64_t own; /* PAGING_OWNED if it will own the frame, otherwise 0 */
};

/*
 * Stores the new leaf, and flushes what is cached of the old one. Returns that one. What its table must say
 * about owned pages is said before; no leaf is in the root.
 */
PAGING_ALWAYS_INLINE paging_entry_t exchange_leaf(const struct remapping *mapping, unsigned level,
                                                  volatile paging_entry_t *slot,
                                                  volatile paging_entry_t *parent_slot, paging_entry_t before,
                                                  paging_entry_t leaf)
{
    if (mapping->own != 0)
        change_entry_count(mapping->space, level + 1, parent_slot, 0, leaf.bits);
    before = replace_leaf(slot, before, leaf);
    flush_leaf(mapping->space, level, mapping->page);
    return before;
}

/*
 * Replaces the leaf `before` of this level, and reports it. It is compiled twice, because a constant level
 * removes most of it.
 */
PAGING_ALWAYS_INLINE enum paging_status remap_leaf(const struct remapping *mapping, unsigned level,
                                                   volatile paging_entry_t *slot,
                                                   volatile paging_entry_t *parent_slot,
                                                   paging_entry_t before, struct paging_frame_source *frames,
                                                   struct paging_unmapped *replaced)
{
    bool same_frame = paging_leaf_frame(before, level).number == mapping->frame.number;
    uint64_t kept = same_frame ? PAGING_ACCESSED_DIRTY : 0;
    paging_entry_t leaf =
        paging_entry_leaf(level, mapping->frame, mapping->flags | mapping->own | (before.bits & kept));
    if (same_frame && mapping->own != 0 && (before.bits & PAGING_SHARED_FRAME) != 0)
        leaf = with_shared_frame(leaf);
    if (leaf.bits != before.bits)
        before = exchange_leaf(mapping, level, slot, parent_slot, before, leaf);
    uint64_t late = before.bits & ~leaf.bits & kept;
    if (late != 0)
        add_accessed_dirty(slot, late);

    bool released = (before.bits & PAGING_OWNED) != 0 && !same_frame;
    if (replaced)
        report_unmapped(replaced, before, level, released);
    if (released)
        give_page(mapping->space, frames, level, paging_leaf_frame(before, level));
    return PAGING_OK;
}

PAGING_OUT_OF_LINE enum paging_status remap_slow(struct paging_space *space, paging_page_t page,
                                                 paging_frame_t frame, uint64_t flags, uint64_t own,
                                                 struct paging_frame_source *frames,
                                                 struct paging_unmapped *replaced)
{
    const struct remapping mapping = {space, page, frame, flags, own};
    struct page_walk walk;
    enum paging_status status = check_flags(space, flags, in_upper_half(space, page));
    if (status == PAGING_OK)
        status = find_whole_leaf(space, page, &walk);
    if (status == PAGING_OK)
        status = check_frame(space, frame, walk.level);
    if (status != PAGING_OK)
        return status;
    unsigned level = walk.level;
    return remap_leaf(&mapping, level, walk.slots[level], walk.slots[level + 1], walk.entries[level], frames,
                      replaced);
}

/* A page in a P1. Flags that the lower half allows are allowed in both. */
enum paging_status paging_remap(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                uint64_t flags, bool owned, struct paging_frame_source *frames,
                                struct paging_unmapped *replaced)
{
    const struct remapping mapping = {space, page, frame, flags, owned ? PAGING_OWNED : 0};
    struct fast_walk_result found;
    if ((flags & space->refused_flags[0]) != 0 || frame.number >= space->frame_limit ||
        !paging_fast_walk(space, page, &found) || !fast_is_page(space, &found))
        return remap_slow(space, page, frame, flags, mapping.own, frames, replaced);
    return remap_leaf(&mapping, PAGING_4K, found.slot, found.parent_slot, found.entry, frames, replaced);
}
