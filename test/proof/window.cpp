/*
 * window.cpp - where the recursive window shows the tables: for four and five levels, and any recursive slot.
 *
 * An address is a row of indices of nine bits; in octal, three digits each. To reach the table of level n on
 * the way to a page, take the slot n times, and then the page's indices from the top as far as there is room:
 * 777_aaa_bbb_ccc_0000 is the P1 of page aaa_bbb_ccc_ddd, 777_777_aaa_bbb_0000 its P2, and so on.
 */
#include "core.h"

/* The index of an address that selects an entry in a table of this level. */
static uint64_t field(uint64_t address, unsigned level)
{
    return (address >> (12 + 9 * (level - 1))) & 511;
}

static paging_page_t any_page(unsigned levels, const char *name)
{
    paging_page_t page = {anything(name)};
    assume(page.number < (uint64_t)1 << (9 * levels));
    return page;
}

static unsigned any_slot()
{
    assume_slots();
    return PAGING_RECURSIVE_SLOT;
}

static unsigned any_level(unsigned levels)
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    assume(level <= levels);
    return level;
}

/* A page whose tables have one address only: it is not itself part of the window. */
static paging_page_t ordinary_page(unsigned levels, const char *name)
{
    paging_page_t page = any_page(levels, name);
    assume(paging_page_index(page, levels) != PAGING_RECURSIVE_SLOT);
    assume(paging_page_index(page, levels) != PAGING_ALTERNATE_SLOT);
    return page;
}

/* paging_alternate_window_base with what a space adds to it: walk.h, entry_slot. */
static uint64_t foreign_entry_address(unsigned levels, unsigned level, paging_page_t page)
{
    return paging_alternate_window_base(levels, level).value + (page.number >> (9 * (level - 1))) * 8;
}

THEOREM("window: an entry's address is the octal pattern: so often the slot, then the page's indices")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    for (unsigned place = levels; place >= 1; place--) {
        bool takes_slot = place + level > levels;
        claim(field(address, place) ==
              (takes_slot ? uint64_t(slot) : field(page.number << 12, place + level)));
    }
    claim(address % 4096 == field(page.number << 12, level) * 8);
    claim(paging_is_canonical(levels, {address}));
}
FALLACY("window: the slot is taken once less")
{
    unsigned levels = 4, slot = any_slot(), level = 3;
    paging_page_t page = any_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim(field(address, 2) == field(page.number << 12, 4));
}

THEOREM("window: a table's address is its first entry's, a whole page")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t table = paging_window_table(levels, slot, level, page).value;
    claim(table % 4096 == 0);
    claim(paging_is_canonical(levels, {table}));
    claim(paging_window_entry(levels, slot, level, page).value - table == paging_page_index(page, level) * 8);
}

THEOREM("window: entries have the same address just if they are the same entry")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page"), other = any_page(levels, "other page");
    bool same = page.number >> (9 * (level - 1)) == other.number >> (9 * (level - 1));
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim((address == paging_window_entry(levels, slot, level, other).value) == same);
}

THEOREM("window: tables of different levels are at different addresses")
{
    unsigned levels = one_of(4, 5), slot = any_slot();
    unsigned level = any_level(levels), higher = one_of(2, 3, 4, 5);
    assume(level < higher && higher <= levels);
    paging_page_t page = ordinary_page(levels, "page"), other = ordinary_page(levels, "other page");
    claim(paging_window_table(levels, slot, level, page).value !=
          paging_window_table(levels, slot, higher, other).value);
}
FALLACY("window: the same of pages that lie in the window themselves")
{
    unsigned slot = any_slot();
    paging_page_t page = any_page(4, "page"), other = any_page(4, "other page");
    claim(paging_window_table(4, slot, 1, page).value != paging_window_table(4, slot, 2, other).value);
}

THEOREM("window: all of it lies below the recursive slot, and no ordinary page does")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    paging_page_t page = ordinary_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim(field(address, levels) == slot);
    claim(address - address % 4096 != paging_page_start(levels, page).value);
}

THEOREM("window: from a table to the one below it is one step, whatever the slot")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    assume(level > 1);
    paging_page_t page = any_page(levels, "page");
    paging_virt_t table = paging_window_table(levels, slot, level, page);
    claim(paging_next_table_address(levels, table, paging_page_index(page, level)).value ==
          paging_window_table(levels, slot, level - 1, page).value);
}

THEOREM("window: with slot 511 it begins where window.h says")
{
    claim(paging_window_base(4, 511, 1).value == 0xffffff8000000000);
    claim(paging_window_base(4, 511, 2).value == 0xffffffffc0000000);
    claim(paging_window_base(4, 511, 3).value == 0xffffffffffe00000);
    claim(paging_window_base(4, 511, 4).value == 0xfffffffffffff000);
    claim(paging_window_base(5, 511, 1).value == 0xffff000000000000);
    claim(paging_window_base(5, 511, 5).value == 0xfffffffffffff000);
}

THEOREM("foreign window: the slot once less, then the alternate slot, then the page's indices")
{
    unsigned levels = one_of(4, 5), slot = any_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t address = foreign_entry_address(levels, level, page);
    for (unsigned place = levels; place >= 1; place--) {
        bool last = place + level == levels + 1;
        uint64_t of_slot = last ? PAGING_ALTERNATE_SLOT : slot;
        claim(field(address, place) ==
              (place + level > levels ? of_slot : field(page.number << 12, place + level)));
    }
    claim(address % 4096 == field(page.number << 12, level) * 8);
    claim(paging_is_canonical(levels, {address}));
}

THEOREM("foreign window: nothing of it is in the space's own window")
{
    unsigned levels = one_of(4, 5), slot = any_slot();
    unsigned level = any_level(levels), foreign_level = one_of(1, 2, 3, 4, 5);
    assume(foreign_level <= levels);
    paging_page_t page = ordinary_page(levels, "page"), foreign = ordinary_page(levels, "foreign page");
    claim(paging_window_entry(levels, slot, level, page).value !=
          foreign_entry_address(levels, foreign_level, foreign));
}

THEOREM("foreign window: its entries have the same address just if they are the same entry")
{
    assume_slots();
    unsigned levels = one_of(4, 5), level = any_level(levels), other_level = any_level(levels);
    paging_page_t page = ordinary_page(levels, "page"), other = ordinary_page(levels, "other page");
    bool same = level == other_level && page.number >> (9 * (level - 1)) == other.number >> (9 * (level - 1));
    claim((foreign_entry_address(levels, level, page) == foreign_entry_address(levels, other_level, other)) ==
          same);
}
