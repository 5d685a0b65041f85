/* SPDX-License-Identifier: MIT */
/* map_range.c - map a range, to given frames or to frames from the source: the arguments, and the check. */
#include "map_range.h"
#include "cursor.h"
#include "table_pages.h"
#include <selfmap/map.h>
#include <selfmap/range.h>

/* ---- checking ---- */

static bool fits_leaf(unsigned largest, unsigned level, struct page_range part)
{
    return level <= largest && covers_whole_entry(level, part);
}

/* Returns the level of the largest leaves that the flags allow. */
static unsigned largest_allowed(uint64_t flags)
{
    if ((flags & PAGING_LARGEST_4K) != 0)
        return PAGING_4K;
    return (flags & PAGING_LARGEST_2M) != 0 ? PAGING_2M : PAGING_1G;
}

static unsigned largest_leaf(const struct paging_space *space, uint64_t delta, unsigned allowed)
{
    unsigned largest = PAGING_4K;
    unsigned limit = allowed < PAGING_1G || space->cpu.has_1g_pages ? allowed : PAGING_2M;
    while (largest < limit && largest + 1 < space->cpu.levels && delta % paging_level_pages(largest + 1) == 0)
        largest++;
    return largest;
}

/*
 * Returns how many tables the range takes at most below unused entries of one table of this level. The first
 * and the last entry may be covered in part; those in between are all alike, and counted together.
 */
static uint64_t tables_needed(const struct mapping *mapping, unsigned level, struct page_range range)
{
    uint64_t tables = 0, alike;
    for (; level > PAGING_4K && range.at < range.end; range.at += alike * paging_level_pages(level)) {
        struct page_range part = first_part(level, range);
        alike = covers_whole_entry(level, part) ? (range.end - range.at) / paging_level_pages(level) : 1;
        if (!fits_leaf(mapping->certain, level, part))
            tables += alike * (1 + tables_needed(mapping, level - 1, part));
        range.at -= range.at % paging_level_pages(level);
    }
    return tables;
}

/* Checks an entry that is not unused and not a table: what it says about mapping its part of the range. */
static enum paging_status check_used(const struct mapping *mapping, unsigned level, paging_entry_t entry)
{
    if (!paging_entry_is_present(entry))
        return absent_status(entry, mapping->replace_marker);
    return entry_is_malformed(mapping->space, entry, level) ? PAGING_MALFORMED : PAGING_ALREADY_MAPPED;
}

/* Checks a row of a P1. */
static enum paging_status check_row(const struct mapping *mapping, volatile paging_entry_t *slot,
                                    struct page_range row)
{
    enum paging_status status = PAGING_OK;
    for (; status == PAGING_OK && row.at < row.end; row.at++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (!paging_entry_is_unused(entry))
            status = check_used(mapping, PAGING_4K, entry);
    }
    return status;
}

/* Checks that all of the range is free, and adds to *tables those that it takes at most. */
static enum paging_status check_free(const struct mapping *mapping, struct page_range range, uint64_t *tables)
{
    enum paging_status status = PAGING_OK;
    struct cursor c;
    cursor_begin(&c, mapping->space, range);
    while (status == PAGING_OK && cursor_next(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            status = check_row(mapping, c.slot, row);
        } else if (paging_entry_is_unused(c.entry)) {
            uint64_t at = cursor_part(&c).at;
            cursor_skip_unused(&c);
            *tables += tables_needed(mapping, c.level, (struct page_range){at, cursor_part(&c).end});
        } else if (paging_entry_is_table(c.entry, c.level) &&
                   !entry_is_malformed(mapping->space, c.entry, c.level)) {
            cursor_descend(&c);
        } else {
            status = check_used(mapping, c.level, c.entry);
            *tables += tables_needed(mapping, c.level, cursor_part(&c)); /* in the place of a marker */
        }
    }
    return status;
}

static enum paging_status check_and_fill(struct mapping *mapping, struct page_range range)
{
    bool allocates = (mapping->flags & PAGING_OWNED) != 0;
    if (paging_entry_is_unused(mapping->marker))
        mapping->largest = largest_leaf(mapping->space, mapping->delta, mapping->largest);
    mapping->certain = allocates ? PAGING_4K : mapping->largest;
    uint64_t tables = 0, pages = allocates ? range.end - range.at : 0;
    enum paging_status status = check_free(mapping, range, &tables);
    if (status != PAGING_OK)
        return status;
    if (!mapping->frames->reserve(mapping->frames, mapping->space, tables, pages))
        return PAGING_NO_FRAMES;
    status = paging_fill_range(mapping, range);
    mapping->frames->unreserve(mapping->frames, mapping->space);
    paging_temp_unmap(mapping->space);
    return status;
}

/* ---- the operations ---- */

/* Checks what all three refuse, and takes what is not for the leaves out of the flags. */
static enum paging_status check_map_arguments(paging_virt_t start, uint64_t bytes, struct mapping *mapping,
                                              struct page_range *range)
{
    enum paging_status status = paging_range_check(mapping->space, start, bytes, range);
    mapping->replace_marker = (mapping->flags & PAGING_REPLACE_MARKER) != 0;
    mapping->largest = largest_allowed(mapping->flags);
    mapping->flags &= ~(PAGING_REPLACE_MARKER | PAGING_LARGEST_4K | PAGING_LARGEST_2M);
    if (status != PAGING_OK)
        return status;
    return check_flags(mapping->space, mapping->flags,
                       in_upper_half(mapping->space, (paging_page_t){range->at}));
}

enum paging_status paging_map_range(struct paging_space *space, paging_virt_t start, paging_phys_t to,
                                    uint64_t bytes, uint64_t flags, struct paging_frame_source *frames)
{
    struct page_range range;
    struct mapping mapping = {.space = space, .frames = frames, .flags = flags};
    enum paging_status status = check_map_arguments(start, bytes, &mapping, &range);
    if (status == PAGING_OK && to.value % PAGING_PAGE_BYTES != 0)
        status = PAGING_MISALIGNED;
    if (status != PAGING_OK)
        return status;
    uint64_t first = paging_frame_containing(to).number, pages = range.end - range.at;
    if (first + pages > space->frame_limit) /* both are below 2^53 */
        return PAGING_FRAME_TOO_HIGH;
    mapping.delta = first - range.at;
    return check_and_fill(&mapping, range);
}

enum paging_status paging_map_range_alloc(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                          uint64_t flags, struct paging_frame_source *frames)
{
    struct page_range range;
    struct mapping mapping = {.space = space, .frames = frames, .flags = flags};
    enum paging_status status = check_map_arguments(start, bytes, &mapping, &range);
    if (status != PAGING_OK)
        return status;
    mapping.flags |= PAGING_OWNED;
    return check_and_fill(&mapping, range);
}

enum paging_status paging_identity_map_range(struct paging_space *space, paging_phys_t start, uint64_t bytes,
                                             uint64_t flags, struct paging_frame_source *frames)
{
    return paging_map_range(space, (paging_virt_t){start.value}, start, bytes, flags, frames);
}

enum paging_status paging_set_marker_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                           uint64_t value, uint64_t flags, struct paging_frame_source *frames)
{
    struct page_range range;
    struct mapping mapping = {.space = space, .frames = frames, .flags = flags};
    enum paging_status status = check_map_arguments(start, bytes, &mapping, &range);
    if (status == PAGING_OK &&
        (value == 0 || value > PAGING_MARKER_LIMIT || (flags & ~PAGING_REPLACE_MARKER) != 0))
        status = PAGING_BAD_FLAGS;
    if (status != PAGING_OK)
        return status;
    mapping.marker = paging_marker_entry(value);
    mapping.largest = space->cpu.levels > PAGING_1G ? PAGING_1G : PAGING_2M;
    return check_and_fill(&mapping, range);
}
