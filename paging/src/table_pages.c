/* SPDX-License-Identifier: MIT */
/* table_pages.c - build tables before they are linked, and take them apart afterwards. */
#include "table_pages.h"
#include "flush.h"

static bool uses_scratch_page(const struct paging_space *space)
{
    assume_world(space);
    return !is_reached_by_offset(space) && PAGING_HAS_SCRATCH_SLOT;
}

/* The scratch page's own tables are never freed, so its P1 entry is always where the window shows it. */
static PAGING_FOR_SIZE void set_scratch_entry(struct paging_space *space, paging_entry_t entry)
{
    paging_entry_store(space->scratch_entry, entry);
    flush_page(space, (paging_virt_t){(uintptr_t)space->scratch});
}

volatile paging_entry_t *paging_temp_map(struct paging_space *space, paging_frame_t table)
{
    if (!uses_scratch_page(space))
        return table_by_offset(space, table);
    set_scratch_entry(space, paging_entry_make(table, reserved_slot_flags(space)));
    return space->scratch;
}

void paging_temp_unmap(struct paging_space *space)
{
    if (uses_scratch_page(space) && !paging_entry_is_unused(paging_entry_load(space->scratch_entry)))
        set_scratch_entry(space, (paging_entry_t){0});
}

void paging_init_table(struct paging_space *space, paging_frame_t table, unsigned index, paging_entry_t entry)
{
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    paging_table_zero(entries);
    paging_entry_store(&entries[index], entry);
}

void paging_fill_with_markers(volatile paging_entry_t *entries, uint64_t value)
{
    paging_entry_t marker = paging_marker_entry(value);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        paging_entry_store(&entries[i], marker);
}

/* Counts the new entry in the table in which the walk ended, unless it took the place of a marker. */
static PAGING_FOR_SIZE void count_new_entry(struct paging_space *space, const struct page_walk *walk,
                                            unsigned size, paging_entry_t entry)
{
    unsigned parent = walk->level + 1;
    int change = paging_entry_is_unused(walk->entries[walk->level]) ? +1 : 0;
    if (parent <= space->cpu.levels) /* the root has no parent */
        change_entry_count(space, parent, walk->slots[parent], change, walk->level == size ? entry.bits : 0);
}

/* Gives back tables that were built for the page but not linked: `top` points to the one of level `level`. */
static PAGING_FOR_SIZE void discard_tables(struct paging_space *space, paging_page_t page, unsigned level,
                                           unsigned size, paging_entry_t top,
                                           struct paging_frame_source *frames)
{
    for (; level >= size; level--) {
        paging_frame_t table = paging_entry_frame(top);
        top = paging_entry_load(paging_temp_map(space, table) + paging_page_index(page, level));
        paging_temp_unmap(space);
        give_table(space, frames, table);
    }
}

enum paging_status paging_link_entry(struct paging_space *space, const struct page_walk *walk,
                                     paging_page_t page, unsigned size, paging_entry_t entry,
                                     struct paging_frame_source *frames)
{
    const paging_entry_t none = {0}, around = walk->level > size ? walk->entries[walk->level] : none;
    paging_entry_t below = entry;
    for (unsigned level = size; level < walk->level; level++) {
        paging_frame_t table;
        if (!take_table(space, frames, &table)) {
            discard_tables(space, page, level - 1, size, below, frames);
            return PAGING_BROKEN_SOURCE;
        }
        volatile paging_entry_t *entries = paging_temp_map(space, table);
        fill_table(entries, around);
        paging_entry_store(&entries[paging_page_index(page, level)], below);
        unsigned others = PAGING_TABLE_ENTRIES - paging_entry_is_unused(below);
        below = entry_to_table(table, 1);
        if (__builtin_expect(!paging_entry_is_unused(around), 0))
            below = entry_with_count(below, others);
        below.bits |= level == size ? owned_below(level + 1, entry.bits) : 0;
    }
    paging_temp_unmap(space);
    change_table_count(space, page, missing_tables(walk, size));
    paging_entry_store(walk->slots[walk->level], below);
    count_new_entry(space, walk, size, entry);
    return PAGING_OK;
}

/* ---- giving back: not a client of the cursor, because detached tables are in no window ---- */

static PAGING_FOR_SIZE uint64_t free_entry(struct paging_space *space, unsigned level, paging_entry_t entry,
                                           const paging_frame_t *reading, struct paging_frame_source *frames);

/* Releases the page that an entry of a P1 names, if it is owned. */
static void give_detached_page(struct paging_space *space, paging_entry_t entry,
                               struct paging_frame_source *frames)
{
    paging_entry_t before = entry_from_detached(entry);
    if ((before.bits & PAGING_OWNED) != 0)
        give_page(space, frames, PAGING_4K, paging_entry_frame(before));
}

/* Releases the pages that a P1 owns. Some of them may have been detached before the P1 was. */
static void free_pages(struct paging_space *space, paging_frame_t table, struct paging_frame_source *frames)
{
    const uint64_t owned = PAGING_PRESENT | PAGING_OWNED;
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        paging_entry_t entry = paging_entry_load(&entries[i]);
        if ((entry.bits & owned) == owned)
            give_page(space, frames, PAGING_4K, paging_entry_frame(entry));
        else if (entry_is_detached(entry))
            give_detached_page(space, entry, frames);
    }
}

/* Releases what a table above the P1s names. The tables below it use the scratch page in between. */
static uint64_t free_below(struct paging_space *space, unsigned level, paging_frame_t table,
                           struct paging_frame_source *frames)
{
    uint64_t tables = 0;
    volatile paging_entry_t *entries = paging_temp_map(space, table);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        paging_entry_t entry = paging_entry_load(&entries[i]), before = entry;
        if (!paging_entry_is_present(entry)) {
            if (!entry_is_detached(entry)) /* before this table was */
                continue;
            before = entry_from_detached(entry);
        }
        if ((before.bits & PAGING_OWNED) != 0 || paging_entry_is_table(before, level))
            tables += free_entry(space, level, before, &table, frames);
    }
    return tables;
}

/* Afterwards the table `reading` is on the scratch page again, if it is not NULL. */
static PAGING_FOR_SIZE uint64_t free_entry(struct paging_space *space, unsigned level, paging_entry_t entry,
                                           const paging_frame_t *reading, struct paging_frame_source *frames)
{
    uint64_t tables = 0;
    if (!paging_entry_is_table(entry, level)) {
        if ((entry.bits & PAGING_OWNED) != 0)
            give_page(space, frames, level, paging_leaf_frame(entry, level));
        return 0;
    }
    /* A P1 without owned pages names nothing, so it is not read at all. */
    if (level > PAGING_2M || (entry.bits & PAGING_OWNED_BELOW) != 0) {
        if (level > PAGING_2M)
            tables = free_below(space, level - 1, paging_entry_frame(entry), frames);
        else
            free_pages(space, paging_entry_frame(entry), frames);
        if (reading)
            (void)paging_temp_map(space, *reading);
        else
            paging_temp_unmap(space);
    }
    give_table(space, frames, paging_entry_frame(entry));
    return tables + 1;
}

uint64_t paging_free_subtree(struct paging_space *space, unsigned level, paging_entry_t entry,
                             struct paging_frame_source *frames)
{
    return free_entry(space, level, entry, NULL, frames);
}
