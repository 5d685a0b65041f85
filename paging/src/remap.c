/* SPDX-License-Identifier: MIT */
/* remap.c - a page gets another frame, or other flags, in one store: no access in between faults. */
#include "flush.h"
#include "leaf.h"
#include "table_pages.h"

static enum paging_status check_remap(const struct paging_space *space, paging_page_t page,
                                      paging_frame_t frame, uint64_t flags, struct page_walk *walk)
{
    enum paging_status status = check_flags(space, flags, in_upper_half(space, page));
    if (status == PAGING_OK)
        status = find_whole_leaf(space, page, walk);
    return status == PAGING_OK ? check_frame(space, frame, walk->level) : status;
}

/*
 * Stores the new leaf where the walk ended, and flushes what is cached of the old one. Returns that one. What
 * its table must say about owned pages is said before.
 */
static paging_entry_t exchange_leaf(struct paging_space *space, const struct page_walk *walk,
                                    paging_page_t page, paging_entry_t leaf)
{
    unsigned level = walk->level;
    struct paging_flush_list list;
    change_entry_count(space, level + 1, walk->slots[level + 1], 0, leaf.bits); /* no leaf is in the root */
    paging_entry_t before = replace_leaf(walk->slots[level], walk->entries[level], leaf);
    flush_begin(&list);
    flush_add_leaf(space, &list, level, page);
    paging_carry_out(space, &list);
    return before;
}

enum paging_status paging_remap(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                uint64_t flags, bool owned, struct paging_frame_source *frames,
                                struct paging_unmapped *replaced)
{
    struct page_walk walk;
    enum paging_status status = check_remap(space, page, frame, flags, &walk);
    if (status != PAGING_OK)
        return status;
    unsigned level = walk.level;
    paging_entry_t before = walk.entries[level];
    bool same_frame = paging_leaf_frame(before, level).number == frame.number;
    uint64_t kept = same_frame ? PAGING_ACCESSED_DIRTY : 0;
    paging_entry_t leaf =
        paging_entry_leaf(level, frame, flags | (owned ? PAGING_OWNED : 0) | (before.bits & kept));
    if (same_frame && owned && (before.bits & PAGING_SHARED_FRAME) != 0)
        leaf = with_shared_frame(leaf);
    if (leaf.bits != before.bits)
        before = exchange_leaf(space, &walk, page, leaf);
    uint64_t late = before.bits & ~leaf.bits & kept;
    if (late != 0)
        add_accessed_dirty(walk.slots[level], late);

    bool released = (before.bits & PAGING_OWNED) != 0 && !same_frame;
    if (replaced)
        report_unmapped(replaced, before, level, released);
    if (released)
        give_page(space, frames, level, paging_leaf_frame(before, level));
    return PAGING_OK;
}
