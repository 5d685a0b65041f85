/* SPDX-License-Identifier: MIT */
/*
 * cursor.cpp - the cursor divides a range at the entries of tables: nothing is left out, nothing comes twice.
 *
 * A range takes any number of steps, so these theorems are the parts of an induction. `is_at_entry` is the
 * invariant. The first step establishes it, and each step keeps it: from any cursor at an entry, the next
 * step leads to the next entry of the table, to the first one of a table below, or back to the entry above.
 */
#include "any_cursor.h"

static bool same_range(struct page_range a, struct page_range b)
{
    return a.at == b.at && a.end == b.end;
}

/* Returns whether two cursors are at the same entry. */
static bool same_place(const struct cursor &a, const struct cursor &b)
{
    return a.level == b.level && a.left == b.left && same_range(a.ranges[a.level], b.ranges[b.level]) &&
           address_of(a.slot) == address_of(b.slot);
}

/* Returns whether two cursors have the same part of the range in this table, and the same tables above. */
static bool same_above(unsigned level, const struct cursor &a, const struct cursor &b)
{
    for (unsigned i = level + 1; i <= 5; i++)
        if (!same_range(a.ranges[i], b.ranges[i]) || a.lefts[i] != b.lefts[i] ||
            address_of(a.slots[i]) != address_of(b.slots[i]))
            return false;
    return same_range(a.ranges[level], b.ranges[level]);
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
    claim(cursor_part(&c).at == range.at && same_range(c.ranges[level], range));
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
    claim(cursor_part(&c).at == range.at && same_range(c.ranges[c.level], range));
    claim(is_at_entry(c, space.root));
}

THEOREM("cursor: every cursor at an entry has the form that these theorems give it")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    uint64_t span = paging_level_pages(level);
    struct cursor c = any_cursor(&space, 5, level);
    assume(is_at_entry(c, any_table()));
    struct page_range range = c.ranges[level];
    assume(anything("pages before at") == range.at % span);
    assume(anything("pages before end") == (range.end - 1) % span);
    struct cursor made = with_range(c, range.at / span, entry_number(c), (range.end - 1) / span);
    claim(same_place(made, c) && made.entry.bits == c.entry.bits);
    claim(range.at / span <= entry_number(c) && c.left < 512);
}

THEOREM("cursor_part: it is all pages of the range that the entry maps")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor c = any_cursor_at_entry(&space, 5, level);
    claim(is_part(level, cursor_part(&c), c.ranges[level]));
    claim(cursor_part(&c).at / paging_level_pages(level) == entry_number(c));
}

THEOREM("cursor: each part begins where the last one ended, in the next entry of the table")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), c = before;
    assume(cursor_part(&before).end != before.ranges[level].end);
    claim(cursor_next(&c) == CURSOR_ENTRY && c.event == CURSOR_ENTRY);
    claim(cursor_part(&c).at == cursor_part(&before).end);
    claim(c.level == level && address_of(c.slot) == address_of(before.slot) + 8);
    claim(entry_number(c) == entry_number(before) + 1);
    claim(same_above(level, c, before));
    claim(is_at_entry(c, any_table()));
}

THEOREM("cursor: the last part ends where the range ends, and then the cursor stays at the end")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, level, level), c = before;
    bool is_last = cursor_part(&before).end == before.ranges[level].end;
    claim((cursor_next(&c) == CURSOR_END) == is_last);
    if (is_last) {
        claim(c.event == CURSOR_END && same_place(c, before));
        claim(cursor_next(&c) == CURSOR_END && same_place(c, before));
    }
}

/* ---- down to a table and back ---- */

THEOREM("cursor_descend: as if the cursor began in the table below, with the part that the entry maps")
{
    struct paging_space space = any_space();
    unsigned level = one_of(2, 3, 4, 5);
    struct cursor parent = any_cursor_at_entry(&space, 5, level), c = parent, begun = parent;
    struct page_range part = cursor_part(&parent);
    cursor_descend(&c);
    cursor_begin_in(&begun, &space, level - 1, paging_entry_frame(parent.entry), part);
    claim(is_in_one_table(level - 1, part));
    claim(same_place(c, begun) && c.stands_new && begun.stands_new);
    claim(same_range(c.ranges[level - 1], part));
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
    c.left = 0;
    for (unsigned i = level; i <= 5; i++) {
        c.ranges[i] = descended.ranges[i];
        c.lefts[i] = descended.lefts[i];
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
    struct page_range row = cursor_take_row(&c);
    claim(row.at == cursor_part(&before).at && row.end == before.ranges[1].end);
    claim(c.level == 1 && address_of(c.slot) == address_of(before.slot) && same_above(1, c, before));

    uint64_t i = anything("entry of the row");
    assume(i < row.end - row.at);
    claim(address_of(c.slot) + 8 * i == entry_address(c, any_table(), row.at + i));
    claim(cursor_next(&c) == (top == 1 ? CURSOR_END : CURSOR_LEAVE));
}

/* Loops over entries: for up to three loads. */
enum { LOADS = 3 };

THEOREM("cursor_skip_unused: it passes over unused entries, to the last one before a used one or the end")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, 5, level), c = before;
    assume(before.entry.bits == 0);
    {
        load_limit limit(LOADS);
        cursor_skip_unused(&c);
    }
    uint64_t passed = before.left - c.left;
    claim(passed <= LOADS && address_of(c.slot) == address_of(before.slot) + 8 * passed);
    for (int i = 1; i <= LOADS; i++)
        claim(i > passed || paging_entry_load(before.slot + i).bits == 0);
    claim(c.left == 0 || paging_entry_load(c.slot + 1).bits != 0);
    claim(same_above(level, c, before) && is_at_entry(c, any_table()));
}

THEOREM("cursor_next_used: it goes to the next used entry, or leaves the table if there is none")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct cursor before = any_cursor_at_entry(&space, level, level), c = before;
    {
        load_limit limit(LOADS);
        (void)cursor_next_used(&c);
    }
    uint64_t steps = before.left - c.left;
    bool is_end = c.event == CURSOR_END;
    for (int i = 1; i <= LOADS; i++)
        claim(is_end ? i > steps || paging_entry_load(before.slot + i).bits == 0
                     : i >= steps || paging_entry_load(before.slot + i).bits == 0);
    claim(is_end ? c.left == 0 : c.event == CURSOR_ENTRY && c.entry.bits != 0);
    claim(same_above(level, c, before) && is_at_entry(c, any_table()));
}

THEOREM("count_unused: it counts the entries of zero")
{
    auto *slot = (const volatile paging_entry_t *)anything("slot");
    int unused = 0;
    for (int i = 0; i < LOADS; i++)
        unused += paging_entry_load(slot + i).bits == 0;
    claim(count_unused(slot, LOADS) == unused);
}

/* ---- how many steps it makes ---- */

THEOREM("entries_touched: 1 to 512, as many as the cursor makes steps in the table")
{
    struct paging_space space = any_space();
    unsigned level = any_level();
    struct page_range range = any_range(level);
    struct cursor c;
    cursor_begin_in(&c, &space, level, any_table(), range);
    unsigned touched = entries_touched(level, range);
    claim(cursor_next(&c) == CURSOR_ENTRY);
    claim(touched == c.left + 1); /* each step takes one from what is left, down to 0 */
    claim(touched >= 1 && paging_page_index({range.at}, level) + touched <= 512);
}
