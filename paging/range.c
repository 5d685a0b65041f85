/* range.c - what a range is, and mapping one. */
#include "range.h"
#include "checks.h"
#include "range_walk.h"

static bool touches_kept_slot(const struct address_space *space, struct range range)
{
    static const unsigned kept[] = {PAGING_RECURSIVE_SLOT, PAGING_FOREIGN_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t span = level_pages(space->cpu.levels);
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (kept[i] < ENTRY_COUNT && range.at < (kept[i] + 1) * span && kept[i] * span < range.end)
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
    *range = (struct range){page.number, page.number + pages};
    return touches_kept_slot(space, *range) ? PAGING_RESERVED_SLOT : PAGING_OK;
}

/* How a range is mapped: page p to frame p + delta, modulo 2^64. */
struct mapping {
    uint64_t delta, flags;
    unsigned largest; /* level of the largest leaves that both alignments and the processor allow */
};

static bool fits_leaf(const struct mapping *mapping, unsigned level, uint64_t at, uint64_t end)
{
    return level <= mapping->largest && covers_entry(level, at, end);
}

static unsigned largest_leaf(const struct address_space *space, uint64_t delta)
{
    unsigned largest = PAGE_4K;
    unsigned limit = space->cpu.has_1g_pages ? PAGE_1G : PAGE_2M;
    while (largest < limit && largest + 1 < space->cpu.levels && delta % level_pages(largest + 1) == 0)
        largest++;
    return largest;
}

/*
 * Tables that the range takes below unused entries of one table of this level. The first and the last entry
 * may be covered in part; those in between are all alike.
 */
static uint64_t fresh_tables(const struct mapping *mapping, unsigned level, struct range range)
{
    uint64_t tables = 0, alike;
    for (; level > PAGE_4K && range.at < range.end; range.at += alike * level_pages(level)) {
        uint64_t end = entry_end(level, range);
        alike = covers_entry(level, range.at, end) ? (range.end - range.at) / level_pages(level) : 1;
        if (!fits_leaf(mapping, level, range.at, end))
            tables += alike * (1 + fresh_tables(mapping, level - 1, (struct range){range.at, end}));
        range.at -= range.at % level_pages(level);
    }
    return tables;
}

/* Is all of the range unused? Then *tables grows by the tables that it takes. */
static enum paging_status look(const struct address_space *space, const struct mapping *mapping,
                               unsigned level, frame_t table, struct range range, uint64_t *tables)
{
    enum paging_status status = PAGING_OK;
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    struct range part;
    for (; status == PAGING_OK && next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_unused(entry))
            *tables += fresh_tables(mapping, level, part);
        else if (!entry_is_present(entry))
            status = PAGING_RESERVED;
        else if (entry_is_malformed(space, entry, level))
            status = PAGING_MALFORMED;
        else if (!entry_is_table(entry, level))
            status = PAGING_ALREADY_MAPPED;
        else
            status = look(space, mapping, level - 1, entry_frame(entry), part, tables);
    }
    return status;
}

static void put_leaves(const struct mapping *mapping, unsigned level, volatile entry_t *slot,
                       struct range range)
{
    /* From leaf to leaf only the frame changes, and it never runs beyond its bits: that was checked. */
    entry_t leaf = entry_leaf(level, (frame_t){range.at + mapping->delta}, mapping->flags);
    uint64_t step = level_pages(level) << ENTRY_FRAME_SHIFT;
    for (uint64_t left = (range.end - range.at) / level_pages(level); left > 0; left--, slot++) {
        entry_store(slot, leaf);
        leaf.bits += step;
    }
}

static unsigned put_range(struct address_space *space, const struct mapping *mapping, unsigned level,
                          frame_t table, struct range range, struct frame_source *frames);

/*
 * A new table of this level for the range. If it holds leaves only, it is filled before it is linked, and
 * needs no zeroing if they fill it; else it is linked empty, which changes no translation, and then filled in
 * place.
 */
static void put_table(struct address_space *space, const struct mapping *mapping, unsigned level,
                      volatile entry_t *link, struct range range, struct frame_source *frames)
{
    uint64_t span = level_pages(level);
    unsigned count = (unsigned)((range.end - 1) / span - range.at / span + 1);
    bool leaves = level <= mapping->largest && range.at % span == 0 && range.end % span == 0;
    frame_t table = reserved_frame(frames);
    volatile entry_t *entries = new_table_open(space, table);
    if (!leaves || count < ENTRY_COUNT)
        table_zero(entries);
    if (leaves)
        put_leaves(mapping, level, entries + page_index((page_t){range.at}, level), range);
    entry_store(link, entry_to_table(table, count));
    space->tables++;
    if (!leaves)
        (void)put_range(space, mapping, level, table, range, frames);
}

/* Map the range in one table that is linked. Answers how many more of its entries are used. */
static unsigned put_range(struct address_space *space, const struct mapping *mapping, unsigned level,
                          frame_t table, struct range range, struct frame_source *frames)
{
    unsigned used = 0;
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    struct range part;
    for (; next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        unsigned below = 0;
        if (fits_leaf(mapping, level, part.at, part.end))
            put_leaves(mapping, level, slot, part);
        else if (entry_is_unused(entry))
            put_table(space, mapping, level - 1, slot, part, frames);
        else
            below = put_range(space, mapping, level - 1, entry_frame(entry), part, frames);
        used += entry_is_unused(entry);
        if (below > 0)
            add_to_count(slot, (int)below);
    }
    return used;
}

static enum paging_status check_mapping(const struct address_space *space, phys_addr_t to, struct range range,
                                        uint64_t flags)
{
    uint64_t limit = frame_limit(space), first = frame_containing(to).number, pages = range.end - range.at;
    if (to.value % PAGE_BYTES != 0)
        return PAGING_MISALIGNED;
    enum paging_status status = check_flags(space, flags, in_upper_half(space, (page_t){range.at}));
    if (status != PAGING_OK)
        return status;
    return first >= limit || pages > limit - first ? PAGING_FRAME_TOO_HIGH : PAGING_OK;
}

enum paging_status paging_map_range(struct address_space *space, virt_addr_t start, phys_addr_t to,
                                    uint64_t bytes, uint64_t flags, struct frame_source *frames)
{
    struct range range;
    enum paging_status status = range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = check_mapping(space, to, range, flags);
    if (status != PAGING_OK)
        return status;

    struct mapping mapping = {.delta = frame_containing(to).number - range.at, .flags = flags};
    mapping.largest = largest_leaf(space, mapping.delta);
    uint64_t tables = 0;
    status = look(space, &mapping, space->cpu.levels, space->root, range, &tables);
    if (status != PAGING_OK)
        return status;
    if (tables > 0 && !frames->reserve(frames, tables))
        return PAGING_NO_FRAMES;

    (void)put_range(space, &mapping, space->cpu.levels, space->root, range, frames);
    if (tables > 0)
        new_table_done(space);
    return PAGING_OK;
}

enum paging_status paging_identity_map_range(struct address_space *space, phys_addr_t start, uint64_t bytes,
                                             uint64_t flags, struct frame_source *frames)
{
    return paging_map_range(space, (virt_addr_t){start.value}, start, bytes, flags, frames);
}
