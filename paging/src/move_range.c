/* SPDX-License-Identifier: MIT */
/* move_range.c - move a range to other addresses: what is asked for, and the check. */
#include "move_range.h"
#include "cursor.h"
#include "gather_internal.h"
#include "split.h"
#include <selfmap/range.h>

/* ---- checking ---- */

/* Checks an entry that is not a table. */
static enum paging_status check_unit(const struct move *move, const struct cursor *c)
{
    if (entry_is_malformed(move->space, c->entry, c->level))
        return PAGING_MALFORMED;
    if (!covers_whole_entry(c->level, cursor_part(c)))
        return paging_entry_is_present(c->entry) ? PAGING_INSIDE_HUGE : PAGING_MARKED;
    return is_aligned_alike(move, c->level) ? PAGING_OK : PAGING_MISALIGNED;
}

/*
 * Adds the tables of level `lowest` and above that are missing on the way to a page of the new place. `last`
 * has for each level the last table that was looked at.
 */
static uint64_t tables_missing(const struct paging_space *space, uint64_t page, unsigned lowest,
                               uint64_t *last)
{
    struct page_walk walk;
    uint64_t missing = 0;
    if (lowest == space->cpu.levels || last[lowest] == page / paging_level_pages(lowest + 1))
        return 0;
    walk_to(space, (paging_page_t){page}, lowest, &walk);
    for (unsigned level = lowest; level < space->cpu.levels; level++) {
        uint64_t table = page / paging_level_pages(level + 1);
        missing += level < walk.level && last[level] != table;
        last[level] = table;
    }
    return missing;
}

/* Checks what is to move, and counts the tables that it takes. */
static enum paging_status check_units(const struct move *move, struct page_range range, uint64_t *tables)
{
    enum paging_status status = PAGING_OK;
    uint64_t last[PAGING_MAX_LEVELS + 1];
    for (unsigned level = 0; level <= PAGING_MAX_LEVELS; level++)
        last[level] = UINT64_MAX;
    struct cursor c;
    cursor_begin(&c, move->space, range);
    while (status == PAGING_OK && cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (!is_unit(move, &c)) {
            cursor_descend(&c);
            continue;
        }
        if (!paging_entry_is_table(c.entry, c.level))
            status = check_unit(move, &c);
        *tables += tables_missing(move->space, cursor_part(&c).at + move->delta, c.level, last);
    }
    return status;
}

/* Checks that nothing is at the new place. */
static enum paging_status check_unused(const struct paging_space *space, struct page_range range)
{
    struct cursor c;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (entry_is_malformed(space, c.entry, c.level))
            return PAGING_MALFORMED;
        if (!paging_entry_is_table(c.entry, c.level))
            return paging_entry_is_present(c.entry) ? PAGING_ALREADY_MAPPED : PAGING_MARKED;
        cursor_descend(&c);
    }
    return PAGING_OK;
}

static enum paging_status check_places(const struct paging_space *space, struct page_range from,
                                       struct page_range to)
{
    uint64_t distance = from.at < to.at ? to.at - from.at : from.at - to.at;
    if (in_upper_half(space, (paging_page_t){from.at}) != in_upper_half(space, (paging_page_t){to.at}) ||
        distance < from.end - from.at)
        return PAGING_RANGE_TOO_LONG;
    return PAGING_OK;
}

enum paging_status paging_move_range(struct paging_space *space, paging_virt_t from, paging_virt_t to,
                                     uint64_t bytes, struct paging_frame_source *frames)
{
    struct page_range source, place;
    uint64_t tables = 0;
    enum paging_status status = paging_range_check(space, from, bytes, &source);
    if (status == PAGING_OK)
        status = paging_range_check(space, to, bytes, &place);
    if (status == PAGING_OK)
        status = check_places(space, source, place);
    if (status != PAGING_OK)
        return status;

    struct move move = {.space = space, .frames = frames, .delta = place.at - source.at};
    flush_begin(&move.list);
    finish_gather_of(space); /* entries that wait name frames, and cannot move */
    status = paging_check_tables(space, source);
    if (status == PAGING_OK)
        status = check_units(&move, source, &tables);
    if (status == PAGING_OK)
        status = check_unused(space, place);
    if (status != PAGING_OK)
        return status;
    if (!frames->reserve(frames, space, tables, 0))
        return PAGING_NO_FRAMES;
    status = paging_link_units(&move, &source);
    frames->unreserve(frames, space);
    if (source.at < source.end) /* otherwise the source has broken its promise at once */
        paging_unlink_units(&move, source);
    return status;
}
