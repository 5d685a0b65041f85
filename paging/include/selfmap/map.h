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

/*
 * A flag for the operations that map: a marker gives way if the new leaf covers exactly what the marker did.
 * Without this flag such a page is refused. No leaf gets this bit.
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
 * Maps the page whose address equals the frame's to that frame. Statuses as for paging_map_to, and
 *
 *   PAGING_NOT_CANONICAL   the frame's address is not a canonical virtual address
 */
PAGING_MUST_CHECK enum paging_status paging_identity_map(struct paging_space *space, paging_frame_t frame,
                                                         uint64_t flags, struct paging_frame_source *frames);

/* What paging_unmap removed. */
struct paging_unmapped {
    paging_frame_t frame;  /* the first frame that the leaf mapped */
    enum paging_size size; /* how much it mapped */
    uint64_t flags;        /* the leaf's flags, with accessed and dirty as the processor left them */
    bool released;         /* the frame was owned and went back to the source; otherwise it is the caller's */
};

/*
 * Removes the leaf that begins at `page`, whatever its size, and the tables that become empty. Flushes the
 * page, the window of every table that went away, and after a huge page the window pages in which it was
 * visible. Only then do frames go back. `unmapped` must not be NULL.
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
 * Gives the page a marker: an entry that is not present and carries `value`. Use it for a guard page, for a
 * page that is filled when it is touched, or for one that was swapped out. Translating the page answers
 * PAGING_MARKED, paging_walk_address shows the entry (paging_marker_value), and mapping it is refused without
 * PAGING_REPLACE_MARKER. Tables cost what they cost for paging_map_to. Nothing is flushed.
 *
 *   PAGING_BAD_FLAGS  `value` is zero, or has more than 62 bits
 *   and as for paging_map_to: PAGING_ALREADY_MAPPED, PAGING_MARKED, PAGING_INSIDE_HUGE, PAGING_BAD_PAGE,
 *   PAGING_RESERVED_SLOT, PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE, PAGING_MALFORMED, PAGING_UNREACHABLE,
 *   PAGING_SHARED, PAGING_BUSY
 */
PAGING_MUST_CHECK enum paging_status paging_set_marker(struct paging_space *space, paging_page_t page,
                                                       uint64_t value, struct paging_frame_source *frames);

/*
 * Removes the marker, and the tables that become empty, and stores its value.
 *
 *   PAGING_NOT_MAPPED      the page's entry is unused
 *   PAGING_ALREADY_MAPPED  the page is mapped
 *   PAGING_MISALIGNED      the marker is in a table above the P1s, and the page is not its first one
 *   PAGING_BAD_PAGE, PAGING_RESERVED_SLOT, PAGING_MALFORMED, PAGING_UNREACHABLE, PAGING_SHARED, PAGING_BUSY
 */
PAGING_MUST_CHECK enum paging_status paging_clear_marker(struct paging_space *space, paging_page_t page,
                                                         struct paging_frame_source *frames, uint64_t *value);

#endif
