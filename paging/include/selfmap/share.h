/*
 * share.h - several address spaces: share the upper half, edit one that is not live, switch.
 *
 * A kernel maps itself in the upper half, alike in all spaces, and programs in the lower halves. Spaces share
 * the half by having the same entries in the upper part of their roots. So that these never have to change,
 * each leads to a table from the start, and such a table is pinned: it is not counted, and stays when it is
 * empty. One space owns them, the lender; the others borrow.
 *
 * The tables of a space that is not live cannot be reached through the recursive slot. Put its root into the
 * alternate slot of the live root, and they appear as pages in another window, just as large:
 *
 *   four levels, slots 511 and 510     the space's P1s at ffff_ff00_0000_0000
 *                                      its P2s at ffff_ffff_8000_0000, its P3s, its P4 at ffff_ffff_ffff_e000
 *
 * All operations then work on it as on the live one, but for what is cached: pages of a space that is not live are
 * in no TLB, its windows are.
 *
 * GLOBAL is for the shared half: loading CR3 does not flush global pages. One processor; the caller locks.
 */
#ifndef SELFMAP_SHARE_H
#define SELFMAP_SHARE_H

#include <selfmap/space.h>

/*
 * Pin the upper half of a space, so that others can share it. Takes a frame for each of the root's entries
 * there that is unused: 253 of 256 in an empty space, about 1 MiB. A space that lends already is left as it
 * is. From now on, and until it lends no more, the struct must not be moved.
 *
 *   PAGING_SHARED         the space borrows its upper half
 *   PAGING_UNREACHABLE, PAGING_NO_FRAMES
 *   PAGING_MARKED, PAGING_MALFORMED   an entry of the root is not the core's
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_share_upper_half(struct paging_space *space,
                                                             struct paging_frame_source *frames);

/*
 * The reverse, when nobody borrows it: what is mapped stays, and pinned tables that are empty go back.
 *
 *   PAGING_SHARED        others borrow it, or the space itself does
 *   PAGING_UNREACHABLE
 * On each of them nothing has changed. A space that does not lend is left as it is.
 */
PAGING_MUST_CHECK enum paging_status paging_unshare_upper_half(struct paging_space *space,
                                                               struct paging_frame_source *frames);

/*
 * Make an empty space beside one that is within reach, for the same processor. If that one lends or borrows
 * an upper half, the new one borrows the same; else its upper half is empty. It is reached by offset if the
 * other is, else it is out of reach. Frames as for paging_create. The struct `beside` may be moved unless it
 * lends.
 *
 *   PAGING_UNREACHABLE, PAGING_NO_FRAMES
 */
PAGING_MUST_CHECK enum paging_status paging_create_sibling(struct paging_space *space,
                                                           struct paging_space *beside,
                                                           struct paging_frame_source *frames);

/*
 * Put the root of a space that is not live into the alternate slot of the live one: from here on all operations
 * work on it, but for pages of an upper half that it shares (PAGING_SHARED; change them through the live
 * space). Everything is flushed, global pages included. While it is open its own recursive slot is empty, so
 * that each of its tables has one address.
 *
 *   PAGING_NOT_ACTIVE     the first is not live
 *   PAGING_ACTIVE         the second is
 *   PAGING_SLOT_BUSY     some space is open already
 *   PAGING_NOT_SUPPORTED  the two have not the same number of levels, or there is no alternate slot
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_attach(struct paging_space *active, struct paging_space *space);

/*
 * Empty the slot again, and flush everything. The space is out of reach then.
 *
 *   PAGING_UNREACHABLE  the second is not open through the first
 */
PAGING_MUST_CHECK enum paging_status paging_detach(struct paging_space *active, struct paging_space *space);

/*
 * Load CR3 with another root. Both spaces must map alike the code that runs, its stack and both structs. The
 * one that was live is out of reach then. If the two do not share the upper half, global pages are flushed.
 *
 *   PAGING_NOT_ACTIVE     the first is not live
 *   PAGING_ACTIVE         the second is
 *   PAGING_SLOT_BUSY     some space is open through the first
 *   PAGING_NOT_SUPPORTED  the two have not the same number of levels
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_switch_to(struct paging_space *active, struct paging_space *next);

#endif
