/* merge.c - 512 small pages that equal one large one become it. */
#include "range_walk.h"
#include "unlinked.h"

#define MAY_DIFFER (ENTRY_ACCESSED | ENTRY_DIRTY)

/* Accessed and dirty bits of all entries together. */
static uint64_t marks_in(const volatile entry_t *entries)
{
    uint64_t marks = 0;
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        marks |= entry_load(&entries[i]).bits & MAY_DIFFER;
    return marks;
}

/*
 * The one leaf for a table of this level whose leaves it replaces, or an unused entry if there is none. Its
 * accessed and dirty bits are those of all of them together.
 */
static entry_t merged(const volatile entry_t *entries, unsigned level)
{
    entry_t first = entry_load(&entries[0]), none = {0};
    uint64_t start = leaf_frame(first, level).number;
    if (!entry_is_present(first) || entry_is_table(first, level) || start % level_pages(level + 1) != 0)
        return none;
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entry_t entry = entry_load(&entries[i]);
        entry_t expected = entry_make((frame_t){start + i * level_pages(level)}, entry_flags(first));
        if (((entry.bits ^ expected.bits) & ~MAY_DIFFER) != 0)
            return none;
    }
    return entry_leaf(level + 1, (frame_t){start},
                      entry_flags(first) | MUTANT_DROPS(MARKS_COME_LATER, marks_in(entries)));
}

/* Store the leaf in the table's place, forget every way through the table, and only then give it back. */
static void replace(struct address_space *space, volatile entry_t *slot, unsigned level, entry_t leaf,
                    uint64_t at, struct frame_source *frames)
{
    frame_t table = entry_frame(entry_load(slot));
    struct flush_batch batch;
    flush_begin(&batch);
    entry_store(slot, leaf);
    flush_table_later(space, &batch, level, (page_t){at});
    for (unsigned i = 0; i < ENTRY_COUNT && !flush_is_full(&batch); i++)
        flush_leaf_later(space, &batch, level, (page_t){at + i * level_pages(level)});
    UNLESS_MUTANT(MERGE_NO_FLUSH)
    flush_now(space, &batch);

    /* Until the flush the processor may have marked pages in the table that has gone. */
    uint64_t marks = marks_in(unlinked_open(space, table));
    if ((marks & ~leaf.bits) != 0)
        entry_store(slot, (entry_t){entry_load(slot).bits | marks});
    unlinked_done(space);
    frames->release(frames, PAGE_4K, table);
    add_to_tables(space, (page_t){at}, -1);
    if ((leaf.bits & ENTRY_OWNED) != 0)
        frames->join(frames, (enum page_size)(level + 1), entry_frame(leaf));
}

static bool can_be_leaf(const struct address_space *space, unsigned level)
{
    return level < space->cpu.levels && (level == PAGE_2M || (level == PAGE_1G && space->cpu.has_1g_pages));
}

/* From the bottom up, so that what was merged can be merged again. */
static void merge(struct address_space *space, unsigned level, frame_t table, struct range range,
                  struct frame_source *frames)
{
    unsigned parts = parts_of(level, range);
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++, slot++) {
        entry_t entry = entry_load(slot);
        if (!entry_is_table(entry, level))
            continue;
        struct range part = part_of(level, range, i);
        if (level > PAGE_2M)
            merge(space, level - 1, entry_frame(entry), part, frames);
        if (!can_be_leaf(space, level) || !covers_entry(level, part.at, part.end) ||
            entry_count(entry) < ENTRY_COUNT)
            continue;
        entry_t leaf = merged(entry_slot(space, level - 1, (page_t){part.at}, entry_frame(entry)), level - 1);
        if (!entry_is_unused(leaf))
            replace(space, slot, level - 1, leaf, part.at, frames);
    }
}

enum paging_status paging_merge_range(struct address_space *space, virt_addr_t start, uint64_t bytes,
                                      struct frame_source *frames)
{
    struct range range;
    enum paging_status status = range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = check_tables(space, space->cpu.levels, space->root, range);
    if (status == PAGING_OK)
        merge(space, space->cpu.levels, space->root, range, frames);
    return status;
}
