/* unmap.c - take one entry away, with the tables that become empty: clear, flush, then free. */
#include "checks.h"
#include "count.h"
#include "express.h"
#include "flush.h"
#include "mapper.h"

/* The level of the entry to clear: the leaf's, or as far up as its tables hold nothing else. */
static unsigned highest_emptied(const struct address_space *space, const struct walk *walk)
{
    unsigned top = walk->level;
    UNLESS_MUTANT(NEVER_RECLAIM)
    while (top < space->cpu.levels && entry_count(walk->entries[top + 1]) == 1 &&
           !entry_is_pinned(space, top + 1, walk->entries[top + 1]))
        top++;
    return top;
}

/* Give back the tables between the leaf and the entry at level top. */
static void drop_tables(struct address_space *space, const struct walk *walk, unsigned top, page_t page,
                        struct frame_source *frames)
{
    for (unsigned level = walk->level; level < top; level++)
        frames->release(frames, PAGE_4K, entry_frame(walk->entries[level + 1]));
    add_to_tables(space, page, -(int64_t)(top - walk->level));
}

/* The one store at the highest level that empties unlinks everything below it. */
static void remove_leaf(struct address_space *space, const struct walk *walk, page_t page,
                        struct frame_source *frames)
{
    unsigned top = highest_emptied(space, walk);
    IF_MUTANT(UNLINKS_LAST)
    drop_tables(space, walk, top, page, frames);
    entry_store(walk->slots[top], (entry_t){0});
    if (top < space->cpu.levels) /* the root has no parent, and is never freed */
        add_to_count(space, top + 1, walk->slots[top + 1], -1, 0);
    struct flush_batch batch;
    flush_begin(&batch);
    if (entry_is_present(walk->entries[walk->level]))
        flush_leaf_later(space, &batch, walk->level, page);
    for (unsigned level = walk->level; level < top; level++)
        flush_table_later(space, &batch, level, page);
    flush_now(space, &batch);
    UNLESS_MUTANT(UNLINKS_LAST)
    drop_tables(space, walk, top, page, frames);
}

ALWAYS_INLINE void tell(struct paging_unmapped *unmapped, entry_t leaf, unsigned level, bool released)
{
    *unmapped = (struct paging_unmapped){
        .frame = leaf_frame(leaf, level),
        .size = (enum page_size)level,
        .flags = entry_flags(leaf) & LEAF_FLAGS,
        .released = released,
    };
}

/* The entry is gone, and forgotten. */
static enum paging_status finish(entry_t leaf, unsigned level, struct frame_source *frames,
                                 struct paging_unmapped *unmapped)
{
    tell(unmapped, leaf, level, (leaf.bits & ENTRY_OWNED) != 0);
    if (unmapped->released)
        frames->release(frames, unmapped->size, unmapped->frame);
    return PAGING_OK;
}

OUT_OF_LINE enum paging_status unmap_long(struct address_space *space, page_t page,
                                          struct frame_source *frames, struct paging_unmapped *unmapped)
{
    struct walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    if (page.number % level_pages(walk.level) != 0)
        return PAGING_INSIDE_HUGE;

    remove_leaf(space, &walk, page, frames);
    return finish(walk.entries[walk.level], walk.level, frames, unmapped);
}

/* On the express way: a page in a P1 in which others are used, so that no table goes. */
ALWAYS_INLINE enum paging_status unmap_express(unsigned levels, bool window, struct address_space *space,
                                               page_t page, struct frame_source *frames,
                                               struct paging_unmapped *unmapped)
{
    struct express way;
    if (!express_walk(space, levels, window, page, &way) || !express_is_page(space, &way) ||
        !count_steps_down(&way.parent))
        return unmap_long(space, page, frames, unmapped);
    entry_store(way.slot, (entry_t){0});
    entry_store(way.parent_slot, way.parent);
    UNLESS_MUTANT(NO_PAGE_FLUSH)
    if (window) {
        tlb_flush_page(page_start(levels, page));
        space->flushes++;
    }
    if ((way.entry.bits & ENTRY_OWNED) != 0)
        return finish(way.entry, PAGE_4K, frames, unmapped);
    tell(unmapped, way.entry, PAGE_4K, false);
    return PAGING_OK;
}

TAKE_EXPRESS(unmap,
             (struct address_space * space, page_t page, struct frame_source *frames,
              struct paging_unmapped *unmapped),
             (space, page, frames, unmapped))

enum paging_status paging_unreserve(struct address_space *space, page_t page, struct frame_source *frames,
                                    uint64_t *payload)
{
    struct walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK)
        return PAGING_ALREADY_MAPPED;
    if (status != PAGING_RESERVED)
        return status;
    if (page.number % level_pages(walk.level) != 0)
        return PAGING_MISALIGNED;
    *payload = entry_payload(walk.entries[walk.level]);
    remove_leaf(space, &walk, page, frames);
    return PAGING_OK;
}
