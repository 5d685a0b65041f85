/* SPDX-License-Identifier: MIT */
/*
 * switch.h - the active space and another one: edit that one, or switch to it.
 *
 * The tables of a space that is not active cannot be reached through the recursive slot. With its root in the
 * alternate slot of the active root, they appear as pages in a second window of the same size:
 *
 *   four levels, slots 511 and 510     the attached space's P1s at ffff_ff00_0000_0000
 *                                      its P2s at ffff_ffff_8000_0000, its P3s at ffff_ffff_ffc0_0000,
 *                                      its P4 at ffff_ffff_ffff_e000
 *
 * All operations then work on it as on the active one. Only the flushes differ: pages of a space that is not
 * active are in no TLB, but its window is. One processor; the caller locks.
 *
 * A space that lives through a direct map (space.h) needs nothing of this to be edited while another one is
 * active, as long as the active one maps the direct map too.
 */
#ifndef SELFMAP_SWITCH_H
#define SELFMAP_SWITCH_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Attaches `space` to the active space: puts its root into the alternate slot. Pages of an upper half that
 * both share cannot be changed through it (PAGING_SHARED; change them through the active space). Flushes
 * everything, global pages included. While a space is attached its own recursive slot is empty, so that each
 * of its tables has one address only.
 *
 *   PAGING_NOT_ACTIVE     `active` is not active
 *   PAGING_ACTIVE         `space` is
 *   PAGING_SLOT_BUSY      a space is attached already
 *   PAGING_BUSY           one of them has a gather that has not ended (gather.h)
 *   PAGING_NOT_SUPPORTED  the two spaces have different numbers of levels, there is no alternate slot, or
 *                         one of them lives through a direct map
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_attach(struct paging_space *active, struct paging_space *space);

/*
 * Empties the alternate slot again and flushes everything. The space is unreachable then.
 *
 *   PAGING_UNREACHABLE  `space` is not attached to `active`
 *   PAGING_BUSY         one of them has a gather that has not ended (gather.h)
 */
PAGING_MUST_CHECK enum paging_status paging_detach(struct paging_space *active, struct paging_space *space);

/*
 * Loads CR3 with another root. Both spaces must map the code that runs, its stack and both structs alike. The
 * one that was active is unreachable then, or, if it lives through a direct map, in direct-map mode. The two
 * may live in different ways. Global pages, which the load spares (SDM 3A, 4.10.4.1), are flushed if they
 * do not share the upper half.
 *
 *   PAGING_NOT_ACTIVE     `active` is not active
 *   PAGING_ACTIVE         `next` is
 *   PAGING_SLOT_BUSY      a space is attached to `active`
 *   PAGING_BUSY           one of them has a gather that has not ended (gather.h)
 *   PAGING_NOT_SUPPORTED  the two spaces have different numbers of levels
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_switch_to(struct paging_space *active, struct paging_space *next);

PAGING_END_C

#endif
