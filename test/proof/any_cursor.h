/* SPDX-License-Identifier: MIT */
/*
 * any_cursor.h - any cursor, for the theorems of cursor.cpp: the invariant, and cursors for which it holds.
 */
#ifndef PROOF_ANY_CURSOR_H
#define PROOF_ANY_CURSOR_H

#include "core.h"

#include "cursor.h"

static uint64_t anything_of(const char *name, int level)
{
    return anything((std::string(name) + " of P" + std::to_string(level)).c_str());
}

/* A space whose tables are reached by direct map or recursively, wherever their windows are. */
static struct paging_space any_space()
{
    struct paging_space space = {};
    space.mode = (enum paging_mode)one_of(PAGING_MODE_DIRECT, PAGING_MODE_RECURSIVE);
    space.offset = anything("offset");
    for (int level = 1; level <= 5; level++)
        space.windows[level] = anything_of("window", level);
    return space;
}

static unsigned any_level()
{
    return one_of(1, 2, 3, 4, 5);
}

static paging_frame_t any_table()
{
    return {anything("table")};
}

/* Returns whether the range is not empty, and lies in one table of this level of at most five. */
static bool is_in_one_table(unsigned level, struct page_range range)
{
    uint64_t table_pages = paging_level_pages(level) * 512;
    return range.at < range.end && range.end <= (uint64_t)1 << 45 &&
           range.at / table_pages == (range.end - 1) / table_pages;
}

static struct page_range any_range(unsigned level)
{
    struct page_range range = {anything("at"), anything("end")};
    assume(is_in_one_table(level, range));
    return range;
}

/* Returns whether the part is all pages of the range that one entry maps. */
static bool is_part(unsigned level, struct page_range part, struct page_range range)
{
    uint64_t span = paging_level_pages(level);
    return part.at < part.end && part.at / span == (part.end - 1) / span &&
           (part.at == range.at || (part.at > range.at && part.at % span == 0)) &&
           (part.end == range.end || (part.end < range.end && part.end % span == 0));
}

/* Returns the number of the cursor's entry, counted over all tables of its level. */
static uint64_t entry_number(const struct cursor &c)
{
    return (c.ranges[c.level].end - 1) / paging_level_pages(c.level) - c.left;
}

/* Returns where the entry of this number is, in this table: as access_mode.cpp proves it of entry_slot. */
static uint64_t entry_address(const struct cursor &c, paging_frame_t table, uint64_t number)
{
    if (c.space->mode == PAGING_MODE_DIRECT)
        return c.space->offset + table.number * 4096 + number % 512 * 8;
    return c.space->windows[c.level] + number * 8;
}

/* The invariant: the cursor is at an entry of this table that the range touches, and its fields say so. */
static bool is_at_entry(const struct cursor &c, paging_frame_t table)
{
    struct page_range range = c.ranges[c.level];
    uint64_t span = paging_level_pages(c.level);
    return !c.stands_new && is_in_one_table(c.level, range) &&
           c.left <= (range.end - 1) / span - range.at / span &&
           address_of(c.slot) == entry_address(c, table, entry_number(c)) &&
           c.entry.bits == paging_entry_load(c.slot).bits;
}

/* A cursor with anything in it that began in a table of level `top` and is in a table of this level. */
static struct cursor any_cursor(const struct paging_space *space, unsigned top, unsigned level)
{
    struct cursor c = {space};
    c.top = top;
    c.level = level;
    c.slot = (volatile paging_entry_t *)anything("slot");
    c.entry.bits = anything("entry");
    c.left = anything32("left");
    for (int i = 1; i <= 5; i++) {
        c.ranges[i] = {anything_of("at", i), anything_of("end", i)};
        c.lefts[i] = unsigned(anything_of("left", i));
        c.slots[i] = (volatile paging_entry_t *)anything_of("slot", i);
    }
    return c;
}

/* Returns the cursor at entry `number`, with a range from entry `first` to entry `last` of its table. */
static struct cursor with_range(struct cursor c, uint64_t first, uint64_t number, uint64_t last)
{
    uint64_t span = paging_level_pages(c.level);
    c.ranges[c.level].at = first * span | anything("pages before at") % span;
    c.ranges[c.level].end = (last * span | anything("pages before end") % span) + 1;
    c.left = unsigned(last - number);
    c.slot = (volatile paging_entry_t *)entry_address(c, any_table(), number);
    c.entry = paging_entry_load(c.slot);
    return c;
}

/*
 * Returns a cursor at any entry, in a form that is easy for the solvers: what the core computes from the
 * fields are the variables that the fields are made of.
 */
static struct cursor any_cursor_at_entry(const struct paging_space *space, unsigned top, unsigned level)
{
    struct cursor c = any_cursor(space, top, level);
    uint64_t first = anything("first entry"), number = anything("entry number"),
             left = anything("entries left");
    assume(first <= number && number < (uint64_t)1 << 45);
    assume(left < 512);
    assume(number + left < ((uint64_t)1 << 45) / paging_level_pages(level));
    c = with_range(c, first, number, number + left);
    assume(is_at_entry(c, any_table()));
    return c;
}

#endif
