/*
 * new_tables.c - tables before they are linked.
 *
 * A table can only be reached through the recursive window once something points to it, and then the
 * processor uses it. So a live space fills new tables through its scratch page, and links them complete.
 */
#include "flush.h"

enum paging_status new_tables_take(const struct address_space *space, struct frame_source *frames,
                                   unsigned count, struct new_tables *tables)
{
    enum paging_status status = PAGING_OK;
    unsigned taken = 0;
    while (taken < count && status == PAGING_OK) {
        if (!frames->allocate(frames, PAGE_4K, &tables->frames[taken]))
            status = PAGING_NO_FRAMES;
        else if (tables->frames[taken++].number >= frame_limit(space))
            status = PAGING_FRAME_TOO_HIGH;
    }
    tables->count = taken;
    if (status == PAGING_OK)
        return PAGING_OK;
    UNLESS_MUTANT(LEAK_ON_NO_FRAMES)
    while (taken > 0)
        frames->release(frames, PAGE_4K, tables->frames[--taken]);
    return status;
}

static page_t scratch_page(const struct address_space *space)
{
    return (page_t){(uint64_t)PAGING_SCRATCH_SLOT << (INDEX_BITS * (space->cpu.levels - 1))};
}

static bool uses_scratch(const struct address_space *space)
{
    return space->reach == PAGING_BY_WINDOW && space->has_scratch;
}

/* The scratch page's own tables are never freed, so its P1 entry is always where the window shows it. */
static volatile entry_t *point_scratch_at(struct address_space *space, entry_t entry)
{
    virt_addr_t start = page_start(space->cpu.levels, scratch_page(space));
    entry_store(entry_slot(space, 1, scratch_page(space), space->root), entry);
    UNLESS_MUTANT(NO_SCRATCH_FLUSH)
    flush_page(space, start);
    return (volatile entry_t *)(uintptr_t)start.value;
}

volatile entry_t *new_table_open(struct address_space *space, frame_t table)
{
    return uses_scratch(space) ? point_scratch_at(space, entry_make(table, slot_flags(space)))
                               : table_by_offset(space, table);
}

void new_table_fill(struct address_space *space, frame_t table, unsigned index, entry_t entry)
{
    volatile entry_t *entries = new_table_open(space, table);
    table_zero(entries);
    entry_store(&entries[index], entry);
}

void new_table_done(struct address_space *space)
{
    if (uses_scratch(space))
        (void)point_scratch_at(space, (entry_t){0});
}
