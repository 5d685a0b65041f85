/* SPDX-License-Identifier: MIT */
/* merge_range.c - 512 pages of one size that equal one of the next size become it. */
#include "cursor.h"
#include "flush.h"
#include "leaf.h"
#include "split.h"
#include "table_pages.h"
#include <selfmap/range.h>

/* Returns the accessed and dirty bits of all entries of a table together. */
static uint64_t accessed_dirty_in(const volatile paging_entry_t *entries)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        bits |= paging_entry_load(&entries[i]).bits & PAGING_ACCESSED_DIRTY;
    return bits;
}

/*
 * Returns the leaf that can take the place of a table of this level, or an unused entry if none can. It is
 * accessed or dirty if any of the leaves in the table is.
 */
static paging_entry_t merged_leaf(const volatile paging_entry_t *entries, unsigned level)
{
    paging_entry_t first = paging_entry_load(&entries[0]), none = {0};
    uint64_t start = paging_leaf_frame(first, level).number, flags = paging_leaf_flags(first, level);
    if (!paging_entry_is_present(first) || paging_entry_is_table(first, level) ||
        (first.bits & PAGING_SHARED_FRAME) != 0 || start % paging_level_pages(level + 1) != 0)
        return none;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        paging_entry_t entry = paging_entry_load(&entries[i]);
        paging_frame_t frame = {start + i * paging_level_pages(level)};
        paging_entry_t expected = paging_entry_leaf(level, frame, flags);
        if (((entry.bits ^ expected.bits) & ~PAGING_ACCESSED_DIRTY) != 0)
            return none;
    }
    return paging_entry_leaf(level + 1, (paging_frame_t){start}, flags | accessed_dirty_in(entries));
}

enum { MERGE_LIMIT = 32 };

/* Tables, all named by entries of one table, that leaves have replaced and that may still be cached. */
struct replaced {
    unsigned count, level;         /* level of the leaves in them */
    volatile paging_entry_t *base; /* the entry that index 0 stands for */
    uint64_t page;                 /* the page that this entry maps first */
    uint16_t index[MERGE_LIMIT];
    paging_frame_t table[MERGE_LIMIT];
    struct paging_flush_list list;
};

/* Adds to a leaf the accessed and dirty bits that the processor set in its table until the flush. */
static void add_late_bits(struct paging_space *space, const struct replaced *r, unsigned i)
{
    add_accessed_dirty(r->base + r->index[i], accessed_dirty_in(paging_temp_map(space, r->table[i])));
}

static void free_replaced(struct paging_space *space, const struct replaced *r, unsigned i,
                          struct paging_frame_source *frames)
{
    paging_entry_t leaf = paging_entry_load(r->base + r->index[i]);
    give_table(space, frames, r->table[i]);
    change_table_count(space, (paging_page_t){r->page}, -1);
    if ((leaf.bits & PAGING_OWNED) != 0)
        frames->join(frames, space, (enum paging_size)(r->level + 1), paging_leaf_frame(leaf, r->level + 1));
}

/* Flushes once for all replaced tables, and gives them back. */
static void finish_replaced(struct paging_space *space, struct replaced *r,
                            struct paging_frame_source *frames)
{
    if (r->count == 0)
        return;
    paging_carry_out(space, &r->list);
    for (unsigned i = 0; i < r->count; i++)
        add_late_bits(space, r, i);
    paging_temp_unmap(space);
    for (unsigned i = 0; i < r->count; i++)
        free_replaced(space, r, i, frames);
    r->count = 0;
}

/* Stores the leaf in the place of the table that the entry at the cursor points to. */
static void replace_table(struct paging_space *space, const struct cursor *c, paging_entry_t leaf,
                          struct replaced *r, struct paging_frame_source *frames)
{
    paging_page_t page = {cursor_part(c).at};
    unsigned level = c->level - 1, index = paging_page_index(page, c->level);
    if (r->count == MERGE_LIMIT)
        finish_replaced(space, r, frames);
    r->level = level;
    r->base = c->slot - index;
    r->page = page.number;
    r->index[r->count] = (uint16_t)index;
    r->table[r->count++] = paging_entry_frame(c->entry);
    paging_entry_store(c->slot, leaf);
    flush_add_table(space, &r->list, level, page);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES && flush_wants_more(space, &r->list); i++)
        flush_add_leaf(space, &r->list, level, (paging_page_t){page.number + i * paging_level_pages(level)});
}

static bool can_be_leaf(const struct paging_space *space, unsigned level)
{
    return level < space->cpu.levels &&
           (level == PAGING_2M || (level == PAGING_1G && space->cpu.has_1g_pages));
}

/* Replaces the table that the entry at the cursor points to by a leaf, if one equals it. */
static void merge_table(struct paging_space *space, const struct cursor *c, struct replaced *r,
                        struct paging_frame_source *frames)
{
    struct page_range part = cursor_part(c);
    if (!can_be_leaf(space, c->level) || !covers_whole_entry(c->level, part) ||
        entry_count(c->entry) < PAGING_TABLE_ENTRIES)
        return;
    volatile paging_entry_t *entries =
        entry_slot(space, c->level - 1, (paging_page_t){part.at}, paging_entry_frame(c->entry));
    paging_entry_t leaf = merged_leaf(entries, c->level - 1);
    if (!paging_entry_is_unused(leaf))
        replace_table(space, c, leaf, r, frames);
}

/*
 * Merges from the bottom up, so that what was merged can be merged again. No leaf can be in the root, so what
 * was replaced is always finished when the cursor leaves a table.
 */
static void merge(struct paging_space *space, struct page_range range, struct paging_frame_source *frames)
{
    struct replaced r = {.count = 0};
    struct cursor c;
    flush_begin(&r.list);
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE) {
            finish_replaced(space, &r, frames); /* in the table left, which may be merged next */
            merge_table(space, &c, &r, frames);
            finish_replaced(space, &r, frames);
        } else if (paging_entry_is_table(c.entry, c.level)) {
            if (c.level > PAGING_2M)
                cursor_descend(&c);
            else
                merge_table(space, &c, &r, frames);
        }
    }
}

enum paging_status paging_merge_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct paging_frame_source *frames)
{
    struct page_range range;
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = paging_check_tables(space, range);
    if (status == PAGING_OK)
        merge(space, range, frames);
    return status;
}
