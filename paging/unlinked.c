/* unlinked.c - building tables before they are linked, and taking them apart afterwards. */
#include "unlinked.h"
#include "flush.h"

static bool uses_scratch(const struct address_space *space)
{
    return space->reach != PAGING_BY_OFFSET && HAS_SCRATCH_SLOT;
}

/* The scratch page's own tables are never freed, so its P1 entry is always where the live window shows it. */
static void point_scratch_at(struct address_space *space, entry_t entry)
{
    entry_store(space->scratch_entry, entry);
    UNLESS_MUTANT(NO_SCRATCH_FLUSH)
    flush_page(space, (virt_addr_t){(uintptr_t)space->scratch});
}

volatile entry_t *unlinked_open(struct address_space *space, frame_t table)
{
    if (!uses_scratch(space))
        return table_by_offset(space, table);
    point_scratch_at(space, entry_make(table, slot_flags(space)));
    return space->scratch;
}

void unlinked_fill(struct address_space *space, frame_t table, unsigned index, entry_t entry)
{
    volatile entry_t *entries = unlinked_open(space, table);
    table_zero(entries);
    entry_store(&entries[index], entry);
}

void unlinked_done(struct address_space *space)
{
    if (uses_scratch(space) && !entry_is_unused(entry_load(space->scratch_entry)))
        point_scratch_at(space, (entry_t){0});
}

/* The table in which the walk ended has a new entry, unless that took the place of one of the owner's. */
static void account_for(struct address_space *space, const struct walk *walk, unsigned size, entry_t entry)
{
    unsigned parent = walk->level + 1;
    int change = entry_is_unused(walk->entries[walk->level]) ? +1 : 0;
    if (parent <= space->cpu.levels) /* the root has no parent */
        add_to_count(space, parent, walk->slots[parent], change, walk->level == size ? entry.bits : 0);
}

void install(struct address_space *space, const struct walk *walk, page_t page, unsigned size, entry_t entry,
             struct frame_source *frames)
{
    entry_t below = entry;
    for (unsigned level = size; level < walk->level; level++) {
        frame_t table = reserved_frame(frames);
        IF_MUTANT(LINK_BEFORE_FILL)
        if (level + 1 == walk->level)
            entry_store(walk->slots[walk->level], entry_to_table(table, 1));
        unlinked_fill(space, table, page_index(page, level), below);
        below = entry_to_table(table, 1);
        below.bits |= level == size ? owned_below(level + 1, entry.bits) : 0;
    }
    unlinked_done(space);
    add_to_tables(space, page, missing_tables(walk, size));
    entry_store(walk->slots[walk->level], below);
    account_for(space, walk, size, entry);
}

static uint64_t free_entry(struct address_space *space, unsigned level, entry_t entry, const frame_t *reading,
                           struct frame_source *frames);

/* What a P1 owns. */
static void free_pages(struct address_space *space, frame_t table, struct frame_source *frames)
{
    const uint64_t owned = ENTRY_PRESENT | ENTRY_OWNED;
    volatile entry_t *entries = unlinked_open(space, table);
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entry_t entry = entry_load(&entries[i]);
        if ((entry.bits & owned) == owned)
            frames->release(frames, PAGE_4K, entry_frame(entry));
    }
}

/* While its entries are read, the scratch page shows the table; the tables below it take their turn. */
static uint64_t free_below(struct address_space *space, unsigned level, frame_t table,
                           struct frame_source *frames)
{
    uint64_t tables = 0;
    volatile entry_t *entries = unlinked_open(space, table);
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entry_t entry = entry_load(&entries[i]);
        if (entry_is_present(entry) && ((entry.bits & ENTRY_OWNED) != 0 || entry_is_table(entry, level)))
            tables += free_entry(space, level, entry, &table, frames);
    }
    return tables;
}

/* The table that is being read comes back into reach, if there is one. */
static uint64_t free_entry(struct address_space *space, unsigned level, entry_t entry, const frame_t *reading,
                           struct frame_source *frames)
{
    uint64_t tables = 0;
    if (!entry_is_table(entry, level)) {
        frames->release(frames, (enum page_size)level, leaf_frame(entry, level));
        return 0;
    }
    /* A P1 without owned pages names nothing, and is not even looked at. */
    if (level > PAGE_2M || (entry.bits & ENTRY_OWNED_BELOW) != 0) {
        if (level > PAGE_2M)
            tables = free_below(space, level - 1, entry_frame(entry), frames);
        else
            free_pages(space, entry_frame(entry), frames);
        if (reading)
            (void)unlinked_open(space, *reading);
        else
            unlinked_done(space);
    }
    frames->release(frames, PAGE_4K, entry_frame(entry));
    return tables + 1;
}

uint64_t free_named(struct address_space *space, unsigned level, entry_t entry, struct frame_source *frames)
{
    return free_entry(space, level, (entry_t){entry.bits | ENTRY_PRESENT}, NULL, frames);
}
