/* split.c - huge pages in parts: splitting, cutting at the ends of a range, changing flags. */
#include "checks.h"
#include "range_walk.h"

static void fill_with_parts(volatile entry_t *entries, entry_t leaf, unsigned level)
{
    unsigned below = level - 1;
    uint64_t first = leaf_frame(leaf, level).number, flags = entry_flags(leaf) & ~ENTRY_HUGE;
    IF_MUTANT(SPLIT_DROPS_DIRTY)
    flags &= ~ENTRY_DIRTY;
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        entry_store(&entries[i], entry_leaf(below, (frame_t){first + i * level_pages(below)}, flags));
}

void split_leaf(struct address_space *space, const struct walk *walk, page_t page,
                struct frame_source *frames)
{
    unsigned level = walk->level;
    volatile entry_t *slot = walk->slots[level];
    frame_t table = reserved_frame(frames);
    volatile entry_t *entries = new_table_open(space, table);
    entry_t leaf;
    /* While the table is filled, the processor may mark the leaf, once or twice. */
    do {
        leaf = entry_load(slot);
        fill_with_parts(entries, leaf, level);
    } while (entry_load(slot).bits != leaf.bits);
    entry_store(slot, entry_to_table(table, ENTRY_COUNT));
    space->tables++;

    /* Every address translates as before, but the window of the new table still shows the huge page. */
    struct flush_batch batch;
    flush_begin(&batch);
    page_t start = {page.number - page.number % level_pages(level)};
    flush_leaf_later(space, &batch, level, start);
    flush_now(space, &batch);
    new_table_done(space);
}

enum paging_status paging_split(struct address_space *space, page_t page, struct frame_source *frames)
{
    if (page_is_kept(space, page))
        return PAGING_RESERVED_SLOT;
    struct walk walk;
    walk_to(space, page, PAGE_4K, &walk);
    enum paging_status status = leaf_status(space, &walk);
    if (status == PAGING_OK && walk.level == PAGE_4K)
        status = PAGING_NOT_HUGE;
    if (status != PAGING_OK)
        return status;
    if (!frames->reserve(frames, 1))
        return PAGING_NO_FRAMES;
    split_leaf(space, &walk, page, frames);
    return PAGING_OK;
}

/* The largest page size at whose boundary this page number stands. */
static unsigned boundary_level(uint64_t number)
{
    unsigned level = PAGE_4K;
    while (level < PAGE_1G && number % level_pages(level + 1) == 0)
        level++;
    return level;
}

/* page is in the leaf, edge the first page after the cut; both are the same at the start of a range. */
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
    enum paging_status status = PAGING_OK;
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    struct range part;
    for (; status == PAGING_OK && next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_malformed(space, entry, level))
            status = PAGING_MALFORMED;
        else if (level > PAGE_2M && entry_is_table(entry, level))
            status = check_tables(space, level - 1, entry_frame(entry), part);
    }
    return status;
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
    for (unsigned level = low; level < start.leaf && level < end.leaf; level++)
        if (range.at / level_pages(level + 1) == range.end / level_pages(level + 1))
            tables--;
    if (tables > 0 && !frames->reserve(frames, tables))
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

static entry_t changed(const struct cut_rule *rule, entry_t leaf)
{
    return (entry_t){(leaf.bits & ~rule->clear) | rule->set};
}

static bool is_changed(const struct cut_rule *rule, entry_t leaf)
{
    return changed(rule, leaf).bits != leaf.bits;
}

/*
 * A leaf that reaches beyond the range had no reason to be cut when that was looked into. It stays as it is,
 * even if the processor has marked it since.
 */
/* The same in a P1, where all pages of the range lie side by side. */
static void protect_small(const struct address_space *space, const struct cut_rule *rule,
                          volatile entry_t *slot, struct range range, struct flush_batch *batch)
{
    uint64_t clear = rule->clear, set = rule->set;
    for (; range.at < range.end; range.at++, slot++) {
        uint64_t bits = entry_load(slot).bits, after = (bits & ~clear) | set;
        if (after == bits || (bits & ENTRY_PRESENT) == 0)
            continue;
        entry_store(slot, (entry_t){after});
        flush_leaf_later(space, batch, PAGE_4K, (page_t){range.at});
    }
}

static void protect(const struct address_space *space, const struct cut_rule *rule, unsigned level,
                    frame_t table, struct range range, struct flush_batch *batch)
{
    volatile entry_t *slot = entry_slot(space, level, (page_t){range.at}, table);
    if (level == PAGE_4K) {
        protect_small(space, rule, slot, range, batch);
        return;
    }
    struct range part;
    for (; next_part(level, &range, &part); slot++) {
        entry_t entry = entry_load(slot);
        if (entry_is_table(entry, level)) {
            protect(space, rule, level - 1, entry_frame(entry), part, batch);
        } else if (entry_is_present(entry) && covers_entry(level, part.at, part.end) &&
                   is_changed(rule, entry)) {
            entry_store(slot, changed(rule, entry));
            flush_leaf_later(space, batch, level, (page_t){part.at});
        }
    }
}

static enum paging_status check_change(const struct address_space *space, struct range range, uint64_t set,
                                       uint64_t clear)
{
    if ((set & clear) != 0 || ((set | clear) & ENTRY_PRESENT) != 0 || (clear & ~LEAF_FLAGS) != 0)
        return PAGING_BAD_FLAGS;
    return check_flags(space, set, in_upper_half(space, (page_t){range.at}));
}

enum paging_status paging_protect_range(struct address_space *space, virt_addr_t start, uint64_t bytes,
                                        uint64_t set, uint64_t clear, struct frame_source *frames)
{
    struct range range;
    enum paging_status status = range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = check_change(space, range, set, clear);
    if (status != PAGING_OK)
        return status;

    struct cut_rule rule = {is_changed, set, clear};
    struct cuts cuts;
    status = cuts_find(space, range, &rule, frames, &cuts);
    if (status != PAGING_OK)
        return status;

    cuts_make(space, range, &cuts, frames);
    struct flush_batch batch;
    flush_begin(&batch);
    protect(space, &rule, space->cpu.levels, space->root, range, &batch);
    flush_now(space, &batch);
    return PAGING_OK;
}
