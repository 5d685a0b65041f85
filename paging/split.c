/* split.c - huge pages in parts: splitting one, and cutting those at the ends of a range. */
#include "checks.h"
#include "range_walk.h"
#include "unlinked.h"

static void fill_with_parts(volatile entry_t *entries, entry_t leaf, unsigned level)
{
    unsigned below = level - 1;
    uint64_t first = leaf_frame(leaf, level).number, flags = entry_flags(leaf) & ~ENTRY_HUGE;
    IF_MUTANT(SPLIT_DROPS_DIRTY)
    flags &= ~ENTRY_DIRTY;
    put_in_a_row(entries, ENTRY_COUNT, entry_leaf(below, (frame_t){first}, flags), below);
}

void split_leaf(struct address_space *space, const struct walk *walk, page_t page,
                struct frame_source *frames)
{
    unsigned level = walk->level;
    volatile entry_t *slot = walk->slots[level];
    frame_t table = reserved_frame(frames);
    volatile entry_t *entries = unlinked_open(space, table);
    entry_t leaf;
    /* While the table is filled, the processor may mark the leaf, once or twice. */
    do {
        leaf = entry_load(slot);
        fill_with_parts(entries, leaf, level);
    } while (entry_load(slot).bits != leaf.bits);
    entry_t link = entry_to_table(table, ENTRY_COUNT);
    IF_MUTANT(SPLIT_IN_TWO)
    entry_store(slot, (entry_t){leaf.bits & ~ENTRY_HUGE});
    entry_store(slot, (entry_t){link.bits | owned_below(level, leaf.bits)});
    add_to_tables(space, page, +1);
    UNLESS_MUTANT(SPLIT_IN_SECRET)
    if ((leaf.bits & ENTRY_OWNED) != 0)
        frames->split(frames, (enum page_size)level, leaf_frame(leaf, level));

    /* Every address translates as before, but the window of the new table still shows the huge page. */
    struct flush_batch batch;
    flush_begin(&batch);
    page_t start = {page.number - page.number % level_pages(level)};
    flush_leaf_later(space, &batch, level, start);
    flush_now(space, &batch);
    unlinked_done(space);
}

enum paging_status paging_split(struct address_space *space, page_t page, struct frame_source *frames)
{
    struct walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status == PAGING_OK && walk.level == PAGE_4K)
        status = PAGING_NOT_HUGE;
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, 1))
        return PAGING_NO_FRAMES;
    split_leaf(space, &walk, page, frames);
    return PAGING_OK;
}

/* The largest page size at whose boundary this page number stands: inside a leaf, so smaller than that. */
static unsigned boundary_level(uint64_t number)
{
    unsigned level = PAGE_4K;
    while (number % level_pages(level + 1) == 0)
        level++;
    return level;
}

/* page lies in the range, edge is the first page after the cut. At the start of a range they are the same. */
static struct cut find_cut(const struct address_space *space, const struct cut_rule *rule, uint64_t page,
                           uint64_t edge)
{
    struct walk walk;
    walk_to(space, (page_t){page}, PAGE_4K, &walk);
    entry_t leaf = walk.entries[walk.level];
    bool is_leaf = leaf_status(space, &walk) == PAGING_OK;
    struct cut none = {PAGE_4K, PAGE_4K};
    if (!is_leaf || edge % level_pages(walk.level) == 0 || (rule && !rule->concerns(rule, leaf)))
        return none;
    return (struct cut){walk.level, boundary_level(edge)};
}

enum paging_status check_tables(const struct address_space *space, unsigned level, frame_t table,
                                struct range range)
{
    unsigned parts = parts_of(level, range);
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    for (unsigned i = 0; i < parts; i++) {
        entry_t entry = entry_load(slot + i);
        if (!entry_is_present(entry))
            continue;
        if (entry_is_malformed(space, entry, level))
            return PAGING_MALFORMED;
        if (level == PAGE_2M || !entry_is_table(entry, level))
            continue;
        struct range part = part_of(level, range, i);
        enum paging_status status = check_tables(space, level - 1, entry_frame(entry), part);
        if (status != PAGING_OK)
            return status;
    }
    return PAGING_OK;
}

/* An entry of the owner's cannot be cut: does one reach across this end of the range? */
static bool cuts_owners_entry(const struct address_space *space, uint64_t page, uint64_t edge)
{
    struct walk walk;
    walk_to(space, (page_t){page}, PAGE_4K, &walk);
    return leaf_status(space, &walk) == PAGING_RESERVED && edge % level_pages(walk.level) != 0;
}

enum paging_status cuts_find(const struct address_space *space, struct range range,
                             const struct cut_rule *rule, struct frame_source *frames, struct cuts *cuts)
{
    enum paging_status status = check_tables(space, space->cpu.levels, space->root, range);
    if (status != PAGING_OK)
        return status;
    if (!rule &&
        (cuts_owners_entry(space, range.at, range.at) || cuts_owners_entry(space, range.end - 1, range.end)))
        return PAGING_RESERVED;
    struct cut start = find_cut(space, rule, range.at, range.at);
    struct cut end = find_cut(space, rule, range.end - 1, range.end);
    uint64_t tables = start.leaf - start.boundary + end.leaf - end.boundary;
    /* Both cuts may go through the same leaf, and share the tables down to where they part. */
    unsigned low = start.boundary > end.boundary ? start.boundary : end.boundary;
    for (unsigned level = low; level < start.leaf; level++)
        if (range.at / level_pages(level + 1) == range.end / level_pages(level + 1))
            tables--;
    if (!reserve_frames(frames, tables))
        return PAGING_NO_FRAMES;
    *cuts = (struct cuts){start, end};
    return PAGING_OK;
}

/* What the cut at the other end has split already is a table now. */
static void make_cut(struct address_space *space, struct cut cut, uint64_t page, struct frame_source *frames)
{
    for (; cut.leaf > cut.boundary; cut.leaf--) {
        struct walk walk;
        walk_to(space, (page_t){page}, cut.leaf, &walk);
        if (!entry_is_table(walk.entries[walk.level], walk.level))
            split_leaf(space, &walk, (page_t){page}, frames);
    }
}

void cuts_make(struct address_space *space, struct range range, const struct cuts *cuts,
               struct frame_source *frames)
{
    make_cut(space, cuts->start, range.at, frames);
    make_cut(space, cuts->end, range.end - 1, frames);
}
