/* spaces.c - several address spaces. */
#include "spaces.h"
#include "checks.h"
#include "flush.h"
#include "space_parts.h"
#include "unlinked.h"

/* The entry of the root in this slot. */
static volatile entry_t *root_slot(const struct address_space *space, unsigned slot)
{
    return entry_slot(space, space->cpu.levels, slot_page(space, slot), space->root);
}

/* Whose upper half does the space share? NULL: nobody's. */
static struct address_space *lender_of(struct address_space *space)
{
    return space->lends ? space : space->lender;
}

/* Borrowing closes the express way of a lender that is not live, and opens it again. */
void count_borrowers(struct address_space *lender, int change)
{
    lender->borrowers += (uint64_t)(int64_t)change;
    set_reach(lender, lender->reach);
}

/* ---- lending ---- */

/* Can all of the half be pinned? *missing: entries that are unused. */
static enum paging_status look_at_half(const struct address_space *space, uint64_t *missing)
{
    for (unsigned slot = ENTRY_COUNT / 2; slot < ENTRY_COUNT; slot++) {
        if (page_is_kept(space, slot_page(space, slot)))
            continue;
        entry_t entry = entry_load(root_slot(space, slot));
        *missing += entry_is_unused(entry);
        if (entry_is_malformed(space, entry, space->cpu.levels))
            return PAGING_MALFORMED;
        if (!entry_is_unused(entry) && !entry_is_table(entry, space->cpu.levels))
            return PAGING_RESERVED;
    }
    return PAGING_OK;
}

static void pin(struct address_space *space, unsigned slot, struct frame_source *frames)
{
    entry_t entry = entry_load(root_slot(space, slot));
    if (entry_is_unused(entry)) {
        frame_t table = reserved_frame(frames);
        table_zero(unlinked_open(space, table));
        entry = entry_to_table(table, 1);
        space->tables++;
    }
    entry_store(root_slot(space, slot), (entry_t){entry.bits | ENTRY_PINNED});
}

enum paging_status paging_lend_upper_half(struct address_space *space, struct frame_source *frames)
{
    uint64_t missing = 0;
    if (space->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    if (space->lender)
        return PAGING_SHARED;
    if (space->lends)
        return PAGING_OK;
    enum paging_status status = look_at_half(space, &missing);
    if (status != PAGING_OK)
        return status;
    if (!reserve_frames(frames, missing))
        return PAGING_NO_FRAMES;
    for (unsigned slot = ENTRY_COUNT / 2; slot < ENTRY_COUNT; slot++)
        if (!page_is_kept(space, slot_page(space, slot)))
            pin(space, slot, frames);
    unlinked_done(space);
    space->lends = true;
    return PAGING_OK;
}

/*
 * The table in this slot is counted again. An empty one is unlinked, and only its frame stays in the entry
 * until what is cached of it has been flushed.
 */
static void unpin(struct address_space *space, unsigned slot, struct flush_batch *batch)
{
    entry_t entry = entry_load(root_slot(space, slot));
    page_t page = slot_page(space, slot);
    unsigned below = space->cpu.levels - 1, used = 0;
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        used += !entry_is_unused(entry_load(entry_slot(space, below, page, entry_frame(entry)) + i));
    entry.bits &= ~ENTRY_PINNED;
    if (used > 0) {
        entry_store(root_slot(space, slot), entry_with_count(entry, used));
        return;
    }
    entry_store(root_slot(space, slot), (entry_t){entry.bits & ~ENTRY_PRESENT});
    flush_table_later(space, batch, below, page);
}

enum paging_status paging_unlend_upper_half(struct address_space *space, struct frame_source *frames)
{
    if (space->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    if (space->lender || space->borrowers > 0)
        return PAGING_SHARED;
    if (!space->lends)
        return PAGING_OK;
    struct flush_batch batch;
    flush_begin(&batch);
    for (unsigned slot = ENTRY_COUNT / 2; slot < ENTRY_COUNT; slot++)
        if (!page_is_kept(space, slot_page(space, slot)))
            unpin(space, slot, &batch);
    flush_now(space, &batch);
    for (unsigned slot = ENTRY_COUNT / 2; slot < ENTRY_COUNT; slot++) {
        entry_t entry = entry_load(root_slot(space, slot));
        if (entry_is_unused(entry) || entry_is_present(entry))
            continue;
        entry_store(root_slot(space, slot), (entry_t){0});
        frames->release(frames, PAGE_4K, entry_frame(entry));
        space->tables--;
    }
    space->lends = false;
    return PAGING_OK;
}

enum paging_status paging_create_beside(struct address_space *space, struct address_space *beside,
                                        struct frame_source *frames)
{
    if (beside->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    struct address_space fresh = {.cpu = beside->cpu, .offset = beside->offset, .lender = lender_of(beside)};
    set_reach(&fresh, beside->reach == PAGING_BY_OFFSET ? PAGING_BY_OFFSET : PAGING_BY_NOTHING);
    enum paging_status status = build_space(&fresh, frames);
    if (status != PAGING_OK)
        return status;
    volatile entry_t *root = unlinked_open(&fresh, fresh.root);
    for (unsigned slot = ENTRY_COUNT / 2; fresh.lender && slot < ENTRY_COUNT; slot++)
        if (!page_is_kept(beside, slot_page(beside, slot)))
            entry_store(&root[slot], entry_load(root_slot(beside, slot)));
    unlinked_done(&fresh);
    if (fresh.lender)
        count_borrowers(fresh.lender, +1);
    *space = fresh;
    return PAGING_OK;
}

/* ---- one space and another ---- */

static enum paging_status check_pair(const struct address_space *active, const struct address_space *other)
{
    if (active->reach != PAGING_BY_WINDOW)
        return PAGING_NOT_ACTIVE;
    if (other->reach == PAGING_BY_WINDOW)
        return PAGING_ACTIVE;
    if (active->slot_taken)
        return PAGING_SLOT_TAKEN;
    return active->cpu.levels == other->cpu.levels ? PAGING_OK : PAGING_NOT_SUPPORTED;
}

/*
 * While a space is open, its root does not hold itself: through both slots each of its tables would have
 * several addresses, and flushing the window of one that goes would take a flush for each.
 */
static void show_itself(struct address_space *space, bool shown)
{
    entry_t self = entry_make(space->root, slot_flags(space));
    entry_store(root_slot(space, PAGING_RECURSIVE_SLOT), shown ? self : (entry_t){0});
}

enum paging_status paging_open(struct address_space *active, struct address_space *space)
{
    enum paging_status status = check_pair(active, space);
    if (status == PAGING_OK && PAGING_FOREIGN_SLOT >= ENTRY_COUNT)
        status = PAGING_NOT_SUPPORTED;
    if (status != PAGING_OK)
        return status;
    entry_store(root_slot(active, PAGING_FOREIGN_SLOT), entry_make(space->root, slot_flags(active)));
    set_reach(space, PAGING_BY_FOREIGN_WINDOW);
    show_itself(space, false);
    UNLESS_MUTANT(NO_SLOT_FLUSH)
    flush_everything(active);
    active->slot_taken = true;
    active->slot_shows_half = lender_of(active) && lender_of(active) == lender_of(space);
    return PAGING_OK;
}

enum paging_status paging_close(struct address_space *active, struct address_space *space)
{
    if (space->reach != PAGING_BY_FOREIGN_WINDOW || !active->slot_taken)
        return PAGING_OUT_OF_REACH;
    show_itself(space, true);
    entry_store(root_slot(active, PAGING_FOREIGN_SLOT), (entry_t){0});
    UNLESS_MUTANT(NO_SLOT_FLUSH)
    flush_everything(active);
    active->slot_taken = active->slot_shows_half = false;
    set_reach(space, PAGING_BY_NOTHING);
    return PAGING_OK;
}

enum paging_status paging_activate(struct address_space *active, struct address_space *next)
{
    enum paging_status status = check_pair(active, next);
    if (status != PAGING_OK)
        return status;
    root_load(paging_root_address(next));
    set_reach(active, PAGING_BY_NOTHING);
    set_reach(next, PAGING_BY_WINDOW);
    UNLESS_MUTANT(NO_ACTIVATE_FLUSH)
    if (!lender_of(active) || lender_of(active) != lender_of(next))
        flush_everything(next);
    return PAGING_OK;
}
