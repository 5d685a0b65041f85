/* SPDX-License-Identifier: MIT */
/* find_hole.c - the lowest unused addresses of some length. */
#include <selfmap/find_hole.h>

#include "cursor.h"

static uint64_t aligned_up(uint64_t number, uint64_t alignment)
{
    return (number + alignment - 1) & ~(alignment - 1);
}

/* Returns whether an entry that is used can have unused ones below it. A full P1 has none. */
static bool may_have_hole(const struct paging_space *space, paging_entry_t entry, unsigned level)
{
    return paging_entry_is_table(entry, level) && !entry_is_malformed(space, entry, level) &&
           (level > PAGING_2M || entry_count(entry) < PAGING_TABLE_ENTRIES);
}

/*
 * Finds `pages` unused pages next to each other, aligned, in a range that lies in one half and has no
 * reserved root slots. Stores the first one. In the loop all pages between *found and the cursor are unused.
 */
static bool find_in(const struct paging_space *space, struct page_range range, uint64_t pages,
                    uint64_t alignment, uint64_t *found)
{
    struct cursor c;
    *found = aligned_up(range.at, alignment);
    cursor_begin(&c, space, range);
    while (*found + pages <= range.end && cursor_next(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE || cursor_part(&c).end <= *found)
            continue;
        if (paging_entry_is_unused(c.entry)) {
            cursor_skip_unused(&c);
            if (*found + pages <= cursor_part(&c).end)
                return true;
        } else if (may_have_hole(space, c.entry, c.level)) {
            cursor_descend(&c);
        } else {
            *found = aligned_up(cursor_part(&c).end, alignment);
        }
    }
    return false;
}

/* Does the same with a range that may have reserved root slots. */
static bool find_between_slots(const struct paging_space *space, struct page_range range, uint64_t pages,
                               uint64_t alignment, uint64_t *found)
{
    struct page_range part;
    while (paging_next_between_slots(space, &range, &part))
        if (find_in(space, part, pages, alignment, found))
            return true;
    return false;
}

static enum paging_status check_hole(const struct paging_space *space, paging_virt_t from,
                                     paging_virt_t until, uint64_t bytes, uint64_t alignment)
{
    const paging_virt_t last = {until.value - 1}; /* of the whole address space if until is 0 */
    if (bytes == 0 || last.value < from.value)
        return PAGING_EMPTY_RANGE;
    if (((from.value | until.value | bytes | alignment) % PAGING_PAGE_BYTES) != 0 || alignment == 0 ||
        (alignment & (alignment - 1)) != 0)
        return PAGING_MISALIGNED;
    if (!paging_is_canonical(space->cpu.levels, from) || !paging_is_canonical(space->cpu.levels, last))
        return PAGING_NOT_CANONICAL;
    return space->mode == PAGING_MODE_UNREACHABLE ? PAGING_UNREACHABLE : PAGING_OK;
}

enum paging_status paging_find_hole(const struct paging_space *space, paging_virt_t from, paging_virt_t until,
                                    uint64_t bytes, uint64_t alignment, paging_virt_t *start)
{
    unsigned levels = space->cpu.levels;
    uint64_t half = paging_page_limit(levels) / 2, mask = 2 * half - 1, found;
    enum paging_status status = check_hole(space, from, until, bytes, alignment);
    if (status != PAGING_OK)
        return status;
    struct page_range range = {from.value >> PAGING_PAGE_SHIFT & mask,
                               ((until.value - 1) >> PAGING_PAGE_SHIFT & mask) + 1};
    struct page_range lower = {range.at, range.end < half ? range.end : half};
    struct page_range upper = {range.at > half ? range.at : half, range.end};
    uint64_t pages = bytes >> PAGING_PAGE_SHIFT, unit = alignment >> PAGING_PAGE_SHIFT;
    if (!find_between_slots(space, lower, pages, unit, &found) &&
        !find_between_slots(space, upper, pages, unit, &found))
        return PAGING_NO_HOLE;
    *start = paging_page_start(levels, (paging_page_t){found});
    return PAGING_OK;
}
