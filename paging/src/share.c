/* SPDX-License-Identifier: MIT */
/* share.c - spaces that share their upper half. */
#include <selfmap/share.h>

#include "flush.h"
#include "space_internal.h"
#include "table_pages.h"

/* Returns whether the root's entry of this slot is one that spaces share. */
static bool slot_is_shareable(const struct paging_space *space, unsigned slot)
{
    return slot >= PAGING_TABLE_ENTRIES / 2 && !page_is_reserved(space, first_page_of_slot(space, slot));
}

/* Checks that every entry of the half is unused or points to a table, and counts those that are unused. */
static enum paging_status check_half(const struct paging_space *space, uint64_t *unused)
{
    for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++) {
        if (!slot_is_shareable(space, slot))
            continue;
        paging_entry_t entry = paging_entry_load(root_slot(space, slot));
        *unused += paging_entry_is_unused(entry);
        if (entry_is_malformed(space, entry, space->cpu.levels))
            return PAGING_MALFORMED;
        if (!paging_entry_is_unused(entry) && !paging_entry_is_table(entry, space->cpu.levels))
            return PAGING_MARKED;
    }
    return PAGING_OK;
}

/* Marks the table in this slot as shared, and makes one if there is none. */
static enum paging_status share_slot(struct paging_space *space, unsigned slot,
                                     struct paging_frame_source *frames)
{
    paging_entry_t entry = paging_entry_load(root_slot(space, slot));
    if (paging_entry_is_unused(entry)) {
        paging_frame_t table;
        if (!take_table(space, frames, &table))
            return PAGING_BROKEN_SOURCE;
        paging_table_zero(paging_temp_map(space, table));
        entry = entry_to_table(table, 1);
        own_counters(space)->tables++;
    }
    paging_entry_store(root_slot(space, slot), (paging_entry_t){entry.bits | PAGING_SHARED_TABLE});
    return PAGING_OK;
}

/*
 * Counts the table in this slot again, if it is shared. An empty one is unlinked, and the entry is detached
 * until what is cached of the table has been flushed.
 */
static void unshare_slot(struct paging_space *space, unsigned slot, struct paging_flush_list *list)
{
    paging_entry_t entry = paging_entry_load(root_slot(space, slot));
    paging_page_t page = first_page_of_slot(space, slot);
    unsigned below = space->cpu.levels - 1, used = 0;
    if (!entry_is_shared(space, space->cpu.levels, entry))
        return;
    volatile paging_entry_t *entries = entry_slot(space, below, page, paging_entry_frame(entry));
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        used += !paging_entry_is_unused(paging_entry_load(entries + i));
    entry.bits &= ~PAGING_SHARED_TABLE;
    if (used > 0) {
        paging_entry_store(root_slot(space, slot), entry_with_count(entry, used));
        return;
    }
    paging_entry_store(root_slot(space, slot), entry_to_detached(space->cpu.levels, entry));
    flush_add_table(space, list, below, page);
    flush_add_way(space, list, page);
}

/* Unshares every slot of the half, flushes once, and gives the empty tables back. */
static void unshare_half(struct paging_space *space, struct paging_frame_source *frames)
{
    struct paging_flush_list list;
    flush_begin(&list);
    for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++)
        unshare_slot(space, slot, &list);
    paging_carry_out(space, &list);
    for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++) {
        paging_entry_t entry = paging_entry_load(root_slot(space, slot));
        if (!slot_is_shareable(space, slot) || !entry_is_detached(entry))
            continue;
        paging_entry_store(root_slot(space, slot), (paging_entry_t){0});
        give_table(space, frames, paging_entry_frame(entry_from_detached(entry)));
        own_counters(space)->tables--;
    }
    space->owns_shared_half = false;
}

enum paging_status paging_share_upper_half(struct paging_space *space, struct paging_frame_source *frames)
{
    uint64_t unused = 0;
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (space->shared_owner)
        return PAGING_SHARED;
    if (space->owns_shared_half)
        return PAGING_OK;
    if (space->gather)
        return PAGING_BUSY;
    enum paging_status status = check_half(space, &unused);
    if (status != PAGING_OK)
        return status;
    if (!frames->reserve(frames, space, unused, 0))
        return PAGING_NO_FRAMES;
    for (unsigned slot = 0; status == PAGING_OK && slot < PAGING_TABLE_ENTRIES; slot++)
        if (slot_is_shareable(space, slot))
            status = share_slot(space, slot, frames);
    frames->unreserve(frames, space);
    paging_temp_unmap(space);
    space->owns_shared_half = true;
    if (status != PAGING_OK)
        unshare_half(space, frames);
    return status;
}

enum paging_status paging_unshare_upper_half(struct paging_space *space, struct paging_frame_source *frames)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (space->shared_owner || space->sharers > 0)
        return PAGING_SHARED;
    if (space->gather)
        return PAGING_BUSY;
    if (space->owns_shared_half)
        unshare_half(space, frames);
    return PAGING_OK;
}

enum paging_status paging_create_sibling(struct paging_space *space, struct paging_space *sibling,
                                         struct paging_frame_source *frames)
{
    if (sibling->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    struct paging_space fresh = {.cpu = sibling->cpu,
                                 .offset = sibling->offset,
                                 .by_direct_map = sibling->by_direct_map,
                                 .shared_owner = shared_owner_of(sibling)};
    paging_set_mode(&fresh, is_reached_by_offset(sibling) ? PAGING_MODE_DIRECT : PAGING_MODE_UNREACHABLE);
    enum paging_status status = paging_build_space(&fresh, space, frames);
    if (status != PAGING_OK)
        return status;
    volatile paging_entry_t *root = paging_temp_map(&fresh, fresh.root);
    for (unsigned slot = 0; fresh.shared_owner && slot < PAGING_TABLE_ENTRIES; slot++)
        if (slot_is_shareable(sibling, slot))
            paging_entry_store(&root[slot], paging_entry_load(root_slot(sibling, slot)));
    paging_temp_unmap(&fresh);
    if (fresh.shared_owner)
        paging_change_sharers(fresh.shared_owner, +1);
    *space = fresh;
    return PAGING_OK;
}
