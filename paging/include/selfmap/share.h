/* SPDX-License-Identifier: MIT */
/*
 * share.h - address spaces that share their upper half.
 *
 * A kernel maps itself in the upper half, the same in all spaces, and programs in the lower halves. Spaces
 * share the half by having the same entries in the upper part of their roots:
 *
 *      owner's root              sharer's root
 *     +-------------+           +-------------+
 *     | lower half  | own P3s   | lower half  | own P3s
 *     +-------------+           +-------------+
 *     | 256         |---> P3 <--| 256         |
 *     | ...         |---> P3 <--| ...         |      the same tables, all there from the start
 *     | 511 itself  |           | 511 itself  |      reserved root slots are each space's own
 *     +-------------+           +-------------+
 *
 * So that these entries never have to change, each of them leads to a table from the start. Such a table is
 * shared: its used entries are not counted, and it stays when it becomes empty. One space owns these tables,
 * the others are its sharers. The half is changed through the active space only, because what is cached of it
 * belongs to that one. Spaces that live through a direct map (space.h) share all 256 entries. GLOBAL is meant
 * for the shared half: loading CR3 does not flush global pages
 * (SDM 3A, 4.10.4.1).
 */
#ifndef SELFMAP_SHARE_H
#define SELFMAP_SHARE_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Makes the space the owner of an upper half that others can share. Takes a frame for each unused entry of
 * the root there: in an empty space 253, about 1 MiB, or 256 if it lives through a direct map. Does nothing
 * if the space is an owner already. From now on, and until paging_unshare_upper_half, the struct must not be
 * moved.
 *
 *   PAGING_SHARED        the space shares the half of another one
 *   PAGING_BUSY          it has a gather that has not ended (gather.h)
 *   PAGING_UNREACHABLE, PAGING_NO_FRAMES
 *   PAGING_BROKEN_SOURCE some tables have been added, which paging_unshare_upper_half removes
 *   PAGING_MARKED, PAGING_MALFORMED   an entry of the root there does not point to a table
 * On each of them except PAGING_BROKEN_SOURCE nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_share_upper_half(struct paging_space *space,
                                                             struct paging_frame_source *frames);

/*
 * Ends that when there is no sharer: what is mapped stays, and shared tables that are empty go back.
 *
 *   PAGING_SHARED        there are sharers, or the space is one itself
 *   PAGING_BUSY          it has a gather that has not ended (gather.h)
 *   PAGING_UNREACHABLE
 * On each of them nothing has changed. Does nothing if the space does not own a shared half.
 */
PAGING_MUST_CHECK enum paging_status paging_unshare_upper_half(struct paging_space *space,
                                                               struct paging_frame_source *frames);

/*
 * Makes an empty space for the same processor as `sibling`, which must be reachable. If that one owns or
 * shares an upper half, the new space shares the same; otherwise its upper half is empty. It lives in the
 * same way as the sibling. It is in direct-map mode if the sibling is, or if both live through a direct map;
 * otherwise unreachable. Takes frames as paging_create or paging_create_direct does. The struct `sibling` may
 * be moved afterwards unless it is an owner.
 *
 *   PAGING_UNREACHABLE, PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE
 */
PAGING_MUST_CHECK enum paging_status paging_create_sibling(struct paging_space *space,
                                                           struct paging_space *sibling,
                                                           struct paging_frame_source *frames);

PAGING_END_C

#endif
