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

/* A page_t as the constructor makes it. */
static page_t any_page(unsigned levels)
{
    page_t page = {anything("page")};
    assume(page.number < (uint64_t)1 << 9 * (levels == 4 ? 4 : 5));
    return page;
}

THEOREM("address: canonical is what the manual calls so")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    claim(address_is_canonical(levels, {address}) == is_canonical(levels, address));
}
FALLACY("address: canonical with five levels is canonical with four")
{
    uint64_t address = anything(ADDRESS);
    assume(address_is_canonical(5, {address}));
    claim(address_is_canonical(4, {address}));
}

THEOREM("address: made canonical, it is; the translated bits stay; twice is once")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    uint64_t made = canonical_address(levels, address).value;
    int last = levels == 4 ? 47 : 56;
    claim(is_canonical(levels, made));
    claim(bits_from_to(made, 0, last) == bits_from_to(address, 0, last));
    claim(canonical_address(levels, made).value == made);
}

THEOREM("page: made of every canonical address, of no other, and nothing is written if it is not")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    page_t page = {anything("page before")};
    enum paging_status status = page_containing(levels, {address}, &page);
    claim((status == PAGING_OK) == is_canonical(levels, address));
    claim(status == PAGING_OK || status == PAGING_NOT_CANONICAL);
    if (status != PAGING_OK)
        claim(page.number == anything("page before"));
}

THEOREM("page: it starts at the address without the last 12 bits, and has index bits only")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    page_t page;
    assume(page_containing(levels, {address}, &page) == PAGING_OK);
    claim(page_start(levels, page).value == address - address % 4096);
    claim(page.number < level_pages(levels) * ENTRY_COUNT);
}

THEOREM("page: from page to address and back is the same page, and the address is aligned and canonical")
{
    unsigned levels = one_of(4, 5);
    page_t page = any_page(levels), again;
    virt_addr_t start = page_start(levels, page);
    claim(start.value % 4096 == 0);
    claim(page_containing(levels, start, &again) == PAGING_OK);
    claim(again.number == page.number);
}

THEOREM("page: the last byte of a page is of the same page, the next byte is not")
{
    unsigned levels = one_of(4, 5);
    page_t page = any_page(levels), of_last, of_next;
    uint64_t start = page_start(levels, page).value;
    claim(page_containing(levels, {start + 4095}, &of_last) == PAGING_OK);
    claim(of_last.number == page.number);
    if (page_containing(levels, {start + 4096}, &of_next) == PAGING_OK)
        claim(of_next.number != page.number);
}

THEOREM("index: the bits 12-20, 21-29, 30-38, 39-47 and 48-56 of the address")
{
    unsigned levels = one_of(4, 5);
    uint64_t address = anything(ADDRESS);
    page_t page;
    assume(page_containing(levels, {address}, &page) == PAGING_OK);
    claim(p1_index(page) == bits_from_to(address, 12, 20));
    claim(p2_index(page) == bits_from_to(address, 21, 29));
    claim(p3_index(page) == bits_from_to(address, 30, 38));
    claim(p4_index(page) == bits_from_to(address, 39, 47));
    claim(p5_index(page) == (levels == 5 ? bits_from_to(address, 48, 56) : uint64_t(0)));
}

THEOREM("index: all of them together are the page again")
{
    unsigned levels = one_of(4, 5);
    page_t page = any_page(levels);
    uint64_t rebuilt = 0;
    for (unsigned level = levels; level >= 1; level--) {
        claim(page_index(page, level) < 512);
        rebuilt = rebuilt * 512 + page_index(page, level);
    }
    claim(rebuilt == page.number);
}

THEOREM("frame: every address below 2^52 is in the frame it is in")
{
    phys_addr_t address = {anything(ADDRESS)};
    assume(address.value < (uint64_t)1 << 52);
    frame_t frame = frame_containing(address);
    claim(frame.number < (uint64_t)1 << 40);
    claim(frame_start(frame).value == address.value - address.value % 4096);
    claim(frame_containing(frame_start(frame)).number == frame.number);
}

THEOREM("size: 4 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB")
{
    uint64_t bytes = 4096;
    for (unsigned level = 1; level <= 5; level++, bytes *= 512) {
        claim(level_bytes(level) == bytes);
        claim(level_pages(level) == bytes / 4096);
    }
    claim(address_bits(4) == 48 && address_bits(5) == 57);
}
