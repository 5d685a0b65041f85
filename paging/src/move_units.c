/* SPDX-License-Identifier: MIT */
/*
 * move_units.c - the move itself: link there, unlink here, flush, then free.
 *
 * All units are linked at their new places before the first one goes from its old one: so each frame can be
 * reached at any time, and no table that is needed there becomes empty meanwhile.
 */
#include "flush.h"
#include "leaf.h"
#include "move_range.h"
#include "table_pages.h"

/* Flushes, and gives back the tables that were unlinked before. */
static void finish_emptied(struct move *move)
{
    paging_carry_out(move->space, &move->list);
    for (; move->emptied > 0; move->emptied--)
        give_table(move->space, move->frames, move->tables[move->emptied - 1]);
}

/* Links a unit of this level at its new place, too. */
static enum paging_status link_unit(const struct move *move, unsigned level, uint64_t at,
                                    paging_entry_t entry)
{
    struct page_walk walk;
    paging_page_t page = {at + move->delta};
    walk_to(move->space, page, level, &walk);
    return paging_link_entry(move->space, &walk, page, level, entry_elsewhere(entry), move->frames);
}

/* Returns the part of a row of a P1 that moves into one P1. */
static struct page_range part_of_row(const struct move *move, struct page_range row)
{
    uint64_t to = row.at + move->delta;
    uint64_t pages = first_part(PAGING_2M, (struct page_range){to, to + (row.end - row.at)}).end - to;
    return (struct page_range){row.at, row.at + pages};
}

/* Passes over unused entries. Returns how many there are. */
static uint64_t unused_before(const volatile paging_entry_t *slot, uint64_t count)
{
    uint64_t unused = 0;
    while (unused < count && paging_entry_is_unused(paging_entry_load(slot + unused)))
        unused++;
    return unused;
}

/*
 * Links a row of a P1, or a part of it that moves into one P1: the first used entry with the tables that it
 * takes, the others beside it. Stores in row->at where it has stopped: at the end, or where a frame is
 * missing.
 */
static enum paging_status link_row(const struct move *move, volatile paging_entry_t *slot,
                                   struct page_range *row)
{
    struct paging_space *space = move->space;
    struct page_walk walk;
    uint64_t skipped = unused_before(slot, row->end - row->at), flags = 0;
    unsigned count = 0;
    row->at += skipped;
    slot += skipped;
    if (row->at == row->end)
        return PAGING_OK;
    enum paging_status status = link_unit(move, PAGING_4K, row->at, paging_entry_load(slot));
    if (status != PAGING_OK)
        return status;
    walk_to(space, (paging_page_t){row->at + move->delta}, PAGING_4K, &walk);
    volatile paging_entry_t *to = walk.slots[walk.level];
    while (++row->at < row->end) {
        paging_entry_t entry = paging_entry_load(++slot);
        to++;
        if (paging_entry_is_unused(entry))
            continue;
        paging_entry_store(to, entry_elsewhere(entry));
        flags |= entry.bits;
        count++;
    }
    if (count > 0)
        change_entry_count(space, PAGING_2M, walk.slots[PAGING_2M], (int)count, flags);
    return PAGING_OK;
}

/* Does so with a whole row, and stores where it has stopped in *end. */
static enum paging_status link_rows(const struct move *move, volatile paging_entry_t *slot,
                                    struct page_range row, uint64_t *end)
{
    enum paging_status status = PAGING_OK;
    while (status == PAGING_OK && row.at < row.end) {
        struct page_range part = part_of_row(move, row);
        uint64_t pages = part.end - part.at;
        status = link_row(move, slot, &part);
        *end = part.at;
        row.at += pages;
        slot += pages;
    }
    return status;
}

enum paging_status paging_link_units(const struct move *move, struct page_range *range)
{
    enum paging_status status = PAGING_OK;
    struct cursor c;
    uint64_t end = range->end;
    cursor_begin(&c, move->space, *range);
    while (status == PAGING_OK && cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            status = link_rows(move, c.slot, row, &end);
        } else if (is_unit(move, &c)) {
            end = cursor_part(&c).at;
            status = link_unit(move, c.level, end, c.entry);
        } else {
            cursor_descend(&c);
        }
    }
    if (status != PAGING_OK)
        range->end = end;
    return status;
}

/*
 * Ends a leaf or marker that is linked at its new place. Bits that the processor has set in a leaf since it
 * was copied follow it. Returns whether it was a leaf, whose page is flushed.
 */
static bool unlink_entry(struct move *move, unsigned level, uint64_t at, volatile paging_entry_t *slot,
                         volatile paging_entry_t *to)
{
    paging_entry_t before = paging_entry_load(slot);
    if (!paging_entry_is_present(before)) {
        paging_entry_store(slot, (paging_entry_t){0});
        return false;
    }
    uint64_t kept = remove_leaf(slot, before).bits & PAGING_ACCESSED_DIRTY;
    flush_add_leaf(move->space, &move->list, level, (paging_page_t){at});
    add_accessed_dirty(to, kept);
    return true;
}

/*
 * Ends the unit at the cursor, above the P1s. What is cached of a table is found while it is still linked.
 * Returns whether a page of it is flushed.
 */
static bool unlink_unit(struct move *move, const struct cursor *c)
{
    struct page_walk walk;
    uint64_t at = cursor_part(c).at;
    if (paging_entry_is_table(c->entry, c->level)) {
        paging_flush_add_subtree(move->space, c->level, c->entry, at, &move->list);
        paging_entry_store(c->slot, (paging_entry_t){0});
        return true;
    }
    walk_to(move->space, (paging_page_t){at + move->delta}, c->level, &walk);
    return unlink_entry(move, walk.level, at, c->slot, walk.slots[walk.level]); /* it ends at the new leaf */
}

/*
 * Ends a row of a P1. Returns how many of its entries were used, and sets *flushed if a page of it is
 * flushed.
 */
static unsigned unlink_rows(struct move *move, volatile paging_entry_t *slot, struct page_range row,
                            bool *flushed)
{
    unsigned used = 0;
    while (row.at < row.end) {
        struct page_range part = part_of_row(move, row);
        uint64_t skipped = unused_before(slot, part.end - part.at);
        struct page_walk walk;
        row.at += skipped;
        slot += skipped;
        if (row.at == part.end)
            continue;
        walk_to(move->space, (paging_page_t){row.at + move->delta}, PAGING_4K, &walk);
        volatile paging_entry_t *to = walk.slots[walk.level];
        for (; row.at < part.end; row.at++, slot++, to++) {
            if (paging_entry_is_unused(paging_entry_load(slot)))
                continue;
            *flushed |= unlink_entry(move, PAGING_4K, row.at, slot, to);
            used++;
        }
    }
    return used;
}

/*
 * The cursor has left a table of which `moved` entries have moved. Takes them off its count, or unlinks it if
 * nothing is left in it. `flushed`: a page below it is in the list. Returns whether it was unlinked.
 */
static bool leave_table(struct move *move, const struct cursor *c, unsigned moved, bool flushed)
{
    uint64_t at = cursor_part(c).at;
    paging_page_t page = {at - at % paging_level_pages(c->level)};
    if (moved == 0)
        return false;
    if (entry_is_shared(move->space, c->level, c->entry) || moved < entry_count(c->entry)) {
        change_entry_count(move->space, c->level, c->slot, -(int)moved, 0);
        return false;
    }
    if (move->emptied == EMPTIED_LIMIT)
        finish_emptied(move);
    paging_entry_store(c->slot, (paging_entry_t){0});
    flush_add_table(move->space, &move->list, c->level - 1, page);
    if (!flushed)
        flush_add_way(move->space, &move->list, page);
    move->tables[move->emptied++] = paging_entry_frame(c->entry);
    change_table_count(move->space, page, -1);
    return true;
}

void paging_unlink_units(struct move *move, struct page_range range)
{
    unsigned moved[PAGING_MAX_LEVELS + 1]; /* by level: entries that have gone from the table at hand, */
    bool flushed[PAGING_MAX_LEVELS + 1];   /* and whether a page below it was flushed for one of them */
    struct cursor c;
    moved[move->space->cpu.levels] = 0;
    flushed[move->space->cpu.levels] = false;
    cursor_begin(&c, move->space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE) {
            bool gone = leave_table(move, &c, moved[c.level - 1], flushed[c.level - 1]);
            moved[c.level] += gone;
            flushed[c.level] |= gone; /* a table that goes is flushed */
        } else if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            moved[PAGING_4K] = unlink_rows(move, c.slot, row, &flushed[PAGING_4K]);
        } else if (is_unit(move, &c)) {
            flushed[c.level] |= unlink_unit(move, &c);
            moved[c.level]++;
        } else {
            moved[c.level - 1] = 0;
            flushed[c.level - 1] = false;
            cursor_descend(&c);
        }
    }
    finish_emptied(move);
}
