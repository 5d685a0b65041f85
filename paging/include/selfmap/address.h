/*
 * address.h - addresses, and the frames and pages that contain them.
 *
 * One struct per kind of number, so that the compiler refuses to mix them. An address counts bytes; a frame
 * and a page count units of PAGING_PAGE_BYTES. Regions are half-open: {start, end}, end is not part of them.
 *
 * A page's number is *masked*: it holds the index bits only (36 bits with four levels, 45 with five), not
 * the sign extension. It is made by a checked constructor, paging_page_containing, so the operations need neither a
 * canonical check nor an index mask, and for the same reason it belongs to one number of levels. A paging_page_t
 * made by hand must be below paging_level_pages(levels) * PAGING_TABLE_ENTRIES; with a larger one nothing is promised.
 */
#ifndef SELFMAP_ADDRESS_H
#define SELFMAP_ADDRESS_H

#include <selfmap/config.h>
#include <selfmap/status.h>
#include <stdbool.h>

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

/* Page sizes are named by the level of the table whose entry is the leaf (SDM 3A, table 4-14). */
enum paging_size { PAGING_4K = 1, PAGING_2M = 2, PAGING_1G = 3 };

/* How many pages of PAGING_PAGE_BYTES, or frames, one entry of a table of this level spans: 1, 512, 512^2, ... */
static inline uint64_t paging_level_pages(unsigned level)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): a level is 1 to 5 */
    return (uint64_t)1 << (PAGING_INDEX_BITS * (level - 1));
}

static inline uint64_t paging_level_bytes(unsigned level)
{
    return paging_level_pages(level) << PAGING_PAGE_SHIFT;
}

static inline paging_frame_t paging_frame_containing(paging_phys_t address)
{
    return (paging_frame_t){address.value >> PAGING_PAGE_SHIFT};
}

static inline paging_phys_t paging_frame_start(paging_frame_t frame)
{
    return (paging_phys_t){frame.number << PAGING_PAGE_SHIFT};
}

/* Bits of a virtual address that are translated: 48 with four levels, 57 with five (SDM 1, 3.3.7.1). */
static inline unsigned paging_address_bits(unsigned levels)
{
    return PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * levels;
}

/* An address made canonical: the highest translated bit is copied into all bits above it. */
static inline paging_virt_t paging_canonical(unsigned levels, uint64_t address)
{
    unsigned unused = 64 - paging_address_bits(levels);
    return (paging_virt_t){(uint64_t)((int64_t)(address << unused) >> unused)};
}

static inline bool paging_is_canonical(unsigned levels, paging_virt_t address)
{
    return paging_canonical(levels, address.value).value == address.value;
}

/* Any canonical address of the page's bytes makes the page; a non-canonical one is refused. */
PAGING_MUST_CHECK static inline enum paging_status
paging_page_containing(unsigned levels, paging_virt_t address, paging_page_t *page)
{
    if (!paging_is_canonical(levels, address))
        return PAGING_NOT_CANONICAL;
    unsigned unused = 64 - paging_address_bits(levels);
    page->number = address.value << unused >> (unused + PAGING_PAGE_SHIFT);
    return PAGING_OK;
}

static inline paging_virt_t paging_page_start(unsigned levels, paging_page_t page)
{
    return paging_canonical(levels, page.number << PAGING_PAGE_SHIFT);
}

/* The index that selects this page's entry in the table of a level (1 for the P1). */
static inline unsigned paging_page_index(paging_page_t page, unsigned level)
{
    return (unsigned)(page.number >> (PAGING_INDEX_BITS * (level - 1))) & (PAGING_TABLE_ENTRIES - 1);
}

static inline unsigned paging_p1_index(paging_page_t page)
{
    return paging_page_index(page, 1);
}

static inline unsigned paging_p2_index(paging_page_t page)
{
    return paging_page_index(page, 2);
}

static inline unsigned paging_p3_index(paging_page_t page)
{
    return paging_page_index(page, 3);
}

static inline unsigned paging_p4_index(paging_page_t page)
{
    return paging_page_index(page, 4);
}

static inline unsigned paging_p5_index(paging_page_t page)
{
    return paging_page_index(page, 5);
}

#endif
