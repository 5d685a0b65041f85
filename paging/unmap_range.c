/*
 * unmap_range.c - remove a range: clear, flush once, then free.
 *
 * What has to be freed is not remembered anywhere else: an entry whose table or owned frame goes loses
 * PRESENT only, which ends its translation, and keeps the frame. After the flush a second pass over the same
 * entries frees what they name, and makes them unused.
 */
#include "range_walk.h"

/* Does a table of this level hold nothing but what lies in the range? Then all of it can go. */
static bool holds_nothing_else(const struct address_space *space, unsigned level, frame_t table,
                               struct range range)
{
    uint64_t span = level_pages(level), first = range.at - range.at % (span * ENTRY_COUNT);
    volatile entry_t *slot = entry_slot(space, level, (page_t){first}, table);
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        uint64_t at = first + i * span, end = at + span;
        entry_t entry = entry_load(slot + i);
        if (entry_is_unused(entry) || (at >= range.at && end <= range.end))
            continue;
        bool in_part = end > range.at && at < range.end && entry_is_table(entry, level);
        struct range part = {at > range.at ? at : range.at, end < range.end ? end : range.end};
        if (!in_part || !holds_nothing_else(space, level - 1, entry_frame(entry), part))
            return false;
    }
    return true;
}

/* All that is cached because of the entry of this level: its leaf, or every leaf and table below it. */
static void flush_entry_later(const struct address_space *space, unsigned level, entry_t entry, uint64_t at,
                              struct flush_batch *batch)
{
    uint64_t start = at - at % level_pages(level);
    if (space->reach == PAGING_BY_OFFSET || !entry_is_present(entry) || flush_is_full(batch))
        return;
    if (!entry_is_table(entry, level)) {
        flush_leaf_later(space, batch, level, (page_t){start});
        return;
    }
    flush_table_later(space, batch, level - 1, (page_t){start});
    volatile entry_t *slot = entry_slot(space, level - 1, (page_t){start}, entry_frame(entry));
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        flush_entry_later(space, level - 1, entry_load(slot + i), start + i * level_pages(level - 1), batch);
}

/* End what the entry translates. What it names and has to be freed stays named. */
static void detach(volatile entry_t *slot, unsigned level, entry_t entry)
{
    bool frees = entry_is_present(entry) && (entry_is_table(entry, level) || (entry.bits & ENTRY_OWNED));
    entry_store(slot, (entry_t){frees ? entry.bits & ~ENTRY_PRESENT : 0});
}

/* Clear the range in one table. Answers how many of its entries are used no more. */
static unsigned clear(const struct address_space *space, unsigned level, frame_t table, struct range range,
                      struct flush_batch *batch)
{
    unsigned gone = 0;
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    struct range part;
    for (; next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            continue;
        if (covers_entry(level, part.at, part.end) || !entry_is_table(entry, level) ||
            holds_nothing_else(space, level - 1, entry_frame(entry), part)) {
            flush_entry_later(space, level, entry, part.at, batch);
            detach(slot, level, entry);
            gone++;
            continue;
        }
        unsigned below = clear(space, level - 1, entry_frame(entry), part, batch);
        if (below > 0)
            add_to_count(slot, -(int)below);
    }
    return gone;
}

/* The second pass: in the range, entries that are not present name what has to be freed. */
static void sweep(struct address_space *space, unsigned level, frame_t table, struct range range,
                  struct frame_source *frames)
{
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    struct range part;
    for (; next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            continue;
        if (entry_is_present(entry)) {
            sweep(space, level - 1, entry_frame(entry), part, frames);
            continue;
        }
        free_named(space, level, entry, frames);
        entry_store(slot, (entry_t){0});
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
