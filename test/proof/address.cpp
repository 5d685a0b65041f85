/* SPDX-License-Identifier: MIT */
/*
 * address.cpp - addresses, pages and indices: SDM 1, 3.3.7.1, and SDM 3A, 4.5.
 */
#include "core.h"

static const char *const ADDRESS = "address";

/* Returns whether bits 47 (56 with five levels) to 63 are all equal, as the manual defines it. */
static bool is_canonical(unsigned levels, uint64_t address)
{
    uint64_t top = levels == 4 ? bits_from_to(address, 47, 63) : bits_from_to(address, 56, 63);
    uint64_t all = levels == 4 ? bits_from_to(~(uint64_t)0, 47, 63) : bits_from_to(~(uint64_t)0, 56, 63);
    return top == 0 || top == all;
}

/* Returns any page that exists: 2^36 do with four levels, 2^45 with five. */
static paging_page_t any_page(unsigned levels)
{
    paging_page_t page = {anything("page")};
    assume(page.number < (uint64_t)1 << 9 * levels);
    return page;
}

THEOREM("paging_is_canonical: as the manual defines it")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    claim(paging_is_canonical(levels, {address}) == is_canonical(levels, address));
}
FALLACY("paging_is_canonical: what is canonical with five levels is so with four")
{
    uint64_t address = anything(ADDRESS);
    assume(paging_is_canonical(5, {address}));
    claim(paging_is_canonical(4, {address}));
}

THEOREM("paging_canonical: the result is canonical, and has the same translated bits")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    uint64_t made = paging_canonical(levels, address).value;
    int last = levels == 4 ? 47 : 56;
    claim(is_canonical(levels, made));
    claim(bits_from_to(made, 0, last) == bits_from_to(address, 0, last));
    claim(paging_canonical(levels, made).value == made);
}

THEOREM("paging_page_containing: it accepts exactly the canonical addresses, and stores nothing otherwise")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    paging_page_t page = {anything("page before")};
    enum paging_status status = paging_page_containing(levels, {address}, &page);
    claim((status == PAGING_OK) == is_canonical(levels, address));
    claim(status == PAGING_OK || status == PAGING_NOT_CANONICAL);
    if (status != PAGING_OK)
        claim(page.number == anything("page before"));
}

THEOREM("paging_page_containing: the page starts at the address without its last 12 bits, and exists")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    paging_page_t page;
    assume(paging_page_containing(levels, {address}, &page) == PAGING_OK);
    claim(paging_page_start(levels, page).value == address - address % 4096);
    claim(page.number < (uint64_t)1 << 9 * levels);
    claim(page.number < paging_page_limit(levels));
}

THEOREM("paging_page_start: it is aligned and canonical, and contained in the same page")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels), again;
    paging_virt_t start = paging_page_start(levels, page);
    claim(start.value % 4096 == 0);
    claim(paging_page_containing(levels, start, &again) == PAGING_OK);
    claim(again.number == page.number);
}

THEOREM("page: its last byte belongs to it, and the next byte does not")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels), of_last, of_next;
    uint64_t start = paging_page_start(levels, page).value;
    claim(paging_page_containing(levels, {start + 4095}, &of_last) == PAGING_OK);
    claim(of_last.number == page.number);
    if (paging_page_containing(levels, {start + 4096}, &of_next) == PAGING_OK)
        claim(of_next.number != page.number);
}

THEOREM("paging_page_index: bits 12-20, 21-29, 30-38, 39-47 and 48-56 of the address")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    paging_page_t page;
    assume(paging_page_containing(levels, {address}, &page) == PAGING_OK);
    claim(paging_page_index(page, 1) == bits_from_to(address, 12, 20));
    claim(paging_page_index(page, 2) == bits_from_to(address, 21, 29));
    claim(paging_page_index(page, 3) == bits_from_to(address, 30, 38));
    claim(paging_page_index(page, 4) == bits_from_to(address, 39, 47));
    claim(paging_page_index(page, 5) == (levels == 5 ? bits_from_to(address, 48, 56) : uint64_t(0)));
}

THEOREM("paging_page_index: all indices together are the page number")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels);
    uint64_t rebuilt = 0;
    for (unsigned level = levels; level >= 1; level--) {
        claim(paging_page_index(page, level) < 512);
        rebuilt = rebuilt * 512 + paging_page_index(page, level);
    }
    claim(rebuilt == page.number);
}

THEOREM("paging_page_advance: the result is `pages` times 4 KiB further on, in the same half")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = {anything("page")}, result;
    uint64_t pages = anything("pages");
    assume(paging_page_advance(levels, page, pages, &result) == PAGING_OK);
    uint64_t start = paging_page_start(levels, page).value, end = paging_page_start(levels, result).value;
    claim(pages < (uint64_t)1 << 52);
    claim(end - start == pages * 4096);
    claim(end >= start && end >> 63 == start >> 63);
}

THEOREM("paging_page_advance: it refuses pages that do not exist, and results that are not in the same half")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = {anything("page")}, result = {anything("result before")};
    uint64_t pages = anything("pages");
    enum paging_status status = paging_page_advance(levels, page, pages, &result);
    uint64_t half = (uint64_t)1 << (levels == 4 ? 35 : 44);
    uint64_t left = (page.number < half ? half : 2 * half) - page.number;
    if (page.number >= 2 * half)
        claim(status == PAGING_BAD_PAGE);
    else
        claim(status == (pages < left ? PAGING_OK : PAGING_RANGE_TOO_LONG));
    if (status != PAGING_OK)
        claim(result.number == anything("result before"));
}
FALLACY("paging_page_advance: every page has a next one")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels), result;
    claim(paging_page_advance(levels, page, 1, &result) == PAGING_OK);
}

THEOREM("frame: it starts at the address without its last 12 bits, for every address below 2^52")
{
    paging_phys_t address = {anything(ADDRESS)};
    assume(address.value < (uint64_t)1 << 52);
    paging_frame_t frame = paging_frame_containing(address);
    claim(frame.number < (uint64_t)1 << 40);
    claim(paging_frame_start(frame).value == address.value - address.value % 4096);
    claim(paging_frame_containing(paging_frame_start(frame)).number == frame.number);
}

THEOREM("size: one entry of a table of level 1 to 5 maps 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB")
{
    uint64_t bytes = 4096;
    for (unsigned level = 1; level <= 5; level++, bytes *= 512) {
        claim(paging_level_bytes(level) == bytes);
        claim(paging_level_pages(level) == bytes / 4096);
    }
    claim(paging_address_bits(4) == 48 && paging_address_bits(5) == 57);
}
