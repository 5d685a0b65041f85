/*
 * unmap_range.c - remove a range: clear, flush once, then free.
 *
 * What has to be freed is not remembered anywhere else: an entry whose table or owned frame goes loses
 * PRESENT only, which ends its translation, and keeps the frame. After the flush a second pass over the same
 * entries frees what they name, and makes them unused.
 */
#include "range_walk.h"
#include "unlinked.h"

/*
 * Does the table that this entry of a table of this level points to hold nothing but what lies in the range?
 * Then all of it can go.
 */
static bool holds_nothing_else(const struct address_space *space, unsigned level, entry_t entry,
                               struct range range)
{
    unsigned below = level - 1, inside = 0, parts = parts_of(below, range);
    if (entry_is_pinned(space, level, entry) || parts < entry_count(entry))
        return false;
    volatile entry_t *slot = entry_slot(space, below, (page_t){range.at}, entry_frame(entry));
    for (unsigned i = 0; i < parts; i++) {
        entry_t child = entry_load(slot + i);
        inside += !entry_is_unused(child);
        if (below == PAGE_4K || !entry_is_table(child, below))
            continue;
        struct range part = part_of(below, range, i);
        if (!covers_entry(below, part.at, part.end) && !holds_nothing_else(space, below, child, part))
            return false;
    }
    return inside == entry_count(entry);
}

/* All that is cached because of the entry of this level: its leaf, or every leaf and table below it. */
static void flush_entry_later(const struct address_space *space, unsigned level, entry_t entry, uint64_t at,
                              struct flush_batch *batch)
{
    uint64_t start = at - at % level_pages(level);
    if (!entry_is_present(entry) || !flush_wants_more(space, batch))
        return;
    if (!entry_is_table(entry, level)) {
        flush_leaf_later(space, batch, level, (page_t){start});
        return;
    }
    flush_table_later(space, batch, level - 1, (page_t){start});
    volatile entry_t *slot = entry_slot(space, level - 1, (page_t){start}, entry_frame(entry));
    for (unsigned i = 0; i < ENTRY_COUNT && flush_wants_more(space, batch); i++) {
        entry_t child = entry_load(slot + i);
        if (entry_is_present(child))
            flush_entry_later(space, level - 1, child, start + i * level_pages(level - 1), batch);
    }
}

/* End what the entry translates. What it names and has to be freed stays named. */
static void detach(volatile entry_t *slot, unsigned level, entry_t entry)
{
    bool frees = entry_is_present(entry) && (entry_is_table(entry, level) || (entry.bits & ENTRY_OWNED));
    entry_store(slot, (entry_t){frees ? entry.bits & ~ENTRY_PRESENT : 0});
}

/* Clear the range in a P1, where all pages of the range lie side by side. */
static unsigned clear_small(const struct address_space *space, volatile entry_t *slot, struct range range,
                            struct flush_batch *batch)
{
    unsigned gone = 0;
    for (; range.at < range.end; range.at++, slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            continue;
        if (entry_is_present(entry) && flush_wants_more(space, batch))
            flush_leaf_later(space, batch, PAGE_4K, (page_t){range.at});
        detach(slot, PAGE_4K, entry);
        gone++;
    }
    return gone;
}

/* Clear the range in one table. Answers how many of its entries are used no more. */
static unsigned clear(const struct address_space *space, unsigned level, frame_t table, struct range range,
                      struct flush_batch *batch)
{
    unsigned gone = 0, parts = parts_of(level, range);
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    if (level == PAGE_4K)
        return clear_small(space, slot, range, batch);
    for (unsigned i = 0; i < parts; i++, slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            continue;
        struct range part = part_of(level, range, i);
        bool whole = covers_entry(level, part.at, part.end) && !entry_is_pinned(space, level, entry);
        if (whole || holds_nothing_else(space, level, entry, part)) { /* leaves at the ends were cut */
            flush_entry_later(space, level, entry, part.at, batch);
            detach(slot, level, entry);
            gone++;
            continue;
        }
        unsigned below = clear(space, level - 1, entry_frame(entry), part, batch);
        if (below > 0)
            add_to_count(space, level, slot, -(int)below, 0);
    }
    return gone;
}

/* The second pass: in the range, entries that are not present name what has to be freed. */
static void sweep(struct address_space *space, unsigned level, frame_t table, struct range range,
                  struct frame_source *frames)
{
    unsigned parts = parts_of(level, range);
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++, slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            continue;
        struct range part = part_of(level, range, i);
        if (!entry_is_present(entry)) {
            add_to_tables(space, (page_t){part.at}, -(int64_t)free_named(space, level, entry, frames));
            entry_store(slot, (entry_t){0});
        } else if (level > PAGE_2M || (entry.bits & ENTRY_OWNED_BELOW) != 0) {
            sweep(space, level - 1, entry_frame(entry), part, frames);
        }
    }
}

enum paging_status paging_unmap_range(struct address_space *space, virt_addr_t start, uint64_t bytes,
                                      struct frame_source *frames)
{
    struct range range;
    struct cuts cuts;
    enum paging_status status = range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = cuts_find(space, range, NULL, frames, &cuts);
    if (status != PAGING_OK)
        return status;

    cuts_make(space, range, &cuts, frames);
    struct flush_batch batch;
    flush_begin(&batch);
    (void)clear(space, space->cpu.levels, space->root, range, &batch);
    IF_MUTANT(FREE_BEFORE_FLUSH)
    sweep(space, space->cpu.levels, space->root, range, frames);
    flush_now(space, &batch);
    sweep(space, space->cpu.levels, space->root, range, frames);
    return PAGING_OK;
}
