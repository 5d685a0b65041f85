/*
 * range.cpp - a range of pages is cut at the entries of tables, and nothing is lost, doubled or beyond 2^64.
 */
#include "core.h"

#include "range.c"

static inline paging_entry_t machine_load(uint64_t)
{
    return {0};
}
static inline void machine_store(uint64_t, uint64_t)
{
}
static inline void machine_flush(uint64_t)
{
}

/* A range that lies in one table of this level, with four levels or five. */
static struct range any_range(unsigned level)
{
    struct range range = {anything("at"), anything("end")};
    uint64_t table_pages = paging_level_pages(level) * PAGING_TABLE_ENTRIES;
    assume(range.at < range.end);
    assume(range.end <= (uint64_t)1 << 45);
    assume(range.at / table_pages == (range.end - 1) / table_pages);
    return range;
}

static unsigned any_level()
{
    return one_of(1, 2, 3, 4, 5);
}

THEOREM("range: the first entry ends behind the first page, at the next multiple or the range's end")
{
    unsigned level = any_level();
    struct range range = any_range(level);
    uint64_t end = entry_end(level, range), span = paging_level_pages(level);
    claim(end > range.at && end <= range.end);
    claim(end == range.end || end % span == 0);
    claim(range.at / span == (end - 1) / span);
}

THEOREM("range: in a table it touches 1 to 512 entries")
{
    unsigned level = any_level();
    struct range range = any_range(level);
    unsigned parts = parts_of(level, range);
    claim(parts >= 1 && parts <= 512);
    claim(paging_page_index({range.at}, level) + parts <= 512);
}

THEOREM("range: the parts begin where it begins, end where it ends, and follow one another without a gap")
{
    unsigned level = any_level();
    struct range range = any_range(level);
    unsigned parts = parts_of(level, range), i = anything32("part");
    assume(i < parts);
    struct range part = part_of(level, range, i);
    claim(part.at < part.end);
    claim(i != 0 || part.at == range.at);
    claim(i != parts - 1 ? part.end == part_of(level, range, i + 1).at : part.end == range.end);
}

THEOREM("range: each part lies in one entry, and they count up from the first page's")
{
    unsigned level = any_level();
    struct range range = any_range(level);
    unsigned i = anything32("part");
    assume(i < parts_of(level, range));
    struct range part = part_of(level, range, i);
    uint64_t span = paging_level_pages(level);
    claim(part.at / span == (part.end - 1) / span);
    claim(paging_page_index({part.at}, level) == paging_page_index({range.at}, level) + i);
    claim(part.at >= range.at && part.end <= range.end);
}
FALLACY("range: each part is a whole entry")
{
    struct range range = any_range(2);
    struct range part = part_of(2, range, 0);
    claim(covers_whole_entry(2, part.at, part.end));
}

THEOREM("range: a part covers its entry just if both its ends are the entry's")
{
    unsigned level = any_level();
    struct range range = any_range(level);
    unsigned i = anything32("part");
    assume(i < parts_of(level, range));
    struct range part = part_of(level, range, i);
    uint64_t span = paging_level_pages(level);
    claim(covers_whole_entry(level, part.at, part.end) == (part.at % span == 0 && part.end % span == 0));
}

THEOREM("range: side by side in a table, leaves differ in their frames only, which count up")
{
    unsigned level = one_of(1, 2, 3);
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags");
    assume(frame.number % paging_level_pages(level) == 0);
    assume(frame.number < (uint64_t)1 << 40);
    assume((uint64_t)1 << 40 > frame.number + 2 * paging_level_pages(level));
    paging_entry_t row[4] = {{0}, {0}, {0}, {7}};
    fill_leaves(row, 3, paging_entry_leaf(level, frame, flags), level);
    for (int i = 0; i < 3; i++)
        claim(row[i].bits == paging_entry_leaf(level, {frame.number + i * paging_level_pages(level)}, flags).bits);
    claim(row[3].bits == 7);
}

/* ---- what is a range: by addresses, as a person would say it ---- */

static struct paging_space any_space(unsigned levels)
{
    struct paging_space space = {};
    space.cpu.levels = levels;
    space.mode = PAGING_MODE_RECURSIVE;
    return space;
}

/* Does every byte from first to last exist, in one half? */
static bool lies_in_one_half(unsigned levels, uint64_t first, uint64_t last)
{
    return last >= first && paging_is_canonical(levels, {first}) && paging_is_canonical(levels, {last}) &&
           first >> 63 == last >> 63;
}

THEOREM("paging_range_check: what is accepted is not empty, aligned, and in one half of the address space")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    assume_slots();
    struct range range;
    assume(paging_range_check(&space, {start}, bytes, &range) == PAGING_OK);
    claim(bytes > 0 && bytes % 4096 == 0 && start % 4096 == 0);
    claim(lies_in_one_half(levels, start, start + (bytes - 1)));
    claim(paging_page_start(levels, {range.at}).value == start);
    claim(paging_page_start(levels, {range.end - 1}).value == start + (bytes - 4096));
    claim(range.end - range.at == bytes / 4096);
}

THEOREM("paging_range_check: the status is the first that applies, in the order of range.h")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    assume_slots();
    struct range range;
    enum paging_status status = paging_range_check(&space, {start}, bytes, &range);
    if (bytes == 0)
        claim(status == PAGING_EMPTY_RANGE);
    else if (start % 4096 != 0 || bytes % 4096 != 0)
        claim(status == PAGING_MISALIGNED);
    else if (!paging_is_canonical(levels, {start}))
        claim(status == PAGING_NOT_CANONICAL);
    else if (!lies_in_one_half(levels, start, start + (bytes - 1)))
        claim(status == PAGING_RANGE_TOO_LONG);
    else
        claim(status == PAGING_OK || status == PAGING_RESERVED_SLOT);
}

THEOREM("paging_range_check: no page of what is accepted lies below a slot that the core keeps, and only then")
{
    unsigned levels = one_of(4, 5);
    struct paging_space space = any_space(levels);
    uint64_t start = anything("start"), bytes = anything("bytes");
    assume_slots();
    struct range range;
    enum paging_status status = paging_range_check(&space, {start}, bytes, &range);
    assume(status == PAGING_OK || status == PAGING_RESERVED_SLOT);
    paging_page_t first, last;
    claim(paging_page_containing(levels, {start}, &first) == PAGING_OK);
    claim(paging_page_containing(levels, {start + (bytes - 1)}, &last) == PAGING_OK);
    bool touches = false;
    for (unsigned slot : {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT})
        touches |= paging_page_index(first, levels) <= slot && slot <= paging_page_index(last, levels);
    claim((status == PAGING_RESERVED_SLOT) == touches);
}
FALLACY("paging_range_check: what is accepted ends at another address than 0")
{
    struct paging_space space = any_space(4);
    uint64_t start = anything("start"), bytes = anything("bytes");
    assume_slots();
    struct range range;
    assume(paging_range_check(&space, {start}, bytes, &range) == PAGING_OK);
    claim(start + bytes != 0);
}

THEOREM("paging_range_check: a range that is refused leaves what stood there")
{
    struct paging_space space = any_space(one_of(4, 5));
    assume_slots();
    struct range range = {1, 2};
    enum paging_status status = paging_range_check(&space, {anything("start")}, anything("bytes"), &range);
    assume(status != PAGING_OK && status != PAGING_RESERVED_SLOT);
    claim(range.at == 1 && range.end == 2);
}
