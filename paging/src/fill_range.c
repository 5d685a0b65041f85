/* SPDX-License-Identifier: MIT */
/*
 * fill_range.c - the filling of a range that is mapped: leaves, and new tables that are filled before they
 * are linked.
 */
#include "cursor.h"
#include "flush.h"
#include "map_range.h"
#include "table_pages.h"

/*
 * Stores leaves of this level for the row, side by side in one table. Returns how many are left, because the
 * source has no more frames of this size.
 */
static uint64_t put_leaves(const struct mapping *mapping, unsigned level, volatile paging_entry_t *slot,
                           struct page_range row)
{
    uint64_t span = paging_level_pages(level), count = (row.end - row.at) / span;
    if (!paging_entry_is_unused(mapping->marker)) {
        for (; count > 0; count--, slot++)
            paging_entry_store(slot, mapping->marker);
        return 0;
    }
    if ((mapping->flags & PAGING_OWNED) == 0) {
        paging_frame_t first = {row.at + mapping->delta};
        fill_leaves(slot, count, paging_entry_leaf(level, first, mapping->flags), level);
        return 0;
    }
    const paging_entry_t leaf = paging_entry_leaf(level, (paging_frame_t){0}, mapping->flags);
    for (; count > 0; count--, slot++) {
        paging_frame_t frame;
        if (!mapping->frames->allocate(mapping->frames, mapping->space, PAGING_FRAME_FOR_PAGE,
                                       (enum paging_size)level, &frame))
            break;
        paging_entry_store(slot, (paging_entry_t){leaf.bits | paging_entry_make(frame, 0).bits});
    }
    return count;
}

/*
 * Links a table of this level. Its entries in the range are used, or will be; `whole`: these are all it has.
 */
PAGING_ALWAYS_INLINE paging_entry_t link_table(const struct mapping *mapping, unsigned level,
                                               volatile paging_entry_t *link, paging_frame_t table,
                                               struct page_range range, bool whole)
{
    paging_entry_t entry = whole ? entry_to_table(table, PAGING_TABLE_ENTRIES)
                                 : entry_to_table(table, entries_touched(level, range));
    entry.bits |= owned_below(level + 1, mapping->flags);
    paging_entry_store(link, entry);
    return entry;
}

/*
 * The source has broken its promise: gives back the frames of the leaves that are stored, and the table that
 * is not linked yet.
 */
PAGING_OUT_OF_LINE bool give_back(const struct mapping *mapping, unsigned level,
                                  volatile paging_entry_t *slot, uint64_t count, paging_frame_t table)
{
    for (; count > 0; count--)
        give_page(mapping->space, mapping->frames, level,
                  paging_leaf_frame(paging_entry_load(slot + count - 1), level));
    paging_temp_unmap(mapping->space);
    give_table(mapping->space, mapping->frames, table);
    return false;
}

/*
 * Makes the table below the cursor's entry, which holds leaves only, and links it when it is filled. If they
 * do not fill it, the rest is unused, or has the marker that the entry was. Returns false if a reserved frame
 * is not there.
 */
PAGING_OUT_OF_LINE bool make_leaf_table(const struct mapping *mapping, unsigned level,
                                        volatile paging_entry_t *link, struct page_range range, bool whole)
{
    paging_frame_t table;
    if (!take_table(mapping->space, mapping->frames, &table))
        return false;
    volatile paging_entry_t *first = paging_temp_map(mapping->space, table);
    paging_entry_t around = paging_entry_load(link);
    if (!whole) {
        fill_table(first, around);
        first += paging_page_index((paging_page_t){range.at}, level);
    }
    uint64_t left = put_leaves(mapping, level, first, range);
    if (left > 0)
        return give_back(mapping, level, first, entries_touched(level, range) - left, table);
    (void)link_table(mapping, level, link, table, range, whole || !paging_entry_is_unused(around));
    return true;
}

/*
 * Makes a table in which each entry is what the one at `link` is, unused or a marker, and links it, which
 * changes no translation; the cursor goes on in it. Returns the entry that points to it, or an unused one if
 * a reserved frame is not there.
 */
PAGING_OUT_OF_LINE paging_entry_t make_empty_table(const struct mapping *mapping, unsigned level,
                                                   volatile paging_entry_t *link, struct page_range range,
                                                   bool whole)
{
    const paging_entry_t none = {0};
    paging_frame_t table;
    if (!take_table(mapping->space, mapping->frames, &table))
        return none;
    paging_entry_t around = paging_entry_load(link);
    fill_table(paging_temp_map(mapping->space, table), around);
    return link_table(mapping, level, link, table, range, whole || !paging_entry_is_unused(around));
}

/*
 * What the filling has added: tables, and by level used entries of the table that the cursor is in. A new
 * table is counted in full when it is linked.
 */
struct additions {
    uint64_t tables;
    unsigned used[PAGING_MAX_LEVELS + 1];
    bool is_new[PAGING_MAX_LEVELS + 1];
    bool was_marker[PAGING_MAX_LEVELS + 1]; /* a new table in the place of a marker: each entry is used */
};

/*
 * The source has broken its promise at the cursor: makes the counts of the tables from there up true, and
 * removes a new table that is still empty.
 */
static enum paging_status repair_tables(const struct mapping *mapping, struct cursor *c,
                                        struct additions *added)
{
    struct paging_flush_list list;
    paging_page_t page = {cursor_part(c).at};
    paging_temp_unmap(mapping->space);
    for (; c->level < c->top; c->level++) {
        unsigned used = added->used[c->level], parent = c->level + 1;
        volatile paging_entry_t *slot = c->slots[parent];
        paging_entry_t entry = paging_entry_load(slot);
        if (added->was_marker[c->level])
            continue;
        if (!added->is_new[c->level]) {
            change_entry_count(mapping->space, parent, slot, (int)used, mapping->flags);
        } else if (used > 0) {
            paging_entry_store(slot, entry_with_count(entry, used));
        } else {
            paging_entry_store(slot, (paging_entry_t){0});
            flush_begin(&list);
            flush_add_table(mapping->space, &list, c->level, page);
            flush_add_way(mapping->space, &list, page);
            paging_carry_out(mapping->space, &list);
            give_table(mapping->space, mapping->frames, paging_entry_frame(entry));
            added->tables--;
            added->used[parent]--;
        }
    }
    return PAGING_BROKEN_SOURCE;
}

/* Maps a row of a P1 that was there before. Returns false if the source has broken its promise. */
static bool fill_row(const struct mapping *mapping, struct cursor *c, struct additions *added)
{
    struct page_range row = cursor_take_row(c);
    uint64_t count = row.end - row.at;
    unsigned unused = count_unused(c->slot, count);
    uint64_t left = put_leaves(mapping, PAGING_4K, c->slot, row);
    added->used[PAGING_4K] += unused - count_unused(c->slot + (count - left), left);
    return left == 0;
}

/* Returns whether leaves of this level can map exactly the range. */
static bool is_aligned(unsigned level, struct page_range range)
{
    return level == PAGING_4K || (range.at | range.end) % paging_level_pages(level) == 0;
}

/*
 * Makes the table of leaves below the entry at the cursor, which is unused or a marker, and goes on over
 * entries that are unused and mapped whole. The range may end inside the last one, which is left to
 * cursor_next.
 */
PAGING_ALWAYS_INLINE bool make_leaf_tables(const struct mapping *mapping, struct cursor *c,
                                           struct page_range part, bool whole, struct additions *added)
{
    uint64_t span = paging_level_pages(c->level);
    for (;;) {
        unsigned unused = paging_entry_is_unused(paging_entry_load(c->slot));
        if (!make_leaf_table(mapping, c->level - 1, c->slot, part, whole))
            return false;
        added->used[c->level] += unused;
        added->tables++;
        if (!whole || c->left < 2 || !paging_entry_is_unused(paging_entry_load(c->slot + 1)))
            return true;
        cursor_advance(c);
        part.at += span;
        part.end += span;
    }
}

/* Maps one entry above the P1s: to a leaf, or to a table, new or not, into which the cursor descends. */
static bool fill_entry(const struct mapping *mapping, struct cursor *c, struct additions *added)
{
    unsigned below = c->level - 1;
    bool unused = paging_entry_is_unused(c->entry), free = !paging_entry_is_present(c->entry);
    struct page_range part = cursor_part(c);
    bool whole = covers_whole_entry(c->level, part);
    if (whole && c->level <= mapping->largest && free && put_leaves(mapping, c->level, c->slot, part) == 0) {
        added->used[c->level] += unused;
        return true;
    }
    if (free && below <= mapping->certain && (whole || is_aligned(below, part)))
        return make_leaf_tables(mapping, c, part, whole, added);
    if (free)
        c->entry = make_empty_table(mapping, below, c->slot, part, whole);
    if (paging_entry_is_unused(c->entry))
        return false;
    added->used[c->level] += unused;
    added->tables += free;
    added->used[below] = 0;
    added->is_new[below] = free;
    added->was_marker[below] = free && !unused;
    cursor_descend(c);
    return true;
}

enum paging_status paging_fill_range(const struct mapping *mapping, struct page_range range)
{
    struct paging_space *space = mapping->space;
    enum paging_status status = PAGING_OK;
    struct additions added;
    struct cursor c;
    added.used[space->cpu.levels] = 0;
    added.tables = 0;
    cursor_begin(&c, space, range);
    while (status == PAGING_OK && cursor_next(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE) {
            if (!added.is_new[c.level - 1])
                change_entry_count(space, c.level, c.slot, (int)added.used[c.level - 1], mapping->flags);
            continue;
        }
        bool done = c.level == PAGING_4K ? fill_row(mapping, &c, &added) : fill_entry(mapping, &c, &added);
        if (!done)
            status = repair_tables(mapping, &c, &added);
    }
    change_table_count(space, (paging_page_t){range.at}, (int64_t)added.tables);
    return status;
}
