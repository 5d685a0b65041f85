/* SPDX-License-Identifier: MIT */
/* next_piece.c - how much of a range can be done at a cost that is bounded. */
#include "cursor.h"
#include <selfmap/range.h>

/* What the piece holds so far. */
struct piece {
    uint64_t limit, entries, pages; /* entries of all kinds; those that are pages or markers */
};

/*
 * Returns whether the piece must end before this many more entries. It never does before the first page or
 * marker, so that the caller makes progress with any limit.
 */
static bool is_full(const struct piece *piece, uint64_t more)
{
    return piece->pages > 0 && (piece->entries >= piece->limit || more > piece->limit - piece->entries);
}

/* Adds pages and markers. */
static void add(struct piece *piece, uint64_t count)
{
    piece->entries += count;
    piece->pages += count;
}

/* Returns where in a row of a P1 the piece ends: at its end, if all of it belongs to the piece. */
static uint64_t end_in_row(struct piece *piece, const volatile paging_entry_t *slot, struct page_range row)
{
    for (; row.at < row.end; row.at++, slot++) {
        if (paging_entry_is_unused(paging_entry_load(slot)))
            continue;
        if (is_full(piece, 1))
            break;
        add(piece, 1);
    }
    return row.at;
}

/* Returns the page before which the piece ends. */
static uint64_t end_of_piece(const struct paging_space *space, struct page_range range, struct piece *piece)
{
    struct cursor c;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            uint64_t end = end_in_row(piece, c.slot, row);
            if (end < row.end)
                return end;
            continue;
        }
        struct page_range part = cursor_part(&c);
        bool is_table =
            paging_entry_is_table(c.entry, c.level) && !entry_is_malformed(space, c.entry, c.level);
        /* A whole P1 is counted without a look into it, and not cut if there is something before it. */
        bool is_counted = is_table && c.level == PAGING_2M && covers_whole_entry(c.level, part);
        uint64_t count = is_counted ? entry_count(c.entry) : !is_table;
        if (is_full(piece, is_table ? count + 1 : 1))
            return part.at;
        piece->entries += is_table;
        if (is_table && (!is_counted || count > piece->limit))
            cursor_descend(&c);
        else
            add(piece, count);
    }
    return range.end;
}

enum paging_status paging_next_piece(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                     uint64_t limit, uint64_t *piece_bytes)
{
    struct page_range range;
    struct piece piece = {.limit = limit};
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        *piece_bytes = (end_of_piece(space, range, &piece) - range.at) << PAGING_PAGE_SHIFT;
    return status;
}
