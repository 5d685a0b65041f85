/* SPDX-License-Identifier: MIT */
/* split.c - huge pages become smaller ones: one of them, or those at the boundaries of a range. */
#include "split.h"
#include "flush.h"
#include "table_pages.h"
#include <selfmap/range.h>

/* Fills a table with the 512 leaves that map what the huge leaf maps. */
static void fill_with_parts(volatile paging_entry_t *entries, paging_entry_t leaf, unsigned level)
{
    unsigned below = level - 1;
    paging_entry_t first =
        paging_entry_leaf(below, paging_leaf_frame(leaf, level), paging_leaf_flags(leaf, level));
    fill_leaves(entries, PAGING_TABLE_ENTRIES, first, below);
}

/*
 * Replaces the marker where the walk ended by a table of such markers, for which a frame is reserved. None of
 * them was or is in the TLB.
 */
static enum paging_status split_marker(struct paging_space *space, const struct page_walk *walk,
                                       paging_page_t page, struct paging_frame_source *frames)
{
    paging_frame_t table;
    if (!take_table(space, frames, &table))
        return PAGING_BROKEN_SOURCE;
    fill_table(paging_temp_map(space, table), walk->entries[walk->level]);
    paging_temp_unmap(space);
    paging_entry_store(walk->slots[walk->level], entry_to_table(table, PAGING_TABLE_ENTRIES));
    change_table_count(space, page, +1);
    return PAGING_OK;
}

/*
 * Replaces the leaf where the walk ended by a table of the next smaller leaves, for which a frame is
 * reserved.
 */
static enum paging_status split_leaf(struct paging_space *space, const struct page_walk *walk,
                                     paging_page_t page, struct paging_frame_source *frames)
{
    unsigned level = walk->level;
    volatile paging_entry_t *slot = walk->slots[level];
    paging_frame_t table;
    if (!take_table(space, frames, &table))
        return PAGING_BROKEN_SOURCE;
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    paging_entry_t leaf, link = entry_to_table(table, PAGING_TABLE_ENTRIES);
    link.bits |= owned_below(level, walk->entries[level].bits);
    /* The processor may set accessed and dirty while the table is filled: at most twice. */
    do {
        leaf = paging_entry_load(slot);
        fill_with_parts(entries, leaf, level);
    } while (!paging_entry_replace(slot, leaf, link));
    change_table_count(space, page, +1);
    if ((leaf.bits & PAGING_OWNED) != 0)
        frames->split(frames, space, (enum paging_size)level, paging_leaf_frame(leaf, level));

    /* Every address translates as before, but the window of the new table still shows the huge page. */
    struct paging_flush_list list;
    flush_begin(&list);
    paging_page_t start = {page.number - page.number % paging_level_pages(level)};
    flush_add_leaf(space, &list, level, start);
    paging_carry_out(space, &list);
    paging_temp_unmap(space);
    return PAGING_OK;
}

enum paging_status paging_split(struct paging_space *space, paging_page_t page,
                                struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK && walk.level == PAGING_4K)
        status = PAGING_NOT_HUGE;
    if (status != PAGING_OK)
        return status;
    if (!frames->reserve(frames, space, 1, 0))
        return PAGING_NO_FRAMES;
    status = split_leaf(space, &walk, page, frames);
    frames->unreserve(frames, space);
    return status;
}

/* ---- boundaries of a range ---- */

/*
 * Returns the level of the largest leaf that can begin or end at this page, which lies inside a larger leaf.
 */
static unsigned alignment_level(uint64_t number)
{
    unsigned level = PAGING_4K;
    while (number % paging_level_pages(level + 1) == 0)
        level++;
    return level;
}

/*
 * `page` lies in the range, next to the boundary; `edge` is the first page after the boundary. At the start
 * of a range they are the same.
 */
static struct boundary_split find_split(const struct paging_space *space, const struct flag_change *change,
                                        uint64_t page, uint64_t edge)
{
    struct page_walk walk;
    walk_to(space, (paging_page_t){page}, PAGING_4K, &walk);
    paging_entry_t leaf = walk.entries[walk.level];
    struct boundary_split none = {PAGING_4K, PAGING_4K};
    enum paging_status status = leaf_status(space, &walk);
    bool goes = change ? status == PAGING_OK && with_change(change, walk.level, leaf).bits != leaf.bits
                       : status == PAGING_OK || status == PAGING_MARKED;
    if (!goes || edge % paging_level_pages(walk.level) == 0)
        return none;
    return (struct boundary_split){walk.level, alignment_level(edge)};
}

/*
 * Returns how many tables the splits take. Both may be in one leaf, and share the tables down to some level.
 */
static uint64_t tables_for(struct page_range range, struct boundary_split start, struct boundary_split end)
{
    uint64_t tables = start.leaf - start.down_to + end.leaf - end.down_to;
    unsigned low = start.down_to > end.down_to ? start.down_to : end.down_to;
    for (unsigned level = low; level < start.leaf; level++)
        if (range.at / paging_level_pages(level + 1) == range.end / paging_level_pages(level + 1))
            tables--;
    return tables;
}

enum paging_status paging_find_splits(const struct paging_space *space, struct page_range range,
                                      const struct flag_change *change, struct paging_frame_source *frames,
                                      struct boundary_splits *splits)
{
    enum paging_status status = paging_check_tables(space, range);
    if (status != PAGING_OK)
        return status;
    struct boundary_split start = find_split(space, change, range.at, range.at);
    struct boundary_split end = find_split(space, change, range.end - 1, range.end);
    if (!frames->reserve(frames, space, tables_for(range, start, end), 0))
        return PAGING_NO_FRAMES;
    *splits = (struct boundary_splits){start, end};
    return PAGING_OK;
}

/* What the other boundary has split already is a table by now. */
static enum paging_status make_split(struct paging_space *space, struct boundary_split split, uint64_t page,
                                     struct paging_frame_source *frames)
{
    enum paging_status status = PAGING_OK;
    for (; status == PAGING_OK && split.leaf > split.down_to; split.leaf--) {
        struct page_walk walk;
        walk_to(space, (paging_page_t){page}, split.leaf, &walk);
        if (!paging_entry_is_present(walk.entries[walk.level]))
            status = split_marker(space, &walk, (paging_page_t){page}, frames);
        else if (!paging_entry_is_table(walk.entries[walk.level], walk.level))
            status = split_leaf(space, &walk, (paging_page_t){page}, frames);
    }
    return status;
}

enum paging_status paging_make_splits(struct paging_space *space, struct page_range range,
                                      const struct boundary_splits *splits,
                                      struct paging_frame_source *frames)
{
    enum paging_status status = make_split(space, splits->start, range.at, frames);
    if (status == PAGING_OK)
        status = make_split(space, splits->end, range.end - 1, frames);
    frames->unreserve(frames, space);
    return status;
}
