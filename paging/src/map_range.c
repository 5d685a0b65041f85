/* map_range.c - map a range, to frames given or to frames of the source. */
#include "checks.h"
#include "range_parts.h"
#include "table_pages.h"
#include <selfmap/map.h>
#include <selfmap/range.h>

/* How a range is mapped: page p to frame p + delta, modulo 2^64, or to frames that the source chooses. */
struct mapping {
    struct paging_frame_source *frames;
    uint64_t delta, flags;
    unsigned largest; /* level of the largest leaves that both alignments and the processor allow */
    unsigned sure;    /* of the largest that can be had for sure: the source may lack huge frames */
    bool over_reserved;
};

static bool fits_leaf(unsigned largest, unsigned level, uint64_t at, uint64_t end)
{
    return level <= largest && covers_whole_entry(level, at, end);
}

static unsigned largest_leaf(const struct paging_space *space, uint64_t delta)
{
    unsigned largest = PAGING_4K;
    unsigned limit = space->cpu.has_1g_pages ? PAGING_1G : PAGING_2M;
    while (largest < limit && largest + 1 < space->cpu.levels && delta % paging_level_pages(largest + 1) == 0)
        largest++;
    return largest;
}

/*
 * Tables that the range takes at most below unused entries of one table of this level. The first and the last
 * entry may be covered in part; those in between are all alike.
 */
static uint64_t fresh_tables(const struct mapping *mapping, unsigned level, struct range range)
{
    uint64_t tables = 0, alike;
    for (; level > PAGING_4K && range.at < range.end; range.at += alike * paging_level_pages(level)) {
        uint64_t end = entry_end(level, range);
        alike =
            covers_whole_entry(level, range.at, end) ? (range.end - range.at) / paging_level_pages(level) : 1;
        if (!fits_leaf(mapping->sure, level, range.at, end))
            tables += alike * (1 + fresh_tables(mapping, level - 1, (struct range){range.at, end}));
        range.at -= range.at % paging_level_pages(level);
    }
    return tables;
}

/* May an entry of the owner's give way to the part of the range? */
static enum paging_status check_marker(const struct mapping *mapping, unsigned level, struct range part)
{
    return mapping->over_reserved && fits_leaf(mapping->sure, level, part.at, part.end) ? PAGING_OK
                                                                                        : PAGING_MARKED;
}

/* Is all of the range unused? Then *tables grows by the tables that it takes at most. */
static enum paging_status look(const struct paging_space *space, const struct mapping *mapping,
                               unsigned level, paging_frame_t table, struct range range, uint64_t *tables)
{
    enum paging_status status = PAGING_OK;
    unsigned parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    for (unsigned i = 0; status == PAGING_OK && i < parts; i++) {
        paging_entry_t entry = paging_entry_load(slot + i);
        struct range part = part_of(level, range, i);
        if (paging_entry_is_unused(entry))
            *tables += fresh_tables(mapping, level, part);
        else if (!paging_entry_is_present(entry))
            status = check_marker(mapping, level, part);
        else if (entry_is_malformed(space, entry, level))
            status = PAGING_MALFORMED;
        else if (!paging_entry_is_table(entry, level))
            status = PAGING_ALREADY_MAPPED;
        else
            status = look(space, mapping, level - 1, paging_entry_frame(entry), part, tables);
    }
    return status;
}

/* False if the source has none of this size; of the smallest it has, they are reserved. */
static bool put_allocated(const struct mapping *mapping, unsigned level, volatile paging_entry_t *slot,
                          struct range range)
{
    for (; range.at < range.end; range.at += paging_level_pages(level), slot++) {
        paging_frame_t frame;
        if (!mapping->frames->allocate(mapping->frames, (enum paging_size)level, &frame))
            return false;
        paging_entry_store(slot, paging_entry_leaf(level, frame, mapping->flags));
    }
    return true;
}

/* Leaves of this level, side by side in one table. For more than one at a time, they must be sure. */
static bool put_leaves(const struct mapping *mapping, unsigned level, volatile paging_entry_t *slot,
                       struct range range)
{
    if ((mapping->flags & PAGING_OWNED) != 0)
        return put_allocated(mapping, level, slot, range);
    paging_entry_t leaf =
        paging_entry_leaf(level, (paging_frame_t){range.at + mapping->delta}, mapping->flags);
    fill_leaves(slot, (range.end - range.at) / paging_level_pages(level), leaf, level);
    return true;
}

static unsigned put_range(struct paging_space *space, const struct mapping *mapping, unsigned level,
                          paging_frame_t table, struct range range);

/*
 * A new table of this level for the range. If it is sure to hold leaves only, it is filled before it is
 * linked, and needs no zeroing if they fill it; else it is linked empty, which changes no translation, and
 * then filled in place.
 */
static void put_table(struct paging_space *space, const struct mapping *mapping, unsigned level,
                      volatile paging_entry_t *link, struct range range)
{
    uint64_t span = paging_level_pages(level);
    unsigned count = (unsigned)((range.end - 1) / span - range.at / span + 1);
    bool leaves = level <= mapping->sure && range.at % span == 0 && range.end % span == 0;
    paging_frame_t table = reserved_frame(mapping->frames);
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    if (!leaves || count < PAGING_TABLE_ENTRIES)
        paging_table_zero(entries);
    if (leaves)
        (void)put_leaves(mapping, level, entries + paging_page_index((paging_page_t){range.at}, level),
                         range);
    paging_entry_t entry = entry_to_table(table, count);
    paging_entry_store(link, (paging_entry_t){entry.bits | owned_below(level + 1, mapping->flags)});
    change_table_count(space, (paging_page_t){range.at}, +1);
    if (!leaves)
        (void)put_range(space, mapping, level, table, range);
}

/* Map the range in one table that is linked. Answers how many more of its entries are used. */
static unsigned put_range(struct paging_space *space, const struct mapping *mapping, unsigned level,
                          paging_frame_t table, struct range range)
{
    unsigned used = 0, parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        struct range part = part_of(level, range, i);
        used += paging_entry_is_unused(entry);
        if (fits_leaf(mapping->largest, level, part.at, part.end) && !paging_entry_is_table(entry, level) &&
            put_leaves(mapping, level, slot, part))
            continue;
        if (paging_entry_is_unused(entry)) {
            put_table(space, mapping, level - 1, slot, part);
            continue;
        }
        unsigned below = put_range(space, mapping, level - 1, paging_entry_frame(entry), part);
        change_entry_count(space, level, slot, (int)below, mapping->flags);
    }
    return used;
}

static enum paging_status map_it(struct paging_space *space, struct mapping *mapping, struct range range)
{
    bool allocates = (mapping->flags & PAGING_OWNED) != 0;
    mapping->largest = largest_leaf(space, mapping->delta);
    mapping->sure = allocates ? PAGING_4K : mapping->largest;
    uint64_t take = allocates ? range.end - range.at : 0;
    enum paging_status status = look(space, mapping, space->cpu.levels, space->root, range, &take);
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(mapping->frames, take))
        return PAGING_NO_FRAMES;
    (void)put_range(space, mapping, space->cpu.levels, space->root, range);
    paging_temp_unmap(space);
    return PAGING_OK;
}

/* What both operations refuse; the flags as they will stand in the leaves. */
static enum paging_status check_map_arguments(const struct paging_space *space, paging_virt_t start,
                                              uint64_t bytes, struct mapping *mapping, struct range *range)
{
    enum paging_status status = paging_range_check(space, start, bytes, range);
    mapping->over_reserved = (mapping->flags & PAGING_REPLACE_MARKER) != 0;
    mapping->flags = (mapping->flags & ~PAGING_REPLACE_MARKER) | PAGING_PRESENT;
    return status == PAGING_OK
               ? check_flags(space, mapping->flags, in_upper_half(space, (paging_page_t){range->at}))
               : status;
}

enum paging_status paging_map_range(struct paging_space *space, paging_virt_t start, paging_phys_t to,
                                    uint64_t bytes, uint64_t flags, struct paging_frame_source *frames)
{
    struct range range;
    struct mapping mapping = {.frames = frames, .flags = flags};
    enum paging_status status = check_map_arguments(space, start, bytes, &mapping, &range);
    if (status == PAGING_OK && to.value % PAGING_PAGE_BYTES != 0)
        status = PAGING_MISALIGNED;
    if (status != PAGING_OK)
        return status;
    uint64_t first = paging_frame_containing(to).number, pages = range.end - range.at;
    if (first + pages > space->frame_limit) /* both are below 2^53 */
        return PAGING_FRAME_TOO_HIGH;
    mapping.delta = first - range.at;
    return map_it(space, &mapping, range);
}

enum paging_status paging_map_range_alloc(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                          uint64_t flags, struct paging_frame_source *frames)
{
    struct range range;
    struct mapping mapping = {.frames = frames, .flags = flags};
    enum paging_status status = check_map_arguments(space, start, bytes, &mapping, &range);
    if (status != PAGING_OK)
        return status;
    mapping.flags |= PAGING_OWNED;
    return map_it(space, &mapping, range);
}

enum paging_status paging_identity_map_range(struct paging_space *space, paging_phys_t start, uint64_t bytes,
                                             uint64_t flags, struct paging_frame_source *frames)
{
    return paging_map_range(space, (paging_virt_t){start.value}, start, bytes, flags, frames);
}
