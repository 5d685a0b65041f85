/* unmap.c - take one entry away, with the tables that become empty: clear, flush, then free. */
#include "checks.h"
#include "count.h"
#include "fast_path.h"
#include "flush.h"
#include <selfmap/map.h>

/* The level of the entry to clear: the leaf's, or as far up as its tables hold nothing else. */
static unsigned highest_emptied(const struct paging_space *space, const struct page_walk *walk)
{
    unsigned top = walk->level;
    UNLESS_MUTANT(NEVER_RECLAIM)
    while (top < space->cpu.levels && entry_count(walk->entries[top + 1]) == 1 &&
           !entry_is_shared(space, top + 1, walk->entries[top + 1]))
        top++;
    return top;
}

/* Give back the tables between the leaf and the entry at level top. */
static void drop_tables(struct paging_space *space, const struct page_walk *walk, unsigned top,
                        paging_page_t page, struct paging_frame_source *frames)
{
    for (unsigned level = walk->level; level < top; level++)
        frames->release(frames, PAGING_4K, paging_entry_frame(walk->entries[level + 1]));
    change_table_count(space, page, -(int64_t)(top - walk->level));
}

/* The one store at the highest level that empties unlinks everything below it. */
static void remove_leaf(struct paging_space *space, const struct page_walk *walk, paging_page_t page,
                        struct paging_frame_source *frames)
{
    unsigned top = highest_emptied(space, walk);
    IF_MUTANT(UNLINKS_LAST)
    drop_tables(space, walk, top, page, frames);
    paging_entry_store(walk->slots[top], (paging_entry_t){0});
    if (top < space->cpu.levels) /* the root has no parent, and is never freed */
        change_entry_count(space, top + 1, walk->slots[top + 1], -1, 0);
    struct flush_batch batch;
    flush_begin(&batch);
    if (paging_entry_is_present(walk->entries[walk->level]))
        flush_leaf_later(space, &batch, walk->level, page);
    for (unsigned level = walk->level; level < top; level++)
        flush_table_later(space, &batch, level, page);
    paging_flush_now(space, &batch);
    UNLESS_MUTANT(UNLINKS_LAST)
    drop_tables(space, walk, top, page, frames);
}

PAGING_ALWAYS_INLINE void tell(struct paging_unmapped *unmapped, paging_entry_t leaf, unsigned level,
                               bool released)
{
    *unmapped = (struct paging_unmapped){
        .frame = paging_leaf_frame(leaf, level),
        .size = (enum paging_size)level,
        .flags = paging_entry_flags(leaf) & PAGING_LEAF_FLAGS,
        .released = released,
    };
}

/* The entry is gone, and forgotten. */
static enum paging_status finish(paging_entry_t leaf, unsigned level, struct paging_frame_source *frames,
                                 struct paging_unmapped *unmapped)
{
    tell(unmapped, leaf, level, (leaf.bits & PAGING_OWNED) != 0);
    if (unmapped->released)
        frames->release(frames, unmapped->size, unmapped->frame);
    return PAGING_OK;
}

PAGING_OUT_OF_LINE enum paging_status unmap_slow(struct paging_space *space, paging_page_t page,
                                                 struct paging_frame_source *frames,
                                                 struct paging_unmapped *unmapped)
{
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    if (page.number % paging_level_pages(walk.level) != 0)
        return PAGING_INSIDE_HUGE;

    remove_leaf(space, &walk, page, frames);
    return finish(walk.entries[walk.level], walk.level, frames, unmapped);
}

/* On the fast path: a page in a P1 in which others are used, so that no table goes. */
PAGING_ALWAYS_INLINE enum paging_status unmap_fast(unsigned levels, bool window, struct paging_space *space,
                                                   paging_page_t page, struct paging_frame_source *frames,
                                                   struct paging_unmapped *unmapped)
{
    struct fast_walk_result way;
    if (!fast_walk(space, levels, window, page, &way) || !fast_is_page(space, &way) ||
        !count_steps_down(&way.parent))
        return unmap_slow(space, page, frames, unmapped);
    paging_entry_store(way.slot, (paging_entry_t){0});
    paging_entry_store(way.parent_slot, way.parent);
    UNLESS_MUTANT(NO_PAGE_FLUSH)
    if (window) {
        paging_tlb_flush_page(paging_page_start(levels, page));
        space->flushes++;
    }
    if ((way.entry.bits & PAGING_OWNED) != 0)
        return finish(way.entry, PAGING_4K, frames, unmapped);
    tell(unmapped, way.entry, PAGING_4K, false);
    return PAGING_OK;
}

TAKE_EXPRESS(unmap,
             (struct paging_space * space, paging_page_t page, struct paging_frame_source *frames,
              struct paging_unmapped *unmapped),
             (space, page, frames, unmapped))

enum paging_status paging_clear_marker(struct paging_space *space, paging_page_t page,
                                       struct paging_frame_source *frames, uint64_t *payload)
{
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK)
        return PAGING_ALREADY_MAPPED;
    if (status != PAGING_MARKED)
        return status;
    if (page.number % paging_level_pages(walk.level) != 0)
        return PAGING_MISALIGNED;
    *payload = paging_marker_value(walk.entries[walk.level]);
    remove_leaf(space, &walk, page, frames);
    return PAGING_OK;
}
