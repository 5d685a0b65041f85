/*
 * unmap_range.c - remove a range: clear, flush once, then free.
 *
 * What has to be freed is not remembered anywhere else: an entry whose table or owned frame goes loses
 * PRESENT only, which ends its translation, and keeps the frame. After the flush a second pass over the same
 * entries frees what they name, and makes them unused.
 */
#include "range_parts.h"
#include "table_pages.h"

/*
 * Does the table that this entry of a table of this level points to hold nothing but what lies in the range?
 * Then all of it can go.
 */
static bool holds_nothing_else(const struct paging_space *space, unsigned level, paging_entry_t entry,
                               struct range range)
{
    unsigned below = level - 1, inside = 0, parts = parts_of(below, range);
    if (entry_is_shared(space, level, entry) || parts < entry_count(entry))
        return false;
    volatile paging_entry_t *slot =
        entry_slot(space, below, (paging_page_t){range.at}, paging_entry_frame(entry));
    for (unsigned i = 0; i < parts; i++) {
        paging_entry_t child = paging_entry_load(slot + i);
        inside += !paging_entry_is_unused(child);
        if (below == PAGING_4K || !paging_entry_is_table(child, below))
            continue;
        struct range part = part_of(below, range, i);
        if (!covers_whole_entry(below, part.at, part.end) && !holds_nothing_else(space, below, child, part))
            return false;
    }
    return inside == entry_count(entry);
}

/* All that is cached because of the entry of this level: its leaf, or every leaf and table below it. */
static void flush_entry_later(const struct paging_space *space, unsigned level, paging_entry_t entry,
                              uint64_t at, struct flush_batch *batch)
{
    uint64_t start = at - at % paging_level_pages(level);
    if (!paging_entry_is_present(entry) || !flush_wants_more(space, batch))
        return;
    if (!paging_entry_is_table(entry, level)) {
        flush_leaf_later(space, batch, level, (paging_page_t){start});
        return;
    }
    flush_table_later(space, batch, level - 1, (paging_page_t){start});
    volatile paging_entry_t *slot =
        entry_slot(space, level - 1, (paging_page_t){start}, paging_entry_frame(entry));
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES && flush_wants_more(space, batch); i++) {
        paging_entry_t child = paging_entry_load(slot + i);
        if (paging_entry_is_present(child))
            flush_entry_later(space, level - 1, child, start + i * paging_level_pages(level - 1), batch);
    }
}

/* End what the entry translates. What it names and has to be freed stays named. */
static void detach(volatile paging_entry_t *slot, unsigned level, paging_entry_t entry)
{
    bool frees = paging_entry_is_present(entry) &&
                 (paging_entry_is_table(entry, level) || (entry.bits & PAGING_OWNED));
    paging_entry_store(slot, (paging_entry_t){frees ? entry.bits & ~PAGING_PRESENT : 0});
}

/* Clear the range in a P1, where all pages of the range lie side by side. */
static unsigned clear_small(const struct paging_space *space, volatile paging_entry_t *slot,
                            struct range range, struct flush_batch *batch)
{
    unsigned gone = 0;
    for (; range.at < range.end; range.at++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (paging_entry_is_unused(entry))
            continue;
        if (paging_entry_is_present(entry) && flush_wants_more(space, batch))
            flush_leaf_later(space, batch, PAGING_4K, (paging_page_t){range.at});
        detach(slot, PAGING_4K, entry);
        gone++;
    }
    return gone;
}

/* Clear the range in one table. Answers how many of its entries are used no more. */
static unsigned clear(const struct paging_space *space, unsigned level, paging_frame_t table,
                      struct range range, struct flush_batch *batch)
{
    unsigned gone = 0, parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    if (level == PAGING_4K)
        return clear_small(space, slot, range, batch);
    for (unsigned i = 0; i < parts; i++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (paging_entry_is_unused(entry))
            continue;
        struct range part = part_of(level, range, i);
        bool whole = covers_whole_entry(level, part.at, part.end) && !entry_is_shared(space, level, entry);
        if (whole || holds_nothing_else(space, level, entry, part)) { /* leaves at the ends were cut */
            flush_entry_later(space, level, entry, part.at, batch);
            detach(slot, level, entry);
            gone++;
            continue;
        }
        unsigned below = clear(space, level - 1, paging_entry_frame(entry), part, batch);
        if (below > 0)
            change_entry_count(space, level, slot, -(int)below, 0);
    }
    return gone;
}

/* The second pass: in the range, entries that are not present name what has to be freed. */
static void sweep(struct paging_space *space, unsigned level, paging_frame_t table, struct range range,
                  struct paging_frame_source *frames)
{
    unsigned parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (paging_entry_is_unused(entry))
            continue;
        struct range part = part_of(level, range, i);
        if (!paging_entry_is_present(entry)) {
            change_table_count(space, (paging_page_t){part.at},
                               -(int64_t)paging_free_subtree(space, level, entry, frames));
            paging_entry_store(slot, (paging_entry_t){0});
        } else if (level > PAGING_2M || (entry.bits & PAGING_OWNED_BELOW) != 0) {
            sweep(space, level - 1, paging_entry_frame(entry), part, frames);
        }
    }
}

enum paging_status paging_unmap_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct paging_frame_source *frames)
{
    struct range range;
    struct boundary_splits cuts;
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = paging_find_splits(space, range, NULL, frames, &cuts);
    if (status != PAGING_OK)
        return status;

    paging_make_splits(space, range, &cuts, frames);
    struct flush_batch batch;
    flush_begin(&batch);
    (void)clear(space, space->cpu.levels, space->root, range, &batch);
    IF_MUTANT(FREE_BEFORE_FLUSH)
    sweep(space, space->cpu.levels, space->root, range, frames);
    paging_flush_now(space, &batch);
    sweep(space, space->cpu.levels, space->root, range, frames);
    return PAGING_OK;
}
