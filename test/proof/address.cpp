/*
 * address.cpp - addresses, pages and indices: SDM 1, 3.3.7.1, and SDM 3A, 4.5.
 */
#include "core.h"

static const char *const ADDRESS = "address";

/* Bits 47 (56 with five levels) to 63 are all equal, as the manual says it. */
static bool is_canonical(unsigned levels, uint64_t address)
{
    uint64_t top = levels == 4 ? bits_from_to(address, 47, 63) : bits_from_to(address, 56, 63);
    uint64_t all = levels == 4 ? bits_from_to(~(uint64_t)0, 47, 63) : bits_from_to(~(uint64_t)0, 56, 63);
    return top == 0 || top == all;
}

/* A paging_page_t as the constructor makes it. */
static paging_page_t any_page(unsigned levels)
{
    paging_page_t page = {anything("page")};
    assume(page.number < (uint64_t)1 << 9 * (levels == 4 ? 4 : 5));
    return page;
}

THEOREM("address: canonical is what the manual calls so")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    claim(paging_is_canonical(levels, {address}) == is_canonical(levels, address));
}
FALLACY("address: canonical with five levels is canonical with four")
{
    uint64_t address = anything(ADDRESS);
    assume(paging_is_canonical(5, {address}));
    claim(paging_is_canonical(4, {address}));
}

THEOREM("address: made canonical, it is; the translated bits stay; twice is once")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    uint64_t made = paging_canonical(levels, address).value;
    int last = levels == 4 ? 47 : 56;
    claim(is_canonical(levels, made));
    claim(bits_from_to(made, 0, last) == bits_from_to(address, 0, last));
    claim(paging_canonical(levels, made).value == made);
}

THEOREM("page: made of every canonical address, of no other, and nothing is written if it is not")
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

THEOREM("page: it starts at the address without the last 12 bits, and has index bits only")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    paging_page_t page;
    assume(paging_page_containing(levels, {address}, &page) == PAGING_OK);
    claim(paging_page_start(levels, page).value == address - address % 4096);
    claim(page.number < paging_level_pages(levels) * PAGING_TABLE_ENTRIES);
}

THEOREM("page: from page to address and back is the same page, and the address is aligned and canonical")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels), again;
    paging_virt_t start = paging_page_start(levels, page);
    claim(start.value % 4096 == 0);
    claim(paging_page_containing(levels, start, &again) == PAGING_OK);
    claim(again.number == page.number);
}

THEOREM("page: the last byte of a page is of the same page, the next byte is not")
{
    unsigned levels = one_of(4, 5);
    paging_page_t page = any_page(levels), of_last, of_next;
    uint64_t start = paging_page_start(levels, page).value;
    claim(paging_page_containing(levels, {start + 4095}, &of_last) == PAGING_OK);
    claim(of_last.number == page.number);
    if (paging_page_containing(levels, {start + 4096}, &of_next) == PAGING_OK)
        claim(of_next.number != page.number);
}

THEOREM("index: the bits 12-20, 21-29, 30-38, 39-47 and 48-56 of the address")
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

THEOREM("index: all of them together are the page again")
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

THEOREM("frame: every address below 2^52 is in the frame it is in")
{
    paging_phys_t address = {anything(ADDRESS)};
    assume(address.value < (uint64_t)1 << 52);
    paging_frame_t frame = paging_frame_containing(address);
    claim(frame.number < (uint64_t)1 << 40);
    claim(paging_frame_start(frame).value == address.value - address.value % 4096);
    claim(paging_frame_containing(paging_frame_start(frame)).number == frame.number);
}

THEOREM("size: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB")
{
    uint64_t bytes = 4096;
    for (unsigned level = 1; level <= 5; level++, bytes *= 512) {
        claim(paging_level_bytes(level) == bytes);
        claim(paging_level_pages(level) == bytes / 4096);
    }
    claim(paging_address_bits(4) == 48 && paging_address_bits(5) == 57);
}
