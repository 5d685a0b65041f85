/* mapper.c - map and unmap: look at everything, take every frame, then write. */
#include "mapper.h"
#include "checks.h"
#include "flush.h"

static enum paging_status check_size(const struct address_space *space, unsigned size)
{
    if (size < PAGE_4K || size > PAGE_1G || size >= space->cpu.levels)
        return PAGING_NOT_SUPPORTED;
    return size == PAGE_1G && !space->cpu.has_1g_pages ? PAGING_NOT_SUPPORTED : PAGING_OK;
}

static enum paging_status check_frame(const struct address_space *space, frame_t frame, unsigned size)
{
    if (frame.number % level_pages(size) != 0)
        return PAGING_MISALIGNED;
    uint64_t limit = frame_limit(space);
    return frame.number >= limit || limit - frame.number < level_pages(size) ? PAGING_FRAME_TOO_HIGH
                                                                             : PAGING_OK;
}

/* What stands in the way of a leaf of this size? Nothing if the walk ended at an unused entry. */
static enum paging_status check_place(const struct address_space *space, const struct walk *walk,
                                      unsigned size)
{
    entry_t entry = walk->entries[walk->level];
    if (entry_is_unused(entry))
        return PAGING_OK;
    if (!entry_is_present(entry))
        return PAGING_RESERVED;
    if (entry_is_malformed(space, entry, walk->level))
        return PAGING_MALFORMED;
    return walk->level == size ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE;
}

/* Everything about a new leaf but its frame. On PAGING_OK the walk ends at the unused entry to fill. */
static enum paging_status look(const struct address_space *space, page_t page, unsigned size, uint64_t flags,
                               struct walk *walk)
{
    enum paging_status status = check_size(space, size);
    if (status == PAGING_OK && page.number % level_pages(size) != 0)
        status = PAGING_MISALIGNED;
    if (status == PAGING_OK)
        status = check_flags(space, flags, in_upper_half(space, page));
    if (status == PAGING_OK && page_is_kept(space, page))
        status = PAGING_RESERVED_SLOT;
    if (status != PAGING_OK)
        return status;
    walk_to(space, page, size, walk);
    return check_place(space, walk, size);
}

/* The table that holds the walk's entry of this level has more used entries, or fewer; its parent says so. */
static void change_count(const struct address_space *space, const struct walk *walk, unsigned level,
                         int change)
{
    if (level < space->cpu.levels) /* the root has no parent, and is never freed */
        add_to_count(walk->slots[level + 1], change);
}

/*
 * Put the leaf where the walk ended. Missing tables are built from the bottom up, out of sight; the last
 * store links the topmost, and with it the leaf.
 */
static enum paging_status install(struct address_space *space, const struct walk *walk, page_t page,
                                  unsigned size, entry_t leaf, struct frame_source *frames)
{
    struct new_tables tables;
    enum paging_status status = new_tables_take(space, frames, walk->level - size, &tables);
    if (status != PAGING_OK)
        return status;

    IF_MUTANT(LINK_BEFORE_FILL)
    if (tables.count > 0)
        entry_store(walk->slots[walk->level], entry_to_table(tables.frames[tables.count - 1], 1));

    entry_t below = leaf;
    for (unsigned i = 0; i < tables.count; i++) {
        new_table_fill(space, tables.frames[i], page_index(page, size + i), below);
        below = entry_to_table(tables.frames[i], 1);
    }
    if (tables.count > 0)
        new_table_done(space);
    entry_store(walk->slots[walk->level], below);
    change_count(space, walk, walk->level, +1);
    space->tables += tables.count;
    return PAGING_OK;
}

enum paging_status paging_map_sized(struct address_space *space, page_t page, frame_t frame,
                                    enum page_size size, uint64_t flags, struct frame_source *frames)
{
    struct walk walk;
    enum paging_status status = look(space, page, size, flags, &walk);
    if (status == PAGING_OK)
        status = check_frame(space, frame, size);
    if (status != PAGING_OK)
        return status;
    return install(space, &walk, page, size, entry_leaf(size, frame, flags), frames);
}

enum paging_status paging_map_to(struct address_space *space, page_t page, frame_t frame, uint64_t flags,
                                 struct frame_source *frames)
{
    return paging_map_sized(space, page, frame, PAGE_4K, flags, frames);
}

enum paging_status paging_map(struct address_space *space, page_t page, uint64_t flags,
                              struct frame_source *frames)
{
    struct walk walk;
    enum paging_status status = look(space, page, PAGE_4K, flags, &walk);
    if (status != PAGING_OK)
        return status;
    frame_t frame;
    if (!frames->allocate(frames, PAGE_4K, &frame))
        return PAGING_NO_FRAMES;
    status = check_frame(space, frame, PAGE_4K);
    if (status == PAGING_OK)
        status =
            install(space, &walk, page, PAGE_4K, entry_leaf(PAGE_4K, frame, flags | ENTRY_OWNED), frames);
    if (status != PAGING_OK)
        frames->release(frames, PAGE_4K, frame);
    return status;
}

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

/* The level of the entry to clear: the leaf's, or as far up as its tables hold nothing else. */
static unsigned highest_emptied(const struct address_space *space, const struct walk *walk)
{
    unsigned top = walk->level;
    UNLESS_MUTANT(NEVER_RECLAIM)
    while (top < space->cpu.levels && entry_count(walk->entries[top + 1]) == 1)
        top++;
    return top;
}

/* Give back the tables between the leaf and the entry at level top. */
static void drop_tables(struct address_space *space, const struct walk *walk, unsigned top,
                        struct frame_source *frames)
{
    for (unsigned level = walk->level; level < top; level++)
        frames->release(frames, PAGE_4K, entry_frame(walk->entries[level + 1]));
    space->tables -= top - walk->level;
}

/* Clear, flush, then free. The one store at the highest level that empties unlinks everything below it. */
static void remove_leaf(struct address_space *space, const struct walk *walk, page_t page,
                        struct frame_source *frames)
{
    unsigned top = highest_emptied(space, walk);
    entry_store(walk->slots[top], (entry_t){0});
    change_count(space, walk, top, -1);
    struct flush_batch batch;
    flush_begin(&batch);
    if (entry_is_present(walk->entries[walk->level]))
        flush_leaf_later(space, &batch, walk->level, page);
    for (unsigned level = walk->level; level < top; level++)
        flush_table_later(space, &batch, level, page);
    flush_now(space, &batch);
    drop_tables(space, walk, top, frames);
}

enum paging_status paging_unmap(struct address_space *space, page_t page, struct frame_source *frames,
                                struct paging_unmapped *unmapped)
{
    if (page_is_kept(space, page))
        return PAGING_RESERVED_SLOT;
    struct walk walk;
    walk_to(space, page, PAGE_4K, &walk);
    enum paging_status status = leaf_status(space, &walk);
    if (status != PAGING_OK)
        return status;
    if (page.number % level_pages(walk.level) != 0)
        return PAGING_INSIDE_HUGE;

    remove_leaf(space, &walk, page, frames);

    entry_t leaf = walk.entries[walk.level];
    *unmapped = (struct paging_unmapped){
        .frame = leaf_frame(leaf, walk.level),
        .size = (enum page_size)walk.level,
        .flags = entry_flags(leaf) & LEAF_FLAGS,
        .released = (leaf.bits & ENTRY_OWNED) != 0,
    };
    if (unmapped->released)
        frames->release(frames, unmapped->size, unmapped->frame);
    return PAGING_OK;
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
    return install(space, &walk, page, PAGE_4K, (entry_t){payload << 1}, frames);
}

enum paging_status paging_unreserve(struct address_space *space, page_t page, struct frame_source *frames,
                                    uint64_t *payload)
{
    if (page_is_kept(space, page))
        return PAGING_RESERVED_SLOT;
    struct walk walk;
    walk_to(space, page, PAGE_4K, &walk);
    enum paging_status status = leaf_status(space, &walk);
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
