/* SPDX-License-Identifier: MIT */
/*
 * unmap_range.c - remove a range: clear, flush once, then free.
 *
 * What has to be freed needs no list: an entry whose table or owned frame goes is detached (table_entry.h),
 * which ends its translation, and still names the frame. After the flush a second pass over the same entries
 * frees what they name, and makes them unused.
 */
#include "gather_internal.h"
#include "split.h"
#include "table_pages.h"
#include <selfmap/range.h>

static bool holds_only_range(const struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct page_range range);

/*
 * Returns whether nothing of what the entry maps is outside the range. `part` is the part of the range that
 * lies in the entry. A leaf at a boundary has been split, so only a table can reach beyond the range.
 */
static bool is_in_range(const struct paging_space *space, unsigned level, paging_entry_t entry,
                        struct page_range part)
{
    return covers_whole_entry(level, part) || !paging_entry_is_table(entry, level) ||
           holds_only_range(space, level, entry, part);
}

/* Returns how many of the entries from a slot on are counted: used, and not detached. */
static unsigned count_attached(const volatile paging_entry_t *slot, unsigned count)
{
    unsigned attached = 0;
    for (const volatile paging_entry_t *end = slot + count; slot != end; slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        attached += !paging_entry_is_unused(entry) && !entry_is_detached(entry);
    }
    return attached;
}

/*
 * Returns whether the table that an entry of a table of this level points to holds only what lies in the
 * range. Then all of it can go. This is not a client of the cursor, because it reads the entries in between
 * only to count them: just the first and the last one can reach beyond the range.
 */
static bool holds_only_range(const struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct page_range range)
{
    unsigned below = level - 1, count = entries_touched(below, range);
    uint64_t span = paging_level_pages(below), last = (range.end - 1) / span * span;
    if (entry_is_shared(space, level, entry) || count < entry_count(entry))
        return false;
    volatile paging_entry_t *slot =
        entry_slot(space, below, (paging_page_t){range.at}, paging_entry_frame(entry));
    unsigned used = space->gather ? count_attached(slot, count) : count - count_unused(slot, count);
    if (used != entry_count(entry))
        return false;
    if (count == 1)
        return is_in_range(space, below, paging_entry_load(slot), range);
    return is_in_range(space, below, paging_entry_load(slot), first_part(below, range)) &&
           is_in_range(space, below, paging_entry_load(slot + count - 1),
                       (struct page_range){last, range.end});
}

/* Adds what leads to a table that goes, unless the list has grown beyond `before` by what is below it. */
static void flush_add_way_to_leafless(const struct paging_space *space, struct paging_flush_list *list,
                                      unsigned before, uint64_t start)
{
    if (list->count == before)
        flush_add_way(space, list, (paging_page_t){start});
}

/* Adds a table that goes, which an entry of this level points to, and every leaf and table below. */
static void flush_add_tables(const struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct page_range range, struct paging_flush_list *list)
{
    unsigned before[PAGING_MAX_LEVELS + 1]; /* by level: what the list held when the cursor came to a table */
    before[level - 1] = list->count;
    flush_add_table(space, list, level - 1, (paging_page_t){range.at});
    struct cursor c;
    cursor_begin_in(&c, space, level - 1, paging_entry_frame(entry), range);
    while (flush_wants_more(space, list) && cursor_next_used(&c) != CURSOR_END) {
        paging_page_t page = {cursor_part(&c).at};
        if (c.event == CURSOR_LEAVE) {
            flush_add_way_to_leafless(space, list, before[c.level - 1], page.number);
        } else if (paging_entry_is_table(c.entry, c.level)) {
            before[c.level - 1] = list->count;
            flush_add_table(space, list, c.level - 1, page);
            cursor_descend(&c);
        } else if (paging_entry_is_present(c.entry)) {
            flush_add_leaf(space, list, c.level, page);
        }
    }
    flush_add_way_to_leafless(space, list, before[level - 1], range.at);
}

void paging_flush_add_subtree(const struct paging_space *space, unsigned level, paging_entry_t entry,
                              uint64_t at, struct paging_flush_list *list)
{
    uint64_t span = paging_level_pages(level), start = at - at % span;
    if (!paging_entry_is_present(entry) || !flush_wants_more(space, list))
        return;
    if (paging_entry_is_table(entry, level))
        flush_add_tables(space, level, entry, (struct page_range){start, start + span}, list);
    else
        flush_add_leaf(space, list, level, (paging_page_t){start});
}

/* Ends what the entry translates. What it names and has to be freed, or waits, stays named. */
PAGING_ALWAYS_INLINE void end_translation(volatile paging_entry_t *slot, unsigned level, paging_entry_t entry,
                                          bool waits)
{
    bool frees = paging_entry_is_present(entry) &&
                 (waits || paging_entry_is_table(entry, level) || (entry.bits & PAGING_OWNED));
    paging_entry_store(slot, frees ? entry_to_detached(level, entry) : (paging_entry_t){0});
}

/* Clears a row of a P1. Returns how many entries were used. */
PAGING_ALWAYS_INLINE unsigned clear_row(const struct paging_space *space, volatile paging_entry_t *slot,
                                        struct page_range row, struct paging_flush_list *list, bool waits)
{
    unsigned gone = 0;
    for (; row.at < row.end; row.at++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (paging_entry_is_unused(entry) || (waits && entry_is_detached(entry)))
            continue;
        if (paging_entry_is_present(entry) && flush_wants_more(space, list))
            flush_add_leaf(space, list, PAGING_4K, (paging_page_t){row.at});
        end_translation(slot, PAGING_4K, entry, waits);
        gone++;
    }
    return gone;
}

/*
 * Clears the range, at the highest entries that it empties, and appends what is cached of it to the list.
 * With `waits`, for a gather: this and the second pass are compiled twice, because a range without one is
 * cheaper.
 */
PAGING_ALWAYS_INLINE void clear(const struct paging_space *space, struct page_range range,
                                struct paging_flush_list *list, bool waits)
{
    unsigned gone[PAGING_MAX_LEVELS + 1]; /* by level: entries cleared in the table at hand */
    struct cursor c;
    gone[space->cpu.levels] = 0;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE) {
            if (gone[c.level - 1] > 0)
                change_entry_count(space, c.level, c.slot, -(int)gone[c.level - 1], 0);
            continue;
        }
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            gone[PAGING_4K] = clear_row(space, c.slot, row, list, waits);
            continue;
        }
        if (waits && entry_is_detached(c.entry))
            continue;
        struct page_range part = cursor_part(&c);
        bool whole = covers_whole_entry(c.level, part) && !entry_is_shared(space, c.level, c.entry);
        if (whole || holds_only_range(space, c.level, c.entry, part)) { /* leaves at the ends were split */
            paging_flush_add_subtree(space, c.level, c.entry, part.at, list);
            end_translation(c.slot, c.level, c.entry, waits);
            gone[c.level]++;
        } else {
            gone[c.level - 1] = 0;
            cursor_descend(&c);
        }
    }
}

/* The second pass: the detached entries of the range name what has to be freed. */
PAGING_ALWAYS_INLINE void sweep(struct paging_space *space, struct page_range range,
                                struct paging_frame_source *frames, bool waits)
{
    struct cursor c;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (entry_is_detached(c.entry)) {
            uint64_t tables = paging_free_subtree(space, c.level, entry_from_detached(c.entry), frames);
            change_table_count(space, (paging_page_t){cursor_part(&c).at}, -(int64_t)tables);
            paging_entry_store(c.slot, (paging_entry_t){0});
        } else if (c.level > PAGING_2M || (c.entry.bits & PAGING_OWNED_BELOW) != 0 || waits) {
            if (paging_entry_is_table(c.entry, c.level))
                cursor_descend(&c);
        }
    }
}

void paging_clear_waiting(const struct paging_space *space, struct page_range range,
                          struct paging_flush_list *list)
{
    clear(space, range, list, true);
}

void paging_sweep_waiting(struct paging_space *space, struct page_range range,
                          struct paging_frame_source *frames)
{
    sweep(space, range, frames, true);
}

enum paging_status paging_prepare_unmap(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                        struct paging_frame_source *frames, struct page_range *range)
{
    struct boundary_splits splits;
    enum paging_status status = paging_range_check(space, start, bytes, range);
    if (status == PAGING_OK)
        status = paging_find_splits(space, *range, NULL, frames, &splits);
    if (status == PAGING_OK)
        status = paging_make_splits(space, *range, &splits, frames);
    return status;
}

enum paging_status paging_unmap_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct paging_frame_source *frames)
{
    struct page_range range;
    enum paging_status status = paging_prepare_unmap(space, start, bytes, frames, &range);
    if (status != PAGING_OK)
        return status;
    finish_gather_of(space);

    struct paging_flush_list list;
    flush_begin(&list);
    clear(space, range, &list, false);
    paging_carry_out(space, &list);
    sweep(space, range, frames, false);
    return PAGING_OK;
}
