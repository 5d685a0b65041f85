/* range.c - what a range is. */
#include "range.h"
#include "checks.h"
#include "range_walk.h"

static bool touches_kept_slot(const struct address_space *space, struct range range)
{
    static const unsigned kept[] = {PAGING_RECURSIVE_SLOT, PAGING_FOREIGN_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t span = level_pages(space->cpu.levels);
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (range.at < (kept[i] + 1) * span && kept[i] * span < range.end)
            return true;
    return false;
}

enum paging_status range_check(const struct address_space *space, virt_addr_t start, uint64_t bytes,
                               struct range *range)
{
    if (bytes == 0)
        return PAGING_EMPTY_RANGE;
    if (start.value % PAGE_BYTES != 0 || bytes % PAGE_BYTES != 0)
        return PAGING_MISALIGNED;
    page_t page;
    enum paging_status status = page_containing(space->cpu.levels, start, &page);
    if (status != PAGING_OK)
        return status;
    uint64_t half = level_pages(space->cpu.levels) * (ENTRY_COUNT / 2), pages = bytes / PAGE_BYTES;
    if (pages > half - page.number % half)
        return PAGING_RANGE_TOO_LONG;
    status = check_reach(space, page);
    if (status != PAGING_OK)
        return status;
    *range = (struct range){page.number, page.number + pages};
    return touches_kept_slot(space, *range) ? PAGING_RESERVED_SLOT : PAGING_OK;
}
