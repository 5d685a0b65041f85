/* SPDX-License-Identifier: MIT */
/*
 * window.h - the recursive window: where the tables of the active space appear as pages.
 *
 * The recursive slot of the root holds the root itself. A walk that goes through this slot once ends one
 * level early, so it finds a table where it would find a page; each further time it ends one level earlier.
 * With slot 511 and four levels, every table of the space has exactly one address:
 *
 *   ffff_ffff_ffff_f000   the P4                                            (  4 KiB)   511.511.511.511
 *   ffff_ffff_ffe0_0000   all P3s                                           (  2 MiB)   511.511.511.a
 *   ffff_ffff_c000_0000   all P2s                                           (  1 GiB)   511.511.a.b
 *   ffff_ff80_0000_0000   all P1s, in the order of the addresses they map   (512 GiB)   511.a.b.c
 *
 * With slot 510, which a kernel in the highest 2 GiB takes, the P4 is at ffff_ff7f_bfdf_e000 and the P1s
 * begin at ffff_ff00_0000_0000.
 *
 *   address of the next table = (address of the table << 9) | (index << 12)
 *
 * where a.b.c are the indices of the address that the table helps to map. The entry for a page in the table
 * of a level therefore lies at a constant plus eight times the upper part of the page number.
 *
 * While another space is attached through the alternate slot (switch.h), its tables appear in a window of
 * their own, whose last step goes through that slot: 511.511.511.510 is its P4.
 *
 * The last byte of the P4's page is the last byte of the address space: `table + 512` wraps to 0, so nothing
 * here forms the end of a table.
 */
#ifndef SELFMAP_WINDOW_H
#define SELFMAP_WINDOW_H

#include <selfmap/address.h>

PAGING_BEGIN_C

/* Returns where the window of all tables of this level begins, for a recursive slot. */
static inline paging_virt_t paging_window_base(unsigned levels, unsigned slot, unsigned level)
{
    /* A one in the lowest bit of `level` indices: the slot is taken that often. */
    uint64_t ones = (paging_level_pages(level + 1) - 1) / (PAGING_TABLE_ENTRIES - 1);
    return paging_canonical(levels, (slot * ones)
                                        << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (levels - level)));
}

/* Returns the same for the tables of the attached space: the last of these steps takes the alternate slot. */
static inline paging_virt_t paging_alternate_window_base(unsigned levels, unsigned level)
{
    uint64_t base = paging_window_base(levels, PAGING_RECURSIVE_SLOT, level).value;
    uint64_t last = (uint64_t)PAGING_ALTERNATE_SLOT - PAGING_RECURSIVE_SLOT;
    return paging_canonical(levels,
                            base + (last << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (levels - level))));
}

/* Returns the address of the page's entry in the table of this level. The tables above must be present. */
static inline paging_virt_t paging_window_entry(unsigned levels, unsigned slot, unsigned level,
                                                paging_page_t page)
{
    uint64_t entry = page.number >> (PAGING_INDEX_BITS * (level - 1));
    return PAGING_MAKE(paging_virt_t,
                       paging_window_base(levels, slot, level).value + entry * sizeof(uint64_t));
}

/* Returns the address of the table of this level on the way to the page. */
static inline paging_virt_t paging_window_table(unsigned levels, unsigned slot, unsigned level,
                                                paging_page_t page)
{
    uint64_t entry = paging_window_entry(levels, slot, level, page).value;
    return PAGING_MAKE(paging_virt_t, entry & ~(PAGING_PAGE_BYTES - 1));
}

/* Returns the address of the table that entry `index` of the table at address `table` points to. */
static inline paging_virt_t paging_next_table_address(unsigned levels, paging_virt_t table, unsigned index)
{
    return paging_canonical(levels, table.value << PAGING_INDEX_BITS | (uint64_t)index << PAGING_PAGE_SHIFT);
}

PAGING_END_C

#endif
