/* SPDX-License-Identifier: MIT */
/*
 * range.h - change what an address space maps, many pages at a time.
 *
 * A range is a virtual address and a length in bytes, both multiples of PAGING_PAGE_BYTES. It lies in one
 * half of the address space and touches no reserved root slot. Each operation checks the whole range first,
 * makes sure of every frame that it will need, and only then writes; the writing cannot fail. After every
 * single store each address translates as before or as after the call.
 *
 * All of them refuse, in this order and before anything else:
 *
 *   PAGING_EMPTY_RANGE     the length is zero
 *   PAGING_MISALIGNED      the start or the length is not a multiple of PAGING_PAGE_BYTES
 *   PAGING_NOT_CANONICAL   the start lies in the gap
 *   PAGING_RANGE_TOO_LONG  the range runs into the gap, or past the end of the address space
 *   PAGING_UNREACHABLE, PAGING_SHARED   the space cannot be changed now (switch.h, share.h)
 *   PAGING_RESERVED_SLOT   some page lies below a reserved root slot
 *
 * And all of them may answer, after what is listed at each operation has been checked:
 *
 *   PAGING_MALFORMED       an entry above the P1s has a reserved bit set: somebody else wrote to the tables
 *   PAGING_NO_FRAMES       no frames for tables
 *
 * On each of them, and on those listed below, nothing has changed. The one exception is PAGING_BROKEN_SOURCE
 * (frame_source.h): then the first part of the range may be done, and huge pages at its ends may be split.
 */
#ifndef SELFMAP_RANGE_H
#define SELFMAP_RANGE_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Flags for the three operations that map a range: no page becomes larger than this. With both it is 4 KiB.
 * No leaf gets these bits, and operations on one page refuse them.
 */
#define PAGING_LARGEST_2M ((uint64_t)1 << 56)
#define PAGING_LARGEST_4K ((uint64_t)1 << 57)

/*
 * Maps the range to the physical addresses from `to` on, with flags as for paging_map_to
 * (PAGING_REPLACE_MARKER among them, or PAGING_LARGEST_4K or _2M) and the largest pages that both alignments,
 * the length, the processor and the flags allow. The frames stay the caller's. Nothing is flushed except
 * the scratch page.
 *
 *   PAGING_MISALIGNED      `to` is not a multiple of PAGING_PAGE_BYTES
 *   PAGING_ALREADY_MAPPED  some page of the range is mapped (PAGING_MALFORMED if its entry is)
 *   PAGING_MARKED          some page's entry is a marker that must not be replaced
 *   PAGING_BUSY            what was unmapped there waits for the end of a gather (gather.h)
 *   PAGING_FRAME_TOO_HIGH  the physical range ends beyond MAXPHYADDR (SDM 3A, 4.1.4)
 *   PAGING_BAD_FLAGS, PAGING_NOT_SUPPORTED
 * If several apply, the answer is about the lowest address.
 */
PAGING_MUST_CHECK enum paging_status paging_map_range(struct paging_space *space, paging_virt_t start,
                                                      paging_phys_t to, uint64_t bytes, uint64_t flags,
                                                      struct paging_frame_source *frames);

/*
 * Maps the range to frames from the source, with flags as for paging_map_to: 1 GiB and 2 MiB frames
 * wherever the alignment allows such a page, the processor has it, the flags allow it and the source has
 * such a frame, otherwise 4 KiB ones. They are owned: unmapping gives them back. They are not zeroed. The
 * source must have enough frames for the case that none is huge. Nothing is flushed except the scratch page.
 *
 *   PAGING_ALREADY_MAPPED, PAGING_MARKED, PAGING_BUSY, PAGING_BAD_FLAGS, PAGING_NOT_SUPPORTED   as above
 */
PAGING_MUST_CHECK enum paging_status paging_map_range_alloc(struct paging_space *space, paging_virt_t start,
                                                            uint64_t bytes, uint64_t flags,
                                                            struct paging_frame_source *frames);

/* Does the same as paging_map_range with virtual addresses equal to physical ones. */
PAGING_MUST_CHECK enum paging_status paging_identity_map_range(struct paging_space *space,
                                                               paging_phys_t start, uint64_t bytes,
                                                               uint64_t flags,
                                                               struct paging_frame_source *frames);

/*
 * Gives each page of the range a marker with this value (paging_set_marker), in as few entries as can be: one
 * above the P1s, of a P2 or of a P3, is the same marker for each page that it covers. So 256 MiB take the
 * tables that lead to 128 entries, whatever the processor's page sizes. `flags` is 0, or
 * PAGING_REPLACE_MARKER: then markers in the range get the new value. Nothing is flushed except the scratch
 * page.
 *
 *   PAGING_BAD_FLAGS       the value is zero or greater than PAGING_MARKER_LIMIT, or another flag
 *   PAGING_ALREADY_MAPPED  some page of the range is mapped (PAGING_MALFORMED if its entry is)
 *   PAGING_MARKED          some page has a marker that must not be replaced
 */
PAGING_MUST_CHECK enum paging_status paging_set_marker_range(struct paging_space *space, paging_virt_t start,
                                                             uint64_t bytes, uint64_t value, uint64_t flags,
                                                             struct paging_frame_source *frames);

/*
 * Removes whatever is in the range, pages and markers. Huge pages and larger markers that lie in it in part
 * are split. Tables that become empty go back, with one store each at the highest level that empties, after
 * one flush for all. Owned frames go back to the source, others are the caller's. Holes are passed over at a
 * cost that does not depend on their size; a range without anything in it is not an error, and changes and
 * flushes nothing.
 */
PAGING_MUST_CHECK enum paging_status paging_unmap_range(struct paging_space *space, paging_virt_t start,
                                                        uint64_t bytes, struct paging_frame_source *frames);

/*
 * Clears the flags in `clear` and sets those in `set` in every page of the range. Both are of
 * PAGING_LEAF_FLAGS without PRESENT, with no flag in common. Accessed and dirty stay as they are unless
 * named. Huge pages that lie in the range in part are split if they change. Holes are passed over. If nothing
 * changes, nothing is written, flushed or taken.
 *
 *   PAGING_BAD_FLAGS, PAGING_NOT_SUPPORTED
 */
PAGING_MUST_CHECK enum paging_status paging_protect_range(struct paging_space *space, paging_virt_t start,
                                                          uint64_t bytes, uint64_t set, uint64_t clear,
                                                          struct paging_frame_source *frames);

/*
 * Moves whatever is in the range, pages and markers, to the addresses from `to` on in the same half, where
 * nothing may be. Frames, rights, accessed and dirty bits and ownership stay. Whole tables are linked anew,
 * with one store there and one here, where both places are aligned to what the table maps; what is not is
 * moved entry by entry. Each page is at its new address before it goes from its old one. Holes are passed
 * over. Takes frames for the tables that are missing there; those that become empty go back, up to 32 after
 * one flush of what has moved. Ends an open gather first (gather.h). A range without anything in it is not an
 * error.
 *
 *   PAGING_RANGE_TOO_LONG  the two places overlap, or lie in different halves
 *   PAGING_INSIDE_HUGE     a huge page lies in the range in part (PAGING_MARKED for a marker): split it
 *   PAGING_MISALIGNED      the distance is not a multiple of the size of some page in the range
 *   PAGING_ALREADY_MAPPED, PAGING_MARKED   something is at the new place
 * What all operations refuse is asked of both places, of the old one first.
 */
PAGING_MUST_CHECK enum paging_status paging_move_range(struct paging_space *space, paging_virt_t from,
                                                       paging_virt_t to, uint64_t bytes,
                                                       struct paging_frame_source *frames);

/*
 * Replaces the 2 MiB or 1 GiB page that covers `page` by 512 pages of the next smaller size, which map the
 * same bytes with the same flags, accessed and dirty included.
 *
 *   PAGING_BAD_PAGE, PAGING_UNREACHABLE, PAGING_SHARED, PAGING_RESERVED_SLOT, PAGING_NOT_MAPPED,
 *   PAGING_MARKED, PAGING_BUSY, PAGING_MALFORMED
 *   PAGING_NOT_HUGE        a 4 KiB page maps it
 *   PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE   no frame for the table
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_split(struct paging_space *space, paging_page_t page,
                                                  struct paging_frame_source *frames);

/*
 * Does the reverse: wherever in the range a whole table holds leaves of one size in order, with the same
 * flags except accessed and dirty, they become one page of the next size (as far as the processor has it),
 * and the table goes back. That page is accessed or dirty if any of them was. Frames of owned pages are
 * joined in the source. Up to 32 tables are replaced before one flush. A range in which nothing fits is not
 * an error.
 *
 * Nothing is taken from the frame source, so PAGING_NO_FRAMES is never the answer.
 */
PAGING_MUST_CHECK enum paging_status paging_merge_range(struct paging_space *space, paging_virt_t start,
                                                        uint64_t bytes, struct paging_frame_source *frames);

/*
 * Stores how many bytes of the range, from its start on, hold about `limit` entries that are used: pages of
 * any size, markers and tables, one each. So a long call can be made in pieces, between which something else
 * may run. Each piece is a call of its own: all or nothing, old or new at every store, with tables that are
 * sound in between.
 *
 *     for (; bytes > 0 && status == PAGING_OK; start.value += piece, bytes -= piece) {
 *         status = paging_next_piece(space, start, bytes, 4096, &piece);
 *         if (status == PAGING_OK)
 *             status = paging_unmap_range(space, start, piece, frames);
 *     }
 *
 * The same for paging_protect_range, and for paging_merge_range with a limit of at least 1024. Holes cost
 * nothing and are part of the piece before them. The piece ends before a page, a marker or a table, and no
 * huge page has to be split for it; it has at least one page or marker, whatever the limit, if the range has
 * any. A P1 is cut only if it has more entries than the limit and is the first one of the piece.
 *
 * Mapping takes what the caller chooses: there, pieces of a multiple of the page size wanted will do.
 *
 * Changes nothing, and reads the tables of the piece except P1s that lie in it whole. Answers only what all
 * operations of this header refuse alike.
 */
PAGING_MUST_CHECK enum paging_status paging_next_piece(const struct paging_space *space, paging_virt_t start,
                                                       uint64_t bytes, uint64_t limit, uint64_t *piece_bytes);

PAGING_END_C

#endif
