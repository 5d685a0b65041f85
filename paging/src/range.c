/* range.c - what a range is. */
#include "checks.h"
#include "range_parts.h"
#include <selfmap/range.h>

static bool touches_kept_slot(const struct paging_space *space, struct range range)
{
    static const unsigned kept[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t span = paging_level_pages(space->cpu.levels);
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (range.at < (kept[i] + 1) * span && kept[i] * span < range.end)
            return true;
    return false;
}

enum paging_status paging_range_check(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct range *range)
{
    if (bytes == 0)
        return PAGING_EMPTY_RANGE;
    if (start.value % PAGING_PAGE_BYTES != 0 || bytes % PAGING_PAGE_BYTES != 0)
        return PAGING_MISALIGNED;
    paging_page_t page;
    enum paging_status status = paging_page_containing(space->cpu.levels, start, &page);
    if (status != PAGING_OK)
        return status;
    uint64_t half = paging_level_pages(space->cpu.levels) * (PAGING_TABLE_ENTRIES / 2),
             pages = bytes / PAGING_PAGE_BYTES;
    if (pages > half - page.number % half)
        return PAGING_RANGE_TOO_LONG;
    status = check_reach(space, page);
    if (status != PAGING_OK)
        return status;
    *range = (struct range){page.number, page.number + pages};
    return touches_kept_slot(space, *range) ? PAGING_RESERVED_SLOT : PAGING_OK;
}
