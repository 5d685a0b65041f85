/* SPDX-License-Identifier: MIT */
/* unmap.c - remove one entry and the tables that become empty: clear, flush, then free. */
#include "unmap.h"
#include "gather_internal.h"
#include "leaf.h"
#include "table_pages.h"

/* Gives back the tables between the leaf and the entry at level `top`. */
static void free_emptied_tables(struct paging_space *space, const struct page_walk *walk, unsigned top,
                                paging_page_t page, struct paging_frame_source *frames)
{
    for (unsigned level = walk->level; level < top; level++)
        give_table(space, frames, paging_entry_frame(walk->entries[level + 1]));
    change_table_count(space, page, -(int64_t)(top - walk->level));
}

/*
 * Removes the entry where the walk ended, and notes there how the processor left it. A leaf goes first: in a
 * table that is not linked any more the processor could still mark it. Then the one store at the highest
 * level that empties unlinks everything below it.
 */
static PAGING_FOR_SIZE void remove_entry(struct paging_space *space, struct page_walk *walk,
                                         paging_page_t page, struct paging_frame_source *frames)
{
    unsigned top = highest_emptied(space, walk, walk->level);
    if (top > walk->level)
        finish_gather_of(space);
    paging_entry_t *entry = &walk->entries[walk->level];
    if (paging_entry_is_present(*entry))
        *entry = remove_leaf(walk->slots[walk->level], *entry);
    if (top > walk->level || !paging_entry_is_present(*entry))
        paging_entry_store(walk->slots[top], (paging_entry_t){0});
    if (top < space->cpu.levels) /* the root has no parent, and is never freed */
        change_entry_count(space, top + 1, walk->slots[top + 1], -1, 0);
    struct paging_flush_list list;
    flush_begin(&list);
    if (paging_entry_is_present(*entry))
        flush_add_leaf(space, &list, walk->level, page);
    else if (top > walk->level)
        flush_add_way(space, &list, page);
    for (unsigned level = walk->level; level < top; level++)
        flush_add_table(space, &list, level, page);
    paging_carry_out(space, &list);
    free_emptied_tables(space, walk, top, page, frames);
}

/* Ends the removal of a leaf that is cleared and flushed: an owned frame goes back. */
static PAGING_FOR_SIZE enum paging_status release_unmapped(const struct paging_space *space,
                                                           paging_entry_t leaf, unsigned level,
                                                           struct paging_frame_source *frames,
                                                           struct paging_unmapped *unmapped)
{
    report_unmapped(unmapped, leaf, level, (leaf.bits & PAGING_OWNED) != 0);
    if (unmapped->released)
        give_page(space, frames, level, unmapped->frame);
    return PAGING_OK;
}

PAGING_OUT_OF_LINE PAGING_FOR_SIZE enum paging_status unmap_slow(struct paging_space *space,
                                                                 paging_page_t page,
                                                                 struct paging_frame_source *frames,
                                                                 struct paging_unmapped *unmapped)
{
    struct page_walk walk;
    enum paging_status status = find_whole_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    remove_entry(space, &walk, page, frames);
    return release_unmapped(space, walk.entries[walk.level], walk.level, frames, unmapped);
}

/* A page in a P1 in which other entries are used, so that no table goes. */
PAGING_ALWAYS_INLINE enum paging_status unmap_fast(unsigned levels, bool recursive,
                                                   struct paging_space *space, paging_page_t page,
                                                   struct paging_frame_source *frames,
                                                   struct paging_unmapped *unmapped)
{
    struct fast_walk_result found;
    if (!fast_walk(space, levels, recursive, page, &found) || !fast_is_page(space, &found) ||
        !count_steps_down(&found.parent))
        return unmap_slow(space, page, frames, unmapped);
    found.entry = remove_leaf(found.slot, found.entry);
    paging_entry_store(found.parent_slot, found.parent);
    if (recursive || space->mode == PAGING_MODE_DIRECT_ACTIVE)
        flush_page(space, paging_page_start(levels, page));
    if ((found.entry.bits & PAGING_OWNED) != 0)
        return release_unmapped(space, found.entry, PAGING_4K, frames, unmapped);
    report_unmapped(unmapped, found.entry, PAGING_4K, false);
    return PAGING_OK;
}

PAGING_OUT_OF_LINE enum paging_status unmap_direct_4(struct paging_space *space, paging_page_t page,
                                                     struct paging_frame_source *frames,
                                                     struct paging_unmapped *unmapped)
{
    return unmap_fast(4, false, space, page, frames, unmapped);
}

PAGING_OUT_OF_LINE enum paging_status unmap_recursive_5(struct paging_space *space, paging_page_t page,
                                                        struct paging_frame_source *frames,
                                                        struct paging_unmapped *unmapped)
{
    return unmap_fast(5, true, space, page, frames, unmapped);
}

PAGING_OUT_OF_LINE enum paging_status unmap_direct_5(struct paging_space *space, paging_page_t page,
                                                     struct paging_frame_source *frames,
                                                     struct paging_unmapped *unmapped)
{
    return unmap_fast(5, false, space, page, frames, unmapped);
}

PAGING_OUT_OF_LINE enum paging_status unmap_other(struct paging_space *space, paging_page_t page,
                                                  struct paging_frame_source *frames,
                                                  struct paging_unmapped *unmapped)
{
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, page))
        return unmap_direct_4(space, page, frames, unmapped);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, page))
        return unmap_recursive_5(space, page, frames, unmapped);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_5, page))
        return unmap_direct_5(space, page, frames, unmapped);
    return unmap_slow(space, page, frames, unmapped);
}

/* Nobody asks what was there. It is out of line so that whoever asks pays for one comparison. */
PAGING_OUT_OF_LINE enum paging_status unmap_unreported(struct paging_space *space, paging_page_t page,
                                                       struct paging_frame_source *frames)
{
    struct paging_unmapped ignored;
    return paging_unmap(space, page, frames, &ignored);
}

enum paging_status paging_unmap(struct paging_space *space, paging_page_t page,
                                struct paging_frame_source *frames, struct paging_unmapped *unmapped)
{
    if (__builtin_expect(!unmapped, 0))
        return unmap_unreported(space, page, frames);
    if (__builtin_expect(takes_fast_path(space, PAGING_FAST_RECURSIVE_4, page), 1))
        return unmap_fast(4, true, space, page, frames, unmapped);
    return unmap_other(space, page, frames, unmapped);
}

enum paging_status paging_clear_marker(struct paging_space *space, paging_page_t page,
                                       struct paging_frame_source *frames, uint64_t *value)
{
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK)
        return PAGING_ALREADY_MAPPED;
    if (status != PAGING_MARKED)
        return status;
    const paging_entry_t none = {0}, marker = walk.entries[walk.level];
    if (walk.level > PAGING_4K) {
        status = reserve_and_link(space, &walk, page, PAGING_4K, none, frames);
        if (status != PAGING_OK)
            return status;
    } else {
        remove_entry(space, &walk, page, frames);
    }
    *value = paging_marker_value(marker);
    return PAGING_OK;
}
