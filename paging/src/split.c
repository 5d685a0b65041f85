/* split.c - huge pages in parts: splitting one, and cutting those at the ends of a range. */
#include "checks.h"
#include "range_parts.h"
#include "table_pages.h"

static void fill_with_parts(volatile paging_entry_t *entries, paging_entry_t leaf, unsigned level)
{
    unsigned below = level - 1;
    uint64_t first = paging_leaf_frame(leaf, level).number, flags = paging_entry_flags(leaf) & ~PAGING_HUGE;
    IF_MUTANT(SPLIT_DROPS_DIRTY)
    flags &= ~PAGING_DIRTY;
    fill_leaves(entries, PAGING_TABLE_ENTRIES, paging_entry_leaf(below, (paging_frame_t){first}, flags),
                below);
}

void paging_split_leaf(struct paging_space *space, const struct page_walk *walk, paging_page_t page,
                       struct paging_frame_source *frames)
{
    unsigned level = walk->level;
    volatile paging_entry_t *slot = walk->slots[level];
    paging_frame_t table = reserved_frame(frames);
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    paging_entry_t leaf;
    /* While the table is filled, the processor may mark the leaf, once or twice. */
    do {
        leaf = paging_entry_load(slot);
        fill_with_parts(entries, leaf, level);
    } while (paging_entry_load(slot).bits != leaf.bits);
    paging_entry_t link = entry_to_table(table, PAGING_TABLE_ENTRIES);
    IF_MUTANT(SPLIT_IN_TWO)
    paging_entry_store(slot, (paging_entry_t){leaf.bits & ~PAGING_HUGE});
    paging_entry_store(slot, (paging_entry_t){link.bits | owned_below(level, leaf.bits)});
    change_table_count(space, page, +1);
    UNLESS_MUTANT(SPLIT_IN_SECRET)
    if ((leaf.bits & PAGING_OWNED) != 0)
        frames->split(frames, (enum paging_size)level, paging_leaf_frame(leaf, level));

    /* Every address translates as before, but the window of the new table still shows the huge page. */
    struct flush_batch batch;
    flush_begin(&batch);
    paging_page_t start = {page.number - page.number % paging_level_pages(level)};
    flush_leaf_later(space, &batch, level, start);
    paging_flush_now(space, &batch);
    paging_temp_unmap(space);
}

enum paging_status paging_split(struct paging_space *space, paging_page_t page,
                                struct paging_frame_source *frames)
{
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK && walk.level == PAGING_4K)
        status = PAGING_NOT_HUGE;
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, 1))
        return PAGING_NO_FRAMES;
    paging_split_leaf(space, &walk, page, frames);
    return PAGING_OK;
}

/* The largest page size at whose boundary this page number stands: inside a leaf, so smaller than that. */
static unsigned alignment_level(uint64_t number)
{
    unsigned level = PAGING_4K;
    while (number % paging_level_pages(level + 1) == 0)
        level++;
    return level;
}

/* page lies in the range, edge is the first page after the cut. At the start of a range they are the same. */
static struct boundary_split find_split(const struct paging_space *space, const struct split_rule *rule,
                                        uint64_t page, uint64_t edge)
{
    struct page_walk walk;
    walk_to(space, (paging_page_t){page}, PAGING_4K, &walk);
    paging_entry_t leaf = walk.entries[walk.level];
    bool is_leaf = leaf_status(space, &walk) == PAGING_OK;
    struct boundary_split none = {PAGING_4K, PAGING_4K};
    if (!is_leaf || edge % paging_level_pages(walk.level) == 0 || (rule && !rule->concerns(rule, leaf)))
        return none;
    return (struct boundary_split){walk.level, alignment_level(edge)};
}

enum paging_status paging_check_tables(const struct paging_space *space, unsigned level, paging_frame_t table,
                                       struct range range)
{
    unsigned parts = parts_of(level, range);
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++) {
        paging_entry_t entry = paging_entry_load(slot + i);
        if (!paging_entry_is_present(entry))
            continue;
        if (entry_is_malformed(space, entry, level))
            return PAGING_MALFORMED;
        if (level == PAGING_2M || !paging_entry_is_table(entry, level))
            continue;
        struct range part = part_of(level, range, i);
        enum paging_status status = paging_check_tables(space, level - 1, paging_entry_frame(entry), part);
        if (status != PAGING_OK)
            return status;
    }
    return PAGING_OK;
}

/* An entry of the owner's cannot be cut: does one reach across this end of the range? */
static bool splits_marker(const struct paging_space *space, uint64_t page, uint64_t edge)
{
    struct page_walk walk;
    walk_to(space, (paging_page_t){page}, PAGING_4K, &walk);
    return leaf_status(space, &walk) == PAGING_MARKED && edge % paging_level_pages(walk.level) != 0;
}

enum paging_status paging_find_splits(const struct paging_space *space, struct range range,
                                      const struct split_rule *rule, struct paging_frame_source *frames,
                                      struct boundary_splits *cuts)
{
    enum paging_status status = paging_check_tables(space, space->cpu.levels, space->root, range);
    if (status != PAGING_OK)
        return status;
    if (!rule && (splits_marker(space, range.at, range.at) || splits_marker(space, range.end - 1, range.end)))
        return PAGING_MARKED;
    struct boundary_split start = find_split(space, rule, range.at, range.at);
    struct boundary_split end = find_split(space, rule, range.end - 1, range.end);
    uint64_t tables = start.leaf - start.boundary + end.leaf - end.boundary;
    /* Both cuts may go through the same leaf, and share the tables down to where they part. */
    unsigned low = start.boundary > end.boundary ? start.boundary : end.boundary;
    for (unsigned level = low; level < start.leaf; level++)
        if (range.at / paging_level_pages(level + 1) == range.end / paging_level_pages(level + 1))
            tables--;
    if (!reserve_frames(frames, tables))
        return PAGING_NO_FRAMES;
    *cuts = (struct boundary_splits){start, end};
    return PAGING_OK;
}

/* What the cut at the other end has split already is a table now. */
static void make_split(struct paging_space *space, struct boundary_split cut, uint64_t page,
                       struct paging_frame_source *frames)
{
    for (; cut.leaf > cut.boundary; cut.leaf--) {
        struct page_walk walk;
        walk_to(space, (paging_page_t){page}, cut.leaf, &walk);
        if (!paging_entry_is_table(walk.entries[walk.level], walk.level))
            paging_split_leaf(space, &walk, (paging_page_t){page}, frames);
    }
}

void paging_make_splits(struct paging_space *space, struct range range, const struct boundary_splits *cuts,
                        struct paging_frame_source *frames)
{
    make_split(space, cuts->start, range.at, frames);
    make_split(space, cuts->end, range.end - 1, frames);
}
