/*
 * window.h - the recursive window: where the tables of the active space appear as pages.
 *
 * The recursive slot of the root holds the root itself. A walk that goes through this slot once ends one
 * level early, so a table takes the place of a page; going through it again ends earlier still. With slot
 * 511 and four levels, each table of the space has exactly one address:
 *
 *   ffff_ff80_0000_0000   all P1s, in the order of the addresses they map   (512 GiB)
 *   ffff_ffff_c000_0000   all P2s                                           (  1 GiB)
 *   ffff_ffff_ffe0_0000   all P3s                                           (  2 MiB)
 *   ffff_ffff_ffff_f000   the P4                                            (  4 KiB)
 *
 * and from a table to one below it:  next = (table << 9) | (index << 12)
 *
 * (While another space is open through the alternate slot, that one's tables have one address each as well:
 * paging_alternate_window_base.)
 *
 * In the last window `table + 512` wraps to 0, so nothing here ever forms the end of a table.
 */
#ifndef SELFMAP_WINDOW_H
#define SELFMAP_WINDOW_H

#include <selfmap/address.h>

/* Where the window of all tables of this level begins: the slot taken once per level skipped. */
static inline paging_virt_t paging_window_base(unsigned levels, unsigned slot, unsigned level)
{
    /* 1, 1001, 1001001 ...: a one in the lowest place of as many indices as there are levels skipped. */
    uint64_t ones = (paging_level_pages(level + 1) - 1) / (PAGING_TABLE_ENTRIES - 1);
    return paging_canonical(levels, (slot * ones)
                                        << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (levels - level)));
}

/*
 * The same for the tables of the space that the alternate slot of the active root holds: the recursive slot is
 * taken once per level skipped but one, and last the foreign one.
 */
static inline paging_virt_t paging_alternate_window_base(unsigned levels, unsigned level)
{
    uint64_t base = paging_window_base(levels, PAGING_RECURSIVE_SLOT, level).value;
    uint64_t last = (uint64_t)PAGING_ALTERNATE_SLOT - PAGING_RECURSIVE_SLOT;
    return paging_canonical(levels,
                            base + (last << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (levels - level))));
}

/* Address of the entry for this page in the table of this level. The tables above must be present. */
static inline paging_virt_t paging_window_entry(unsigned levels, unsigned slot, unsigned level,
                                                paging_page_t page)
{
    uint64_t entry = page.number >> (PAGING_INDEX_BITS * (level - 1));
    return (paging_virt_t){paging_window_base(levels, slot, level).value + entry * sizeof(uint64_t)};
}

/* Address of the table of this level that is on the way to the page. */
static inline paging_virt_t paging_window_table(unsigned levels, unsigned slot, unsigned level,
                                                paging_page_t page)
{
    uint64_t entry = paging_window_entry(levels, slot, level, page).value;
    return (paging_virt_t){entry & ~(PAGING_PAGE_BYTES - 1)};
}

/* From the window address of a table to that of the table its entry at index points to. */
static inline paging_virt_t paging_next_table_address(unsigned levels, paging_virt_t table, unsigned index)
{
    return paging_canonical(levels, table.value << PAGING_INDEX_BITS | (uint64_t)index << PAGING_PAGE_SHIFT);
}

#endif
