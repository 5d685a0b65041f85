/*
 * address.h - addresses, and the frames and pages that contain them.
 *
 * One struct per kind of number, so that the compiler refuses to mix them. An address counts bytes; a frame
 * and a page count units of PAGE_BYTES. Regions are half-open: {start, end}, end is not part of them.
 *
 * A page's number is *masked*: it holds the index bits only (36 bits with four levels, 45 with five), not
 * the sign extension. It is made by a checked constructor, page_containing, so the verbs need neither a
 * canonical check nor an index mask, and for the same reason it belongs to one number of levels. A page_t
 * made by hand must be below level_pages(levels) * ENTRY_COUNT; with a larger one nothing is promised.
 */
#ifndef PAGING_ADDRESS_H
#define PAGING_ADDRESS_H

#include "config.h"
#include "status.h"
#include <stdbool.h>

typedef struct {
    uint64_t value;
} phys_addr_t;

typedef struct {
    uint64_t value;
} virt_addr_t;

typedef struct {
    uint64_t number;
} frame_t;

typedef struct {
    uint64_t number;
} page_t;

/* Page sizes are named by the level of the table whose entry is the leaf (SDM 3A, table 4-14). */
enum page_size { PAGE_4K = 1, PAGE_2M = 2, PAGE_1G = 3 };

/* How many pages of PAGE_BYTES, or frames, one entry of a table of this level spans: 1, 512, 512^2, ... */
static inline uint64_t level_pages(unsigned level)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): a level is 1 to 5 */
    return (uint64_t)1 << (INDEX_BITS * (level - 1));
}

static inline uint64_t level_bytes(unsigned level)
{
    return level_pages(level) << PAGE_SHIFT;
}

static inline frame_t frame_containing(phys_addr_t address)
{
    return (frame_t){address.value >> PAGE_SHIFT};
}

static inline phys_addr_t frame_start(frame_t frame)
{
    return (phys_addr_t){frame.number << PAGE_SHIFT};
}

/* Bits of a virtual address that are translated: 48 with four levels, 57 with five (SDM 1, 3.3.7.1). */
static inline unsigned address_bits(unsigned levels)
{
    return PAGE_SHIFT + INDEX_BITS * levels;
}

/* An address made canonical: the highest translated bit is copied into all bits above it. */
static inline virt_addr_t canonical_address(unsigned levels, uint64_t address)
{
    unsigned unused = 64 - address_bits(levels);
    return (virt_addr_t){(uint64_t)((int64_t)(address << unused) >> unused)};
}

static inline bool address_is_canonical(unsigned levels, virt_addr_t address)
{
    return canonical_address(levels, address.value).value == address.value;
}

/* Any canonical address of the page's bytes makes the page; a non-canonical one is refused. */
MUST_CHECK static inline enum paging_status page_containing(unsigned levels, virt_addr_t address,
                                                            page_t *page)
{
    if (!address_is_canonical(levels, address))
        return PAGING_NOT_CANONICAL;
    unsigned unused = 64 - address_bits(levels);
    page->number = address.value << unused >> (unused + PAGE_SHIFT);
    return PAGING_OK;
}

static inline virt_addr_t page_start(unsigned levels, page_t page)
{
    return canonical_address(levels, page.number << PAGE_SHIFT);
}

/* The index that selects this page's entry in the table of a level (1 for the P1). */
static inline unsigned page_index(page_t page, unsigned level)
{
    return (unsigned)(page.number >> (INDEX_BITS * (level - 1))) & (ENTRY_COUNT - 1);
}

static inline unsigned p1_index(page_t page)
{
    return page_index(page, 1);
}

static inline unsigned p2_index(page_t page)
{
    return page_index(page, 2);
}

static inline unsigned p3_index(page_t page)
{
    return page_index(page, 3);
}

static inline unsigned p4_index(page_t page)
{
    return page_index(page, 4);
}

static inline unsigned p5_index(page_t page)
{
    return page_index(page, 5);
}

#endif
