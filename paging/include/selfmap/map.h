/* SPDX-License-Identifier: MIT */
/*
 * map.h - change what an address space maps, one page at a time.
 *
 * Only the leaf decides about rights: the entries above it allow everything. Each operation checks everything
 * first, takes every frame it needs, and only then writes; the writing cannot fail. After every single store
 * each address translates as before or as after the call. New tables are filled before the one store that
 * links them; tables that become empty are unlinked, flushed and then given back, at once.
 */
#ifndef SELFMAP_MAP_H
#define SELFMAP_MAP_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * A flag for the operations that map: a marker gives way. A larger one, in a table above the P1s, stays on
 * all pages around the new leaf, which takes tables. Without this flag such a page is refused. No leaf gets
 * this bit.
 */
#define PAGING_REPLACE_MARKER ((uint64_t)1 << 58)

/*
 * Maps `page` to `frame` with `flags`: any of PAGING_LEAF_FLAGS (entry.h), PRESENT is implied. The frame
 * stays the caller's: unmapping does not give it back.
 *
 * Missing tables cost at most three frames, four with five levels. Nothing is flushed except the scratch
 * page, because a page that was not present is in no TLB (SDM 3A, 4.10.2.3).
 *
 *   PAGING_ALREADY_MAPPED  the page is mapped
 *   PAGING_MARKED          the page's entry is a marker
 *   PAGING_INSIDE_HUGE     a 2 MiB or 1 GiB page covers it
 *   PAGING_BAD_PAGE        the page's number is too large for the levels of the space
 *   PAGING_RESERVED_SLOT   the page lies below a reserved root slot
 *   PAGING_UNREACHABLE, PAGING_SHARED   the space cannot be changed now (switch.h, share.h)
 *   PAGING_BUSY            what was unmapped there waits for the end of a gather (gather.h)
 *   PAGING_FRAME_TOO_HIGH  the frame lies beyond MAXPHYADDR
 *   PAGING_BAD_FLAGS       a flag that is not in PAGING_LEAF_FLAGS, or GLOBAL on a page of the lower half
 *   PAGING_NOT_SUPPORTED   NO_EXECUTE on a processor without it
 *   PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE   no frame for a table
 *   PAGING_MALFORMED       an entry on the way has a reserved bit set: somebody else wrote to the tables
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_map_to(struct paging_space *space, paging_page_t page,
                                                   paging_frame_t frame, uint64_t flags,
                                                   struct paging_frame_source *frames);

/*
 * Maps one page of any size in the same way. In addition:
 *
 *   PAGING_MISALIGNED      `page` or `frame` is not a multiple of the size
 *   PAGING_ALREADY_MAPPED  a smaller page inside it is mapped
 *   PAGING_NOT_SUPPORTED   1 GiB pages on a processor without them
 */
PAGING_MUST_CHECK enum paging_status paging_map_sized(struct paging_space *space, paging_page_t page,
                                                      paging_frame_t frame, enum paging_size size,
                                                      uint64_t flags, struct paging_frame_source *frames);

/*
 * Maps `page` to a frame from the source, which costs one frame more than the tables. The page is marked as
 * owned: unmapping gives the frame back. The frame is not zeroed. Statuses as for paging_map_to.
 */
PAGING_MUST_CHECK enum paging_status paging_map(struct paging_space *space, paging_page_t page,
                                                uint64_t flags, struct paging_frame_source *frames);

/*
 * Maps one page of any size to a frame that the caller took from the source, or from the allocator behind it
 * (as frames_allocate of frames.h does), with this size, and may have filled already. On PAGING_OK the page
 * owns it, as if paging_map had taken it; on any error it is still the caller's. Takes frames for missing
 * tables only. Statuses as for paging_map_sized.
 */
PAGING_MUST_CHECK enum paging_status paging_map_owned(struct paging_space *space, paging_page_t page,
                                                      paging_frame_t frame, enum paging_size size,
                                                      uint64_t flags, struct paging_frame_source *frames);

/*
 * Maps the page whose address equals the frame's to that frame. Statuses as for paging_map_to, and
 *
 *   PAGING_NOT_CANONICAL   the frame's address is not a canonical virtual address
 */
PAGING_MUST_CHECK enum paging_status paging_identity_map(struct paging_space *space, paging_frame_t frame,
                                                         uint64_t flags, struct paging_frame_source *frames);

/* What paging_unmap removed, or paging_remap replaced. */
struct paging_unmapped {
    paging_frame_t frame;  /* the first frame that the leaf mapped */
    enum paging_size size; /* how much it mapped */
    uint64_t flags;        /* the leaf's, with all accessed and dirty bits set until its translation ended */
    bool released;         /* the frame was owned and went back to the source; otherwise it is the caller's */
};

/*
 * Removes the leaf that begins at `page`, whatever its size, and the tables that become empty. Flushes the
 * page, the window of every table that went away, and after a huge page the window pages in which it was
 * visible; in a space that lives through a direct map, the page alone. Only then do frames go back. What was
 * there is stored in *unmapped unless `unmapped` is NULL.
 *
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_BUSY, PAGING_MALFORMED
 *   PAGING_INSIDE_HUGE     the leaf that maps the page begins at another page
 *   PAGING_BAD_PAGE, PAGING_RESERVED_SLOT, PAGING_UNREACHABLE, PAGING_SHARED   as for paging_map_to
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_unmap(struct paging_space *space, paging_page_t page,
                                                  struct paging_frame_source *frames,
                                                  struct paging_unmapped *unmapped);

/*
 * Replaces the leaf that begins at `page`, whatever its size, by one of the same size with this frame and
 * these flags, in one store: at no time does an access to the page fault. For breaking copy-on-write, and for
 * moving pages in memory. Takes nothing from the source.
 *
 * `owned` says whether the new frame is the page's: if it is, the caller took it from the source with this
 * size, and unmapping gives it back. The frame that was there goes back to the source if it was owned and is
 * another one; who still needs it keeps it alive in the source (a count of references), or takes the page's
 * own frame away by mapping the same frame with `owned` false. With the same frame accessed and dirty stay
 * set, whatever the flags say. What was there is stored in *replaced, with its last accessed and dirty bits,
 * unless `replaced` is NULL.
 *
 * Flushes the page, and after a huge page the window pages in which it was visible; then the old frame goes
 * back. If nothing changes, nothing is written or flushed.
 *
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_INSIDE_HUGE, PAGING_MALFORMED   as for paging_unmap
 *   PAGING_MISALIGNED, PAGING_FRAME_TOO_HIGH, PAGING_BAD_FLAGS, PAGING_NOT_SUPPORTED, PAGING_BAD_PAGE,
 *   PAGING_RESERVED_SLOT, PAGING_UNREACHABLE, PAGING_SHARED   as for paging_map_sized
 * On each of them nothing has changed, and the new frame is the caller's.
 */
PAGING_MUST_CHECK enum paging_status paging_remap(struct paging_space *space, paging_page_t page,
                                                  paging_frame_t frame, uint64_t flags, bool owned,
                                                  struct paging_frame_source *frames,
                                                  struct paging_unmapped *replaced);

/*
 * Clears the flags in `clear` and sets those in `set` in the leaf that begins at `page`, whatever its size.
 * Both are of PAGING_LEAF_FLAGS without PRESENT, with no flag in common. Accessed and dirty stay as they are
 * unless named. Flushes the page, and after a huge page the window pages in which it was visible. If nothing
 * changes, nothing is written or flushed. Needs no frames: for a part of a huge page there is
 * paging_protect_range (range.h).
 *
 *   PAGING_BAD_FLAGS, PAGING_NOT_SUPPORTED
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_INSIDE_HUGE, PAGING_MALFORMED   as for paging_unmap
 *   PAGING_BAD_PAGE, PAGING_RESERVED_SLOT, PAGING_UNREACHABLE, PAGING_SHARED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_protect(struct paging_space *space, paging_page_t page,
                                                    uint64_t set, uint64_t clear);

/*
 * Gives the page a marker: an entry that is not present and carries `value`, 43 bits. Use it for a guard
 * page, for a page that is filled when it is touched, or for one that was swapped out. Translating the page
 * answers PAGING_MARKED, paging_walk_address shows the entry (paging_marker_value), and mapping it is
 * refused without PAGING_REPLACE_MARKER. Tables cost what they cost for paging_map_to. Nothing is flushed.
 *
 * A page that is mapped is refused: leave a guard page out of the range that is mapped.
 *
 *   PAGING_BAD_FLAGS  `value` is zero, or greater than PAGING_MARKER_LIMIT (entry.h)
 *   and as for paging_map_to: PAGING_ALREADY_MAPPED, PAGING_MARKED, PAGING_INSIDE_HUGE, PAGING_BAD_PAGE,
 *   PAGING_RESERVED_SLOT, PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE, PAGING_MALFORMED, PAGING_UNREACHABLE,
 *   PAGING_SHARED, PAGING_BUSY
 */
PAGING_MUST_CHECK enum paging_status paging_set_marker(struct paging_space *space, paging_page_t page,
                                                       uint64_t value, struct paging_frame_source *frames);

/*
 * Removes the marker of this page, and the tables that become empty, and stores its value. If the marker is
 * in a table above the P1s, all other pages that it covers keep it, which takes a table for each level below.
 * If tables go, their windows are flushed, or the page itself in a space that lives through a direct map.
 *
 *   PAGING_NOT_MAPPED      the page's entry is unused
 *   PAGING_ALREADY_MAPPED  the page is mapped
 *   PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE   no frame for a table
 *   PAGING_BAD_PAGE, PAGING_RESERVED_SLOT, PAGING_MALFORMED, PAGING_UNREACHABLE, PAGING_SHARED, PAGING_BUSY
 */
PAGING_MUST_CHECK enum paging_status paging_clear_marker(struct paging_space *space, paging_page_t page,
                                                         struct paging_frame_source *frames, uint64_t *value);

PAGING_END_C

#endif
