/*
 * cursor.cpp - the cursor divides a range at the entries of tables: nothing is left out, nothing comes twice.
 *
 * A range takes any number of steps, so these theorems are the parts of an induction. `is_at_entry` is the
 * invariant. The first step establishes it, and each step keeps it: from any cursor at an entry, the next
 * step leads to the next entry of the table, to the first one of a table below, or back to the entry above.
 */
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

/* Returns what is left of the range in the cursor's table, from the cursor on. */
static struct page_range rest_of(const struct cursor &c)
{
    return {c.part.at, c.table_end[c.level]};
}

/* Returns whether the part is all pages of the rest of the range that one entry maps. */
static bool is_first_part(unsigned level, struct page_range part, struct page_range rest)
{
    uint64_t span = paging_level_pages(level);
    return part.at == rest.at && part.at < part.end && part.at / span == (part.end - 1) / span &&
           (part.end == rest.end || (part.end < rest.end && part.end % span == 0));
}

/* The invariant: the cursor is at an entry of this table, and its fields say so. */
static bool is_at_entry(const struct cursor &c, paging_frame_t table)
{
    return !c.stands_new && c.entries == 1 && is_in_one_table(c.level, rest_of(c)) &&
           is_first_part(c.level, c.part, rest_of(c)) &&
           address_of(c.slot) == address_of(entry_slot(c.space, c.level, {c.part.at}, table)) &&
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
    c.part = {anything("part at"), anything("part end")};
    c.entries = anything("entries");
    for (int i = 1; i <= 5; i++) {
        c.table_end[i] = anything_of("end", i);
        c.starts[i] = anything_of("start", i);
        c.slots[i] = (volatile paging_entry_t *)anything_of("slot", i);
    }
    return c;
}

static struct cursor any_cursor_at_entry(const struct paging_space *space, unsigned top, unsigned level)
{
    struct cursor c = any_cursor(space, top, level);
    c.entries = 1;
    assume(is_at_entry(c, any_table()));
    return c;
}

/* Returns whether two cursors are at the same entry with the same part. */
static bool same_place(const struct cursor &a, const struct cursor &b)
{
    return a.level == b.level && address_of(a.slot) == address_of(b.slot) && a.part.at == b.part.at &&
           a.part.end == b.part.end;
}

/* Returns whether two cursors know the same of the tables above this level. */
static bool same_above(unsigned level, const struct cursor &a, const struct cursor &b)
{
    for (unsigned i = level + 1; i <= 5; i++)
        if (a.table_end[i] != b.table_end[i] || a.starts[i] != b.starts[i] ||
            address_of(a.slots[i]) != address_of(b.slots[i]))
            return false;
    return a.table_end[level] == b.table_end[level];
}

/* ---- steps in a table ---- */

THEOREM("cursor: it begins at the entry that maps the first page of the range")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct page_range range = any_range(level);
    struct cursor c;
    cursor_begin_in(&c, &space, level, any_table(), range);
    claim(cursor_next(&c) == CURSOR_ENTRY && c.event == CURSOR_ENTRY);
    claim(c.level == level && c.top == level);
    claim(c.part.at == range.at && c.table_end[level] == range.end);
    claim(is_at_entry(c, any_table()));
}

THEOREM("cursor: over a whole space, it begins in the root")
{
    struct paging_space space = any_space();
    space.cpu.levels = one_of(4, 5);
    space.root = any_table();
    struct page_range range = any_range(space.cpu.levels);
    struct cursor c;
    cursor_begin(&c, &space, range);
    claim(cursor_next(&c) == CURSOR_ENTRY);
    claim(c.level == space.cpu.levels && c.top == space.cpu.levels);
    claim(c.part.at == range.at && c.table_end[c.level] == range.end);
    claim(is_at_entry(c, space.root));
}

THEOREM("cursor: each part begins where the last one ended, in the next entry of the table")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), c = before;
    assume(before.part.end != before.table_end[level]);
    claim(cursor_next(&c) == CURSOR_ENTRY && c.event == CURSOR_ENTRY);
    claim(c.part.at == before.part.end);
    claim(c.level == level && address_of(c.slot) == address_of(before.slot) + 8);
    claim(paging_page_index({c.part.at}, level) == paging_page_index({before.part.at}, level) + 1);
    claim(same_above(level, c, before));
    claim(is_at_entry(c, any_table()));
}

THEOREM("cursor: the last part ends where the range ends, and then the cursor stays at the end")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, level, level), c = before;
    bool is_last = before.part.end == before.table_end[level];
    claim((cursor_next(&c) == CURSOR_END) == is_last);
    if (is_last) {
        claim(c.event == CURSOR_END && same_place(c, before));
        claim(cursor_next(&c) == CURSOR_END && same_place(c, before));
    }
}

/* ---- down to a table and back ---- */

THEOREM("cursor: in the table below, it begins where the parent's part begins, to end where that part ends")
{
    struct paging_space space = any_space();
    unsigned level = one_of(2, 3, 4, 5);
    struct cursor parent = any_cursor_at_entry(&space, 5, level), c = parent;
    cursor_descend(&c);
    claim(cursor_next(&c) == CURSOR_ENTRY && c.event == CURSOR_ENTRY);
    claim(c.level == level - 1);
    claim(c.part.at == parent.part.at && c.table_end[c.level] == parent.part.end);
    claim(is_at_entry(c, paging_entry_frame(parent.entry)));
}

THEOREM("cursor: steps in a table and descents from it change nothing that belongs to the tables above")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), c = before;
    if (level > 1 && one_of(0, 1) == 1)
        cursor_descend(&c);
    (void)cursor_next(&c);
    claim(same_above(level, c, before));
    claim(c.space == &space && c.top == 5);
}

THEOREM("cursor: when a table is done, it is back at the entry that points to it, with that entry's part")
{
    struct paging_space space = any_space();
    unsigned level = one_of(2, 3, 4, 5), top = one_of(2, 3, 4, 5);
    assume(top >= level);
    struct cursor parent = any_cursor_at_entry(&space, top, level), descended = parent;
    cursor_descend(&descended);

    /* What the last step in the table below leaves, as the theorems above have it. */
    struct cursor c = any_cursor(&space, top, level - 1);
    c.slot = (volatile paging_entry_t *)anything("slot below");
    c.part = {anything("at below"), descended.table_end[level - 1]};
    c.entries = anything("entries below");
    c.table_end[level - 1] = descended.table_end[level - 1];
    for (unsigned i = level; i <= 5; i++) {
        c.table_end[i] = descended.table_end[i];
        c.starts[i] = descended.starts[i];
        c.slots[i] = descended.slots[i];
    }
    claim(cursor_next(&c) == CURSOR_LEAVE && c.event == CURSOR_LEAVE);
    claim(same_place(c, parent) && same_above(level, c, parent));
    claim(is_at_entry(c, any_table()));
}
FALLACY("cursor: when a table is done, the next step leads to an entry")
{
    struct paging_space space = any_space();
    struct cursor c = any_cursor_at_entry(&space, 2, 1);
    claim(cursor_next(&c) == CURSOR_ENTRY);
}

/* ---- more than one entry at a time ---- */

THEOREM("cursor_take_row: the row is the rest of the range in the P1, and the next step leaves the P1")
{
    struct paging_space space = any_space();
    unsigned top = one_of(1, 4);
    struct cursor before = any_cursor_at_entry(&space, top, 1), c = before;
    cursor_take_row(&c);
    claim(c.part.at == before.part.at && c.part.end == before.table_end[1]);
    claim(c.entries == c.part.end - c.part.at);
    claim(c.level == 1 && address_of(c.slot) == address_of(before.slot));

    uint64_t i = anything("entry of the row");
    assume(i < c.part.end - c.part.at);
    claim(address_of(c.slot) + 8 * i == address_of(entry_slot(&space, 1, {c.part.at + i}, any_table())));
    claim(cursor_next(&c) == (top == 1 ? CURSOR_END : CURSOR_LEAVE));
}

/* For up to three loads, in a range that ends with an entry, as those of paging_for_each do. */
static struct cursor after_take_unused(const struct cursor &before)
{
    struct cursor c = before;
    load_limit three(3);
    assume(before.table_end[c.level] % paging_level_pages(c.level) == 0);
    cursor_take_unused(&c);
    return c;
}

THEOREM("cursor_take_unused: it takes the unused entries that follow, to a used one or the end of the range")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), c = after_take_unused(before);
    claim(c.part.at == before.part.at && address_of(c.slot) == address_of(before.slot) && c.level == level);
    for (uint64_t i = 1; i < c.entries; i++)
        claim(paging_entry_load(c.slot + i).bits == 0);
    claim(c.part.end <= c.table_end[level]);
    claim(c.part.end == c.table_end[level] || paging_entry_load(c.slot + c.entries).bits != 0);
}

THEOREM("cursor_take_unused: the next step leads to the entry after those that were taken")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), taken = after_take_unused(before),
                  c = taken;
    assume(taken.part.end != taken.table_end[level]);
    claim(cursor_next(&c) == CURSOR_ENTRY && c.part.at == taken.part.end);
    claim(is_first_part(level, c.part, rest_of(c)) && same_above(level, c, before));
    claim(paging_page_index({c.part.at}, level) ==
          paging_page_index({before.part.at}, level) + taken.entries);
    claim(address_of(c.slot) == address_of(before.slot) + 8 * taken.entries);
}

/* ---- how many steps it makes ---- */

THEOREM("entries_touched: 1 to 512, as many as the cursor makes steps in the table")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor c = any_cursor_at_entry(&space, level, level);
    unsigned touched = entries_touched(level, rest_of(c));
    claim(touched >= 1 && paging_page_index({c.part.at}, level) + touched <= 512);
    if (cursor_next(&c) == CURSOR_END)
        claim(touched == 1);
    else
        claim(touched == entries_touched(level, rest_of(c)) + 1);
}
