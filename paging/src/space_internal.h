/* SPDX-License-Identifier: MIT */
/*
 * space_internal.h - what making one space (space.c), sharing (share.c) and switching (switch.c) have in
 * common.
 */
#ifndef PAGING_SRC_SPACE_INTERNAL_H
#define PAGING_SRC_SPACE_INTERNAL_H

#include "walk.h"

/* Sets the access mode, and what follows from it: windows and fast path. */
PAGING_FOR_SIZE void paging_set_mode(struct paging_space *space, enum paging_mode mode);

/*
 * Makes the tables of an empty space whose cpu, mode and offset are set; `given` is the address that the
 * frame source is told. The root stays within reach of paging_temp_map; the caller calls paging_temp_unmap.
 *
 *   PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE
 */
PAGING_MUST_CHECK PAGING_FOR_SIZE enum paging_status paging_build_space(struct paging_space *space,
                                                                        const struct paging_space *given,
                                                                        struct paging_frame_source *frames);

/* Adds to the number of spaces that share the owner's upper half. */
void paging_change_sharers(struct paging_space *owner, int change);

/* Returns where the root's entry of this slot is. */
static inline volatile paging_entry_t *root_slot(const struct paging_space *space, unsigned slot)
{
    return entry_slot(space, space->cpu.levels, first_page_of_slot(space, slot), space->root);
}

/* Returns whose upper half the space shares, itself included; NULL for nobody's. */
static inline struct paging_space *shared_owner_of(struct paging_space *space)
{
    return space->owns_shared_half ? space : space->shared_owner;
}

#endif
