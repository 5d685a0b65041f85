/* spaces.c - several address spaces. */
#include "checks.h"
#include "flush.h"
#include "space_internal.h"
#include "table_pages.h"
#include <selfmap/share.h>

/* The entry of the root in this slot. */
static volatile paging_entry_t *root_slot(const struct paging_space *space, unsigned slot)
{
    return entry_slot(space, space->cpu.levels, slot_page(space, slot), space->root);
}

/* Whose upper half does the space share? NULL: nobody's. */
static struct paging_space *shared_owner_of(struct paging_space *space)
{
    return space->shares_upper_half ? space : space->shared_owner;
}

/* Borrowing closes the fast path of a lender that is not live, and opens it again. */
void paging_count_sharers(struct paging_space *lender, int change)
{
    lender->sharers += (uint64_t)(int64_t)change;
    paging_set_mode(lender, lender->mode);
}

/* ---- lending ---- */

/* Can all of the half be pinned? *missing: entries that are unused. */
static enum paging_status check_half(const struct paging_space *space, uint64_t *missing)
{
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++) {
        if (page_is_reserved(space, slot_page(space, slot)))
            continue;
        paging_entry_t entry = paging_entry_load(root_slot(space, slot));
        *missing += paging_entry_is_unused(entry);
        if (entry_is_malformed(space, entry, space->cpu.levels))
            return PAGING_MALFORMED;
        if (!paging_entry_is_unused(entry) && !paging_entry_is_table(entry, space->cpu.levels))
            return PAGING_MARKED;
    }
    return PAGING_OK;
}

static void pin(struct paging_space *space, unsigned slot, struct paging_frame_source *frames)
{
    paging_entry_t entry = paging_entry_load(root_slot(space, slot));
    if (paging_entry_is_unused(entry)) {
        paging_frame_t table = reserved_frame(frames);
        paging_table_zero(paging_temp_map(space, table));
        entry = entry_to_table(table, 1);
        space->tables++;
    }
    paging_entry_store(root_slot(space, slot), (paging_entry_t){entry.bits | PAGING_SHARED_TABLE});
}

enum paging_status paging_share_upper_half(struct paging_space *space, struct paging_frame_source *frames)
{
    uint64_t missing = 0;
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (space->shared_owner)
        return PAGING_SHARED;
    if (space->shares_upper_half)
        return PAGING_OK;
    enum paging_status status = check_half(space, &missing);
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, missing))
        return PAGING_NO_FRAMES;
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++)
        if (!page_is_reserved(space, slot_page(space, slot)))
            pin(space, slot, frames);
    paging_temp_unmap(space);
    space->shares_upper_half = true;
    return PAGING_OK;
}

/*
 * The table in this slot is counted again. An empty one is unlinked, and only its frame stays in the entry
 * until what is cached of it has been flushed.
 */
static void unpin(struct paging_space *space, unsigned slot, struct flush_batch *batch)
{
    paging_entry_t entry = paging_entry_load(root_slot(space, slot));
    paging_page_t page = slot_page(space, slot);
    unsigned below = space->cpu.levels - 1, used = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        used += !paging_entry_is_unused(
            paging_entry_load(entry_slot(space, below, page, paging_entry_frame(entry)) + i));
    entry.bits &= ~PAGING_SHARED_TABLE;
    if (used > 0) {
        paging_entry_store(root_slot(space, slot), entry_with_count(entry, used));
        return;
    }
    paging_entry_store(root_slot(space, slot), (paging_entry_t){entry.bits & ~PAGING_PRESENT});
    flush_table_later(space, batch, below, page);
}

enum paging_status paging_unshare_upper_half(struct paging_space *space, struct paging_frame_source *frames)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (space->shared_owner || space->sharers > 0)
        return PAGING_SHARED;
    if (!space->shares_upper_half)
        return PAGING_OK;
    struct flush_batch batch;
    flush_begin(&batch);
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++)
        if (!page_is_reserved(space, slot_page(space, slot)))
            unpin(space, slot, &batch);
    paging_flush_now(space, &batch);
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++) {
        paging_entry_t entry = paging_entry_load(root_slot(space, slot));
        if (paging_entry_is_unused(entry) || paging_entry_is_present(entry))
            continue;
        paging_entry_store(root_slot(space, slot), (paging_entry_t){0});
        frames->release(frames, PAGING_4K, paging_entry_frame(entry));
        space->tables--;
    }
    space->shares_upper_half = false;
    return PAGING_OK;
}

enum paging_status paging_create_sibling(struct paging_space *space, struct paging_space *beside,
                                         struct paging_frame_source *frames)
{
    if (beside->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    struct paging_space fresh = {
        .cpu = beside->cpu, .offset = beside->offset, .shared_owner = shared_owner_of(beside)};
    paging_set_mode(&fresh,
                    beside->mode == PAGING_MODE_DIRECT ? PAGING_MODE_DIRECT : PAGING_MODE_UNREACHABLE);
    enum paging_status status = paging_build_space(&fresh, frames);
    if (status != PAGING_OK)
        return status;
    volatile paging_entry_t *root = paging_temp_map(&fresh, fresh.root);
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; fresh.shared_owner && slot < PAGING_TABLE_ENTRIES; slot++)
        if (!page_is_reserved(beside, slot_page(beside, slot)))
            paging_entry_store(&root[slot], paging_entry_load(root_slot(beside, slot)));
    paging_temp_unmap(&fresh);
    if (fresh.shared_owner)
        paging_count_sharers(fresh.shared_owner, +1);
    *space = fresh;
    return PAGING_OK;
}

/* ---- one space and another ---- */

static enum paging_status check_pair(const struct paging_space *active, const struct paging_space *other)
{
    if (active->mode != PAGING_MODE_RECURSIVE)
        return PAGING_NOT_ACTIVE;
    if (other->mode == PAGING_MODE_RECURSIVE)
        return PAGING_ACTIVE;
    if (active->slot_busy)
        return PAGING_SLOT_BUSY;
    return active->cpu.levels == other->cpu.levels ? PAGING_OK : PAGING_NOT_SUPPORTED;
}

/*
 * While a space is open, its root does not hold itself: through both slots each of its tables would have
 * several addresses, and flushing the window of one that goes would take a flush for each.
 */
static void set_self_entry(struct paging_space *space, bool shown)
{
    paging_entry_t self = paging_entry_make(space->root, reserved_slot_flags(space));
    paging_entry_store(root_slot(space, PAGING_RECURSIVE_SLOT), shown ? self : (paging_entry_t){0});
}

enum paging_status paging_attach(struct paging_space *active, struct paging_space *space)
{
    enum paging_status status = check_pair(active, space);
    if (status == PAGING_OK && PAGING_ALTERNATE_SLOT >= PAGING_TABLE_ENTRIES)
        status = PAGING_NOT_SUPPORTED;
    if (status != PAGING_OK)
        return status;
    paging_entry_store(root_slot(active, PAGING_ALTERNATE_SLOT),
                       paging_entry_make(space->root, reserved_slot_flags(active)));
    paging_set_mode(space, PAGING_MODE_ALTERNATE);
    set_self_entry(space, false);
    UNLESS_MUTANT(NO_SLOT_FLUSH)
    paging_flush_all(active);
    active->slot_busy = true;
    active->alternate_shares_half =
        shared_owner_of(active) && shared_owner_of(active) == shared_owner_of(space);
    return PAGING_OK;
}

enum paging_status paging_detach(struct paging_space *active, struct paging_space *space)
{
    if (space->mode != PAGING_MODE_ALTERNATE || !active->slot_busy)
        return PAGING_UNREACHABLE;
    set_self_entry(space, true);
    paging_entry_store(root_slot(active, PAGING_ALTERNATE_SLOT), (paging_entry_t){0});
    UNLESS_MUTANT(NO_SLOT_FLUSH)
    paging_flush_all(active);
    active->slot_busy = active->alternate_shares_half = false;
    paging_set_mode(space, PAGING_MODE_UNREACHABLE);
    return PAGING_OK;
}

enum paging_status paging_switch_to(struct paging_space *active, struct paging_space *next)
{
    enum paging_status status = check_pair(active, next);
    if (status != PAGING_OK)
        return status;
    paging_root_load(paging_root_address(next));
    paging_set_mode(active, PAGING_MODE_UNREACHABLE);
    paging_set_mode(next, PAGING_MODE_RECURSIVE);
    UNLESS_MUTANT(NO_ACTIVATE_FLUSH)
    if (!shared_owner_of(active) || shared_owner_of(active) != shared_owner_of(next))
        paging_flush_all(next);
    return PAGING_OK;
}
