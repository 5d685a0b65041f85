/* merge_range.c - 512 small pages that equal one large one become it. */
#include "range_parts.h"
#include "table_pages.h"

#define MAY_DIFFER (PAGING_ACCESSED | PAGING_DIRTY)

/* Accessed and dirty bits of all entries together. */
static uint64_t accessed_dirty_in(const volatile paging_entry_t *entries)
{
    uint64_t marks = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        marks |= paging_entry_load(&entries[i]).bits & MAY_DIFFER;
    return marks;
}

/*
 * The one leaf for a table of this level whose leaves it replaces, or an unused entry if there is none. Its
 * accessed and dirty bits are those of all of them together.
 */
static paging_entry_t merged(const volatile paging_entry_t *entries, unsigned level)
{
    paging_entry_t first = paging_entry_load(&entries[0]), none = {0};
    uint64_t start = paging_leaf_frame(first, level).number;
    if (!paging_entry_is_present(first) || paging_entry_is_table(first, level) ||
        start % paging_level_pages(level + 1) != 0)
        return none;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        paging_entry_t entry = paging_entry_load(&entries[i]);
        paging_entry_t expected = paging_entry_make((paging_frame_t){start + i * paging_level_pages(level)},
                                                    paging_entry_flags(first));
        if (((entry.bits ^ expected.bits) & ~MAY_DIFFER) != 0)
            return none;
    }
    return paging_entry_leaf(level + 1, (paging_frame_t){start},
                             paging_entry_flags(first) |
                                 MUTANT_DROPS(MARKS_COME_LATER, accessed_dirty_in(entries)));
}

/* Store the leaf in the table's place, forget every way through the table, and only then give it back. */
static void replace(struct paging_space *space, volatile paging_entry_t *slot, unsigned level,
                    paging_entry_t leaf, uint64_t at, struct paging_frame_source *frames)
{
    paging_frame_t table = paging_entry_frame(paging_entry_load(slot));
    struct flush_batch batch;
    flush_begin(&batch);
    paging_entry_store(slot, leaf);
    flush_table_later(space, &batch, level, (paging_page_t){at});
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES && !flush_is_full(&batch); i++)
        flush_leaf_later(space, &batch, level, (paging_page_t){at + i * paging_level_pages(level)});
    UNLESS_MUTANT(MERGE_NO_FLUSH)
    paging_flush_now(space, &batch);

    /* Until the flush the processor may have marked pages in the table that has gone. */
    uint64_t marks = accessed_dirty_in(paging_temp_map(space, table));
    if ((marks & ~leaf.bits) != 0)
        paging_entry_store(slot, (paging_entry_t){paging_entry_load(slot).bits | marks});
    paging_temp_unmap(space);
    frames->release(frames, PAGING_4K, table);
    change_table_count(space, (paging_page_t){at}, -1);
    if ((leaf.bits & PAGING_OWNED) != 0)
        frames->join(frames, (enum paging_size)(level + 1), paging_entry_frame(leaf));
}

static bool can_be_leaf(const struct paging_space *space, unsigned level)
{
    return level < space->cpu.levels &&
           (level == PAGING_2M || (level == PAGING_1G && space->cpu.has_1g_pages));
}

/* From the bottom up, so that what was merged can be merged again. */
static void merge(struct paging_space *space, unsigned level, paging_frame_t table, struct range range,
                  struct paging_frame_source *frames)
{
    unsigned parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (!paging_entry_is_table(entry, level))
            continue;
        struct range part = part_of(level, range, i);
        if (level > PAGING_2M)
            merge(space, level - 1, paging_entry_frame(entry), part, frames);
        if (!can_be_leaf(space, level) || !covers_whole_entry(level, part.at, part.end) ||
            entry_count(entry) < PAGING_TABLE_ENTRIES)
            continue;
        paging_entry_t leaf = merged(
            entry_slot(space, level - 1, (paging_page_t){part.at}, paging_entry_frame(entry)), level - 1);
        if (!paging_entry_is_unused(leaf))
            replace(space, slot, level - 1, leaf, part.at, frames);
    }
}

enum paging_status paging_merge_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct paging_frame_source *frames)
{
    struct range range;
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = paging_check_tables(space, space->cpu.levels, space->root, range);
    if (status == PAGING_OK)
        merge(space, space->cpu.levels, space->root, range, frames);
    return status;
}
