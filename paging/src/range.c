/* SPDX-License-Identifier: MIT */
/* range.c - what a range is, and whether the tables of one are sound. */
#include <selfmap/range.h>

#include "cursor.h"
#include "split.h"

static bool touches_reserved_slot(const struct paging_space *space, struct page_range range)
{
    static const unsigned reserved[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t span = paging_level_pages(space->cpu.levels);
    for (unsigned i = 0; !space->by_direct_map && i < sizeof reserved / sizeof reserved[0]; i++)
        if (range.at < (reserved[i] + 1) * span && reserved[i] * span < range.end)
            return true;
    return false;
}

/* Inlined, because most range operations are about few pages. */
PAGING_ALWAYS_INLINE enum paging_status range_form(const struct paging_space *space, paging_virt_t start,
                                                   uint64_t bytes, struct page_range *range)
{
    if (bytes == 0)
        return PAGING_EMPTY_RANGE;
    if (start.value % PAGING_PAGE_BYTES != 0 || bytes % PAGING_PAGE_BYTES != 0)
        return PAGING_MISALIGNED;
    paging_page_t page;
    enum paging_status status = paging_page_containing(space->cpu.levels, start, &page);
    if (status != PAGING_OK)
        return status;
    uint64_t half = paging_page_limit(space->cpu.levels) / 2, pages = bytes / PAGING_PAGE_BYTES;
    if (pages > half - page.number % half)
        return PAGING_RANGE_TOO_LONG;
    *range = (struct page_range){page.number, page.number + pages};
    return PAGING_OK;
}

enum paging_status paging_range_form(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                     struct page_range *range)
{
    return range_form(space, start, bytes, range);
}

enum paging_status paging_range_check(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      struct page_range *range)
{
    struct page_range form;
    enum paging_status status = range_form(space, start, bytes, &form);
    if (status == PAGING_OK)
        status = check_reach(space, (paging_page_t){form.at});
    if (status != PAGING_OK)
        return status;
    *range = form;
    return touches_reserved_slot(space, form) ? PAGING_RESERVED_SLOT : PAGING_OK;
}

bool paging_next_between_slots(const struct paging_space *space, struct page_range *range,
                               struct page_range *part)
{
    unsigned slot = space->cpu.levels; /* level of the entries that map one */
    while (range->at < range->end && page_is_reserved(space, (paging_page_t){range->at}))
        range->at = first_part(slot, *range).end;
    *part = (struct page_range){range->at, range->at};
    while (range->at < range->end && !page_is_reserved(space, (paging_page_t){range->at}))
        part->end = range->at = first_part(slot, *range).end;
    return part->at < part->end;
}

enum paging_status paging_check_tables(const struct paging_space *space, struct page_range range)
{
    struct cursor c;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE || !paging_entry_is_present(c.entry))
            continue;
        if (entry_is_malformed(space, c.entry, c.level))
            return PAGING_MALFORMED;
        if (c.level > PAGING_2M && (c.entry.bits & PAGING_HUGE) == 0) /* it points to a table */
            cursor_descend(&c);
    }
    return PAGING_OK;
}
