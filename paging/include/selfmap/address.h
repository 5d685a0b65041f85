/* SPDX-License-Identifier: MIT */
/*
 * address.h - addresses, and the frames and pages that contain them.
 *
 * There is one struct per kind of number, so that the compiler refuses to mix them. Addresses count bytes;
 * frames (of physical memory) and pages (of virtual memory) are numbers of units of PAGING_PAGE_BYTES. Ranges
 * are half-open: the end is not part of them.
 *
 * A page number holds the index bits of the address only, 36 with four levels and 45 with five, without the
 * sign extension:
 *
 *   address  ffff_ff80_0000_3000   (four levels)   page number  f_f800_0003
 *
 * So a page belongs to one number of levels, and the pages of both halves are numbered through: the number
 * after the last page of the lower half is that of the first page of the upper half. paging_page_containing
 * and paging_page_advance are checked; operations answer PAGING_BAD_PAGE to a number that is too large.
 */
#ifndef SELFMAP_ADDRESS_H
#define SELFMAP_ADDRESS_H

#include <selfmap/config.h>
#include <selfmap/status.h>
#include <stdbool.h>

PAGING_BEGIN_C

typedef struct {
    uint64_t value;
} paging_phys_t;

typedef struct {
    uint64_t value;
} paging_virt_t;

typedef struct {
    uint64_t number;
} paging_frame_t;

typedef struct {
    uint64_t number;
} paging_page_t;

/* A page size is the level of the table whose entry is the leaf (SDM 3A, table 4-14). */
enum paging_size { PAGING_4K = 1, PAGING_2M = 2, PAGING_1G = 3 };

/* Returns how many pages or frames one entry of a table of this level spans: 1, 512, 512^2, ... */
static inline uint64_t paging_level_pages(unsigned level)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): a level is 1 to 5 */
    return (uint64_t)1 << (PAGING_INDEX_BITS * (level - 1));
}

/* The same in bytes. */
static inline uint64_t paging_level_bytes(unsigned level)
{
    return paging_level_pages(level) << PAGING_PAGE_SHIFT;
}

static inline paging_frame_t paging_frame_containing(paging_phys_t address)
{
    return PAGING_MAKE(paging_frame_t, address.value >> PAGING_PAGE_SHIFT);
}

static inline paging_phys_t paging_frame_start(paging_frame_t frame)
{
    return PAGING_MAKE(paging_phys_t, frame.number << PAGING_PAGE_SHIFT);
}

/* Returns how many bits of a virtual address are translated: 48 or 57 (SDM 1, 3.3.7.1). */
static inline unsigned paging_address_bits(unsigned levels)
{
    return PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * levels;
}

/* Returns the address made canonical: its highest translated bit is copied into all bits above it. */
static inline paging_virt_t paging_canonical(unsigned levels, uint64_t address)
{
    unsigned unused = 64 - paging_address_bits(levels);
    return PAGING_MAKE(paging_virt_t, (uint64_t)((int64_t)(address << unused) >> unused));
}

static inline bool paging_is_canonical(unsigned levels, paging_virt_t address)
{
    return paging_canonical(levels, address.value).value == address.value;
}

/* Stores the page that contains the address. PAGING_NOT_CANONICAL: the address is in no page. */
PAGING_MUST_CHECK static inline enum paging_status
paging_page_containing(unsigned levels, paging_virt_t address, paging_page_t *page)
{
    if (!paging_is_canonical(levels, address))
        return PAGING_NOT_CANONICAL;
    unsigned unused = 64 - paging_address_bits(levels);
    page->number = address.value << unused >> (unused + PAGING_PAGE_SHIFT);
    return PAGING_OK;
}

/*
 * Returns the page that contains the address. Of an address that is not canonical, it is a number that is too
 * large for any page: operations answer PAGING_BAD_PAGE.
 */
static inline paging_page_t paging_page_at(unsigned levels, paging_virt_t address)
{
    paging_page_t page = PAGING_MAKE(paging_page_t, UINT64_MAX);
    if (paging_page_containing(levels, address, &page) != PAGING_OK)
        return PAGING_MAKE(paging_page_t, UINT64_MAX);
    return page;
}

/* Returns the address of the page's first byte. */
static inline paging_virt_t paging_page_start(unsigned levels, paging_page_t page)
{
    return paging_canonical(levels, page.number << PAGING_PAGE_SHIFT);
}

/* Returns how many pages an address space has: all smaller numbers are pages. */
static inline uint64_t paging_page_limit(unsigned levels)
{
    return (uint64_t)1 << (PAGING_INDEX_BITS * levels);
}

/*
 * Stores the page that lies `pages` after this one in the same half of the address space.
 *
 *   PAGING_BAD_PAGE        the page's number is too large for the number of levels
 *   PAGING_RANGE_TOO_LONG  the half ends before that
 */
PAGING_MUST_CHECK static inline enum paging_status paging_page_advance(unsigned levels, paging_page_t page,
                                                                       uint64_t pages, paging_page_t *result)
{
    uint64_t half = paging_page_limit(levels) / 2;
    if (page.number >= 2 * half)
        return PAGING_BAD_PAGE;
    if (pages >= half - page.number % half)
        return PAGING_RANGE_TOO_LONG;
    result->number = page.number + pages;
    return PAGING_OK;
}

/* Returns the index that selects the page's entry in the table of this level (1 for the P1). */
static inline unsigned paging_page_index(paging_page_t page, unsigned level)
{
    return (unsigned)(page.number >> (PAGING_INDEX_BITS * (level - 1))) & (PAGING_TABLE_ENTRIES - 1);
}

PAGING_END_C

#endif
