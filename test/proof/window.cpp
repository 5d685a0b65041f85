/* SPDX-License-Identifier: MIT */
/*
 * window.cpp - where the recursive window shows each table, for four and five levels and for any slots.
 *
 * An address is a row of indices of nine bits: three octal digits each. The address of the table of level n
 * on the way to a page begins with n times the slot and goes on with the page's indices from the top:
 *
 *   page                     aaa_bbb_ccc_ddd_0000
 *   its P1, with slot 777    777_aaa_bbb_ccc_0000
 *   its P2                   777_777_aaa_bbb_0000
 */
#include "core.h"

/* Returns the index in an address that selects an entry in a table of this level. */
static uint64_t index_in(uint64_t address, unsigned level)
{
    return (address >> (12 + 9 * (level - 1))) & 511;
}

static paging_page_t any_page(unsigned levels, const char *name)
{
    paging_page_t page = {anything(name)};
    assume(page.number < (uint64_t)1 << (9 * levels));
    return page;
}

static unsigned any_recursive_slot()
{
    assume_slots();
    return PAGING_RECURSIVE_SLOT;
}

static unsigned any_slots_with_alternate()
{
    assume(PAGING_HAS_ALTERNATE_SLOT);
    return any_recursive_slot();
}

static unsigned any_level(unsigned levels)
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    assume(level <= levels);
    return level;
}

/* Returns a page that does not itself lie in a window, so that each of its tables has one address. */
static paging_page_t ordinary_page(unsigned levels, const char *name)
{
    paging_page_t page = any_page(levels, name);
    assume(paging_page_index(page, levels) != PAGING_RECURSIVE_SLOT);
    assume(paging_page_index(page, levels) != PAGING_ALTERNATE_SLOT);
    return page;
}

/* Returns what entry_slot (walk.h) computes for an attached space. */
static uint64_t alternate_entry_address(unsigned levels, unsigned level, paging_page_t page)
{
    return paging_alternate_window_base(levels, level).value + (page.number >> (9 * (level - 1))) * 8;
}

THEOREM("window: an entry's address is n times the slot for level n, and then the page's indices")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    for (unsigned place = levels; place >= 1; place--) {
        bool is_slot = place + level > levels;
        claim(index_in(address, place) ==
              (is_slot ? uint64_t(slot) : index_in(page.number << 12, place + level)));
    }
    claim(address % 4096 == index_in(page.number << 12, level) * 8);
    claim(paging_is_canonical(levels, {address}));
}
FALLACY("window: for level 3, the slot comes twice")
{
    unsigned levels = 4, slot = any_recursive_slot(), level = 3;
    paging_page_t page = any_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim(index_in(address, 2) == index_in(page.number << 12, 4));
}

THEOREM("window: a table fills one page, in which each entry stands at its index")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t table = paging_window_table(levels, slot, level, page).value;
    claim(table % 4096 == 0);
    claim(paging_is_canonical(levels, {table}));
    claim(paging_window_entry(levels, slot, level, page).value - table == paging_page_index(page, level) * 8);
}

THEOREM("window: two pages have the same entry address exactly if they have the same entry")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page"), other = any_page(levels, "other page");
    bool same = page.number >> (9 * (level - 1)) == other.number >> (9 * (level - 1));
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim((address == paging_window_entry(levels, slot, level, other).value) == same);
}

THEOREM("window: tables of different levels have different addresses")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot();
    unsigned level = any_level(levels), higher = one_of(2, 3, 4, 5);
    assume(level < higher && higher <= levels);
    paging_page_t page = ordinary_page(levels, "page"), other = ordinary_page(levels, "other page");
    claim(paging_window_table(levels, slot, level, page).value !=
          paging_window_table(levels, slot, higher, other).value);
}
FALLACY("window: that is so for pages in the window, too")
{
    unsigned slot = any_recursive_slot();
    paging_page_t page = any_page(4, "page"), other = any_page(4, "other page");
    claim(paging_window_table(4, slot, 1, page).value != paging_window_table(4, slot, 2, other).value);
}

THEOREM("window: all of it lies below the recursive slot, where no ordinary page is")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot(), level = any_level(levels);
    paging_page_t page = ordinary_page(levels, "page");
    uint64_t address = paging_window_entry(levels, slot, level, page).value;
    claim(index_in(address, levels) == slot);
    claim(address - address % 4096 != paging_page_start(levels, page).value);
}

THEOREM("paging_next_table_address: from a table's address it leads to that of the table below")
{
    unsigned levels = one_of(4, 5), slot = any_recursive_slot(), level = any_level(levels);
    assume(level > 1);
    paging_page_t page = any_page(levels, "page");
    paging_virt_t table = paging_window_table(levels, slot, level, page);
    claim(paging_next_table_address(levels, table, paging_page_index(page, level)).value ==
          paging_window_table(levels, slot, level - 1, page).value);
}

THEOREM("window: with slot 511 it begins at the addresses in window.h")
{
    claim(paging_window_base(4, 511, 1).value == 0xffffff8000000000);
    claim(paging_window_base(4, 511, 2).value == 0xffffffffc0000000);
    claim(paging_window_base(4, 511, 3).value == 0xffffffffffe00000);
    claim(paging_window_base(4, 511, 4).value == 0xfffffffffffff000);
    claim(paging_window_base(5, 511, 1).value == 0xffff000000000000);
    claim(paging_window_base(5, 511, 5).value == 0xfffffffffffff000);
}

/* ---- the window of an attached space ---- */

THEOREM("alternate window: as the recursive one, except that the last time it is the alternate slot")
{
    unsigned levels = one_of(4, 5), slot = any_slots_with_alternate(), level = any_level(levels);
    paging_page_t page = any_page(levels, "page");
    uint64_t address = alternate_entry_address(levels, level, page);
    for (unsigned place = levels; place >= 1; place--) {
        bool is_last = place + level == levels + 1;
        uint64_t expected = is_last ? PAGING_ALTERNATE_SLOT : slot;
        claim(index_in(address, place) ==
              (place + level > levels ? expected : index_in(page.number << 12, place + level)));
    }
    claim(address % 4096 == index_in(page.number << 12, level) * 8);
    claim(paging_is_canonical(levels, {address}));
}

THEOREM("alternate window: no entry in it has the address of an entry of the active space")
{
    unsigned levels = one_of(4, 5), slot = any_slots_with_alternate();
    unsigned level = any_level(levels), attached_level = one_of(1, 2, 3, 4, 5);
    assume(attached_level <= levels);
    paging_page_t page = ordinary_page(levels, "page"), attached = ordinary_page(levels, "attached page");
    claim(paging_window_entry(levels, slot, level, page).value !=
          alternate_entry_address(levels, attached_level, attached));
}

THEOREM("alternate window: two addresses are the same exactly if they are of the same entry")
{
    (void)any_slots_with_alternate();
    unsigned levels = one_of(4, 5), level = any_level(levels), other_level = any_level(levels);
    paging_page_t page = ordinary_page(levels, "page"), other = ordinary_page(levels, "other page");
    bool same = level == other_level && page.number >> (9 * (level - 1)) == other.number >> (9 * (level - 1));
    claim((alternate_entry_address(levels, level, page) ==
           alternate_entry_address(levels, other_level, other)) == same);
}
