/* SPDX-License-Identifier: MIT */
/*
 * range.cpp - which ranges are accepted, how leaves fill a range, and which huge pages its boundaries split.
 *
 * The rules are written down here in addresses, as range.h has them; the core computes with page numbers.
 */
#include "core.h"

#include "map_range.c"
#include "range.c"
#include "split.c"

static struct paging_space any_space(unsigned levels)
{
    struct paging_space space = {};
    space.cpu.levels = levels;
    space.mode = PAGING_MODE_RECURSIVE;
    assume_slots();
    return space;
}

/* Returns whether every byte from first to last exists, in one half of the address space. */
static bool is_in_one_half(unsigned levels, uint64_t first, uint64_t last)
{
    return last >= first && paging_is_canonical(levels, {first}) && paging_is_canonical(levels, {last}) &&
           first >> 63 == last >> 63;
}

THEOREM("paging_range_check: what it accepts is not empty, is aligned, and lies in one half")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    struct page_range range;
    assume(paging_range_check(&space, {start}, bytes, &range) == PAGING_OK);
    claim(bytes > 0 && bytes % 4096 == 0 && start % 4096 == 0);
    claim(is_in_one_half(levels, start, start + (bytes - 1)));
    claim(paging_page_start(levels, {range.at}).value == start);
    claim(paging_page_start(levels, {range.end - 1}).value == start + (bytes - 4096));
    claim(range.end - range.at == bytes / 4096);
}

THEOREM("paging_range_check: it returns the first status that applies, in the order of range.h")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    struct page_range range;
    enum paging_status status = paging_range_check(&space, {start}, bytes, &range);
    if (bytes == 0)
        claim(status == PAGING_EMPTY_RANGE);
    else if (start % 4096 != 0 || bytes % 4096 != 0)
        claim(status == PAGING_MISALIGNED);
    else if (!paging_is_canonical(levels, {start}))
        claim(status == PAGING_NOT_CANONICAL);
    else if (!is_in_one_half(levels, start, start + (bytes - 1)))
        claim(status == PAGING_RANGE_TOO_LONG);
    else
        claim(status == PAGING_OK || status == PAGING_RESERVED_SLOT);
}

THEOREM("paging_range_check: by direct map it refuses no range as reserved")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    struct page_range range;
    space.by_direct_map = true;
    space.mode = PAGING_MODE_DIRECT_ACTIVE;
    claim(paging_range_check(&space, {anything("start")}, anything("bytes"), &range) != PAGING_RESERVED_SLOT);
}

THEOREM("paging_range_check: it refuses a range as reserved if a page of it lies below a reserved root slot")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    struct page_range range;
    enum paging_status status = paging_range_check(&space, {start}, bytes, &range);
    assume(status == PAGING_OK || status == PAGING_RESERVED_SLOT);
    paging_page_t first, last;
    claim(paging_page_containing(levels, {start}, &first) == PAGING_OK);
    claim(paging_page_containing(levels, {start + (bytes - 1)}, &last) == PAGING_OK);
    unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    unsigned in_range = one_of(0, 1, 2, 3); /* which of them; 3 for none */
    for (unsigned i = 0; i < 3; i++) {
        bool touched =
            paging_page_index(first, levels) <= slots[i] && slots[i] <= paging_page_index(last, levels);
        assume(in_range == 3 ? !touched : i != in_range || touched);
    }
    claim(status == (in_range == 3 ? PAGING_OK : PAGING_RESERVED_SLOT));
}
FALLACY("paging_range_check: no range that it accepts ends at 2^64")
{
    struct paging_space space = any_space(4);
    uint64_t start = anything("start"), bytes = anything("bytes");
    struct page_range range;
    assume(paging_range_check(&space, {start}, bytes, &range) == PAGING_OK);
    claim(start + bytes != 0);
}

THEOREM("paging_range_check: it refuses a range that cannot be changed now, before reserved root slots")
{
    struct paging_space space = any_space(one_of(4, 5));
    uint64_t start = anything("start"), bytes = anything("bytes");
    struct page_range range;
    enum paging_status active = paging_range_check(&space, {start}, bytes, &range);
    assume(active == PAGING_OK || active == PAGING_RESERVED_SLOT);
    space.mode = PAGING_MODE_UNREACHABLE;
    claim(paging_range_check(&space, {start}, bytes, &range) == PAGING_UNREACHABLE);
    space.mode = PAGING_MODE_ALTERNATE;
    space.sharers = 1;
    claim(paging_range_check(&space, {start}, bytes, &range) == (start >> 63 == 1 ? PAGING_SHARED : active));
}

THEOREM("paging_range_check: a range that it refuses is not stored")
{
    struct paging_space space = any_space(one_of(4, 5));
    struct page_range range = {1, 2};
    enum paging_status status = paging_range_check(&space, {anything("start")}, anything("bytes"), &range);
    assume(status != PAGING_OK && status != PAGING_RESERVED_SLOT);
    claim(range.at == 1 && range.end == 2);
}

/* ---- what a range does to one entry, or to entries side by side ---- */

/* Returns a part of a range that one entry of a table of this level maps. */
static struct page_range any_part(unsigned level)
{
    struct page_range part = {anything("at"), anything("end")};
    uint64_t span = paging_level_pages(level);
    assume(part.at < part.end);
    assume(part.at / span == (part.end - 1) / span);
    return part;
}

THEOREM("covers_whole_entry: if both ends of the part are those of its entry, and only then")
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    struct page_range part = any_part(level);
    uint64_t span = paging_level_pages(level);
    claim(covers_whole_entry(level, part) == (part.at % span == 0 && part.end % span == 0));
}
FALLACY("covers_whole_entry: every part does")
{
    claim(covers_whole_entry(2, any_part(2)));
}

THEOREM("first_part: it is all pages of the range that its first entry maps")
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    uint64_t span = paging_level_pages(level);
    struct page_range range = {anything("at"), anything("end")};
    assume(range.at < range.end && range.end <= (uint64_t)1 << 45);
    struct page_range part = first_part(level, range);
    claim(part.at == range.at && part.at < part.end && part.end <= range.end);
    claim(part.at / span == (part.end - 1) / span);
    claim(part.end == range.end || part.end % span == 0);
}

THEOREM("largest_leaf: the largest that processor and flags allow, and both addresses are aligned to alike")
{
    struct paging_space space = {};
    space.cpu.levels = one_of(4, 5);
    space.cpu.has_1g_pages = one_of(0, 1) == 1;
    uint64_t page = anything("page"), frame = anything("frame");
    unsigned allowed = one_of(1, 2, 3);
    unsigned largest = largest_leaf(&space, frame - page, allowed);
    assume(page < (uint64_t)1 << 45);
    assume(frame < (uint64_t)1 << 40);
    bool alike_2m = page % 512 == frame % 512, alike_1g = page % 262144 == frame % 262144;
    unsigned wanted = alike_1g && space.cpu.has_1g_pages ? 3 : alike_2m ? 2 : 1;
    claim(largest == (wanted < allowed ? wanted : allowed));
}

THEOREM("fill_leaves: leaves side by side differ in their frames only, which count up")
{
    unsigned level = one_of(1, 2, 3);
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags"), span = paging_level_pages(level);
    assume(frame.number % span == 0);
    assume(frame.number < (uint64_t)1 << 40 && frame.number + 2 * span < (uint64_t)1 << 40);
    paging_entry_t row[4] = {{0}, {0}, {0}, {7}};
    fill_leaves(row, 3, paging_entry_leaf(level, frame, flags), level);
    for (int i = 0; i < 3; i++)
        claim(row[i].bits == paging_entry_leaf(level, {frame.number + i * span}, flags).bits);
    claim(row[3].bits == 7);
}

/* ---- boundary splits ---- */

THEOREM("alignment_level: the largest leaf that can begin or end at a page inside a 1 GiB page")
{
    uint64_t page = anything("page");
    assume(page % 262144 != 0);
    claim(alignment_level(page) == (page % 512 == 0 ? 2 : 1));
}

/* The split at this boundary: of a leaf of 1 GiB or 2 MiB that reaches across it, or none. */
static struct boundary_split any_split(uint64_t edge)
{
    unsigned leaf = one_of(1, 2, 3);
    if (leaf == 1)
        return {1, 1};
    assume(edge % paging_level_pages(leaf) != 0);
    return {leaf, alignment_level(edge)};
}

/* Assumes that a leaf that is split at one boundary is split at the other one if it reaches across both. */
static void assume_split_at_both(struct boundary_split split, struct boundary_split other, uint64_t inside,
                                 uint64_t other_inside, uint64_t other_edge)
{
    uint64_t span = paging_level_pages(split.leaf);
    if (split.leaf > 1 && inside / span == other_inside / span)
        assume(other.leaf == (other_edge % span != 0 ? int(split.leaf) : 1));
}

THEOREM("tables_for: the number of tables that the splits make; those for both boundaries count once")
{
    struct page_range range = {anything("at"), anything("end")};
    assume(range.at < range.end && range.end <= (uint64_t)1 << 45);
    struct boundary_split start = any_split(range.at), end = any_split(range.end);
    assume_split_at_both(start, end, range.at, range.end - 1, range.end);
    assume_split_at_both(end, start, range.end - 1, range.at, range.at);
    uint64_t tables = 0;
    for (unsigned level = 1; level <= 2; level++) {
        uint64_t span = paging_level_pages(level + 1);
        bool at_start = start.down_to <= level && level < start.leaf;
        bool at_end = end.down_to <= level && level < end.leaf;
        bool same = range.at / span == (range.end - 1) / span;
        tables += at_start && at_end && same ? 1 : (at_start ? 1 : 0) + (at_end ? 1 : 0);
    }
    claim(tables_for(range, start, end) == tables);
}
