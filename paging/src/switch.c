/* SPDX-License-Identifier: MIT */
/* switch.c - attach a space to the active one, or switch to it. */
#include <selfmap/switch.h>

#include "flush.h"
#include "space_internal.h"

/* Checks what attaching and switching refuse alike. */
static enum paging_status check_pair(const struct paging_space *active, const struct paging_space *other)
{
    if (!is_active(active))
        return PAGING_NOT_ACTIVE;
    if (is_active(other))
        return PAGING_ACTIVE;
    if (active->slot_busy)
        return PAGING_SLOT_BUSY;
    if (active->gather || other->gather)
        return PAGING_BUSY;
    return active->cpu.levels == other->cpu.levels ? PAGING_OK : PAGING_NOT_SUPPORTED;
}

static bool have_same_half(struct paging_space *one, struct paging_space *other)
{
    return shared_owner_of(one) && shared_owner_of(one) == shared_owner_of(other);
}

/*
 * While a space is attached, its root does not hold itself: through both slots each of its tables would have
 * several addresses, and each would have to be flushed when the table goes.
 */
static void set_self_entry(struct paging_space *space, bool holds_itself)
{
    paging_entry_t self = paging_entry_make(space->root, reserved_slot_flags(space));
    paging_entry_store(root_slot(space, PAGING_RECURSIVE_SLOT), holds_itself ? self : (paging_entry_t){0});
}

enum paging_status paging_attach(struct paging_space *active, struct paging_space *space)
{
    enum paging_status status = check_pair(active, space);
    if (status == PAGING_OK && (!PAGING_HAS_ALTERNATE_SLOT || active->by_direct_map || space->by_direct_map))
        status = PAGING_NOT_SUPPORTED;
    if (status != PAGING_OK)
        return status;
    paging_entry_t root = paging_entry_make(space->root, reserved_slot_flags(active));
    paging_entry_store(root_slot(active, PAGING_ALTERNATE_SLOT), root);
    paging_set_mode(space, PAGING_MODE_ALTERNATE);
    set_self_entry(space, false);
    paging_flush_all(active);
    active->slot_busy = true;
    active->alternate_shares_half = have_same_half(active, space);
    return PAGING_OK;
}

enum paging_status paging_detach(struct paging_space *active, struct paging_space *space)
{
    if (space->mode != PAGING_MODE_ALTERNATE || !active->slot_busy)
        return PAGING_UNREACHABLE;
    if (active->gather || space->gather)
        return PAGING_BUSY;
    set_self_entry(space, true);
    paging_entry_store(root_slot(active, PAGING_ALTERNATE_SLOT), (paging_entry_t){0});
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
    paging_set_mode(active, active->by_direct_map ? PAGING_MODE_DIRECT : PAGING_MODE_UNREACHABLE);
    paging_mark_active(next);
    if (!have_same_half(active, next))
        paging_flush_all(next);
    return PAGING_OK;
}
