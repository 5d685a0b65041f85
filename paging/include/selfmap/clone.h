/* SPDX-License-Identifier: MIT */
/*
 * clone.h - a space gets the same lower half as another one, and pages are copied when they are written.
 *
 *     status = paging_create_sibling(child, parent, frames);
 *     ... attach it, if the spaces live through the recursive slot (switch.h)
 *     if (status == PAGING_OK)
 *         status = paging_clone_lower_half(parent, child, frames);
 *
 * Pages that own their frame share it from then on: none of them can be written, and those that could be are
 * copied on write (PAGING_COPY_ON_WRITE in the leaf, beside PAGING_SHARED_FRAME). Who writes there gets a
 * page fault, whose handler asks paging_unshare_page: it answers PAGING_OK, and the write can go on, if no
 * other page has the frame any more, and PAGING_COPY_NEEDED otherwise. Then the handler copies the page, and
 * puts the copy into its place with paging_remap:
 *
 *     status = paging_unshare_page(space, page, frames);
 *     if (status == PAGING_COPY_NEEDED)
 *         status = paging_translate(space, address, &found);
 *     ... take a frame of found.size, copy found.size of memory there; for a small copy, paging_split first
 *         status = paging_remap(space, page, copy, found.flags | PAGING_WRITABLE, true, frames, NULL);
 *
 * All this is about the right to write alone: who asks about a fault of another cause, such as a program's
 * write to what is the kernel's, is answered PAGING_OK or PAGING_DENIED, and after PAGING_OK the same fault
 * comes again.
 *
 * As long as a frame is shared, PAGING_WRITABLE in a change of flags (paging_protect, paging_protect_range,
 * paging_remap with the same frame) says whether the page is copied on write: none of them makes it writable.
 * Pages of a shared frame are split and moved like others, but not merged. Frames that no page owns, as those
 * of devices and of memory that programs share on purpose, are mapped in both spaces alike.
 */
#ifndef SELFMAP_CLONE_H
#define SELFMAP_CLONE_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Maps in the lower half of `destination`, where nothing is, what the lower half of `source` maps: pages of
 * the same sizes with the same flags, accessed and dirty bits, and markers. The frames of owned pages are
 * shared (frame_source.h), and the right to write goes from these pages in both spaces. The two are spaces of
 * one processor, which live in the same way; both must be reachable, and either may be active. Gathers of
 * both are carried out first (gather.h).
 *
 * Takes a frame for each table of the source's lower half, and reserves just these. The cost is in proportion
 * to these tables: each entry is looked at twice, if pages of its table are owned; holes cost nothing.
 * Flushes, of the source, the pages that lose the right to write, and of huge ones the window pages in which
 * they were visible: each by itself if they are few, otherwise everything. Of the destination nothing is
 * flushed except the scratch page.
 *
 *   PAGING_UNREACHABLE     the tables of one of them cannot be reached (switch.h)
 *   PAGING_NOT_SUPPORTED   they have different numbers of levels, or live in different ways; or the source of
 *                          frames cannot share (frame_sharing.h can), and a page is owned
 *   PAGING_ALREADY_MAPPED  something is in the lower half of the destination, if only a marker
 *   PAGING_MALFORMED       an entry above the P1s has a reserved bit set: somebody else wrote to the tables
 *   PAGING_NO_FRAMES       no frames for the tables, or the source of frames can count no further
 *   PAGING_BROKEN_SOURCE   the source of frames refused a frame that it had promised
 * On each of them nothing has changed in either space, and no frame is shared.
 */
PAGING_MUST_CHECK enum paging_status paging_clone_lower_half(struct paging_space *source,
                                                             struct paging_space *destination,
                                                             struct paging_frame_source *frames);

/*
 * Makes the leaf that maps `page`, whatever its size, writable, if it is copied on write and no other page
 * owns its frame any more, or any part of it. Flushes the leaf, and if it is huge, the window pages in which
 * it was visible. Does nothing if the page is writable already. Takes nothing from the source.
 *
 *   PAGING_COPY_NEEDED     others own the frame, or a part of it
 *   PAGING_DENIED          the page is read-only, and not copied on write
 *   PAGING_NOT_SUPPORTED   the source of frames cannot share
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_BUSY, PAGING_MALFORMED, PAGING_BAD_PAGE, PAGING_RESERVED_SLOT,
 *   PAGING_UNREACHABLE, PAGING_SHARED   as for paging_protect (map.h)
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_unshare_page(struct paging_space *space, paging_page_t page,
                                                         struct paging_frame_source *frames);

PAGING_END_C

#endif
