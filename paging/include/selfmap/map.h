/*
 * map.h - change what an address space maps, one page at a time.
 *
 * Only the leaf decides about rights: tables above it allow everything. Each operation looks at everything first,
 * takes every frame it needs, and only then writes; the writing cannot fail. After every single store each
 * address translates as before or as after the call. New tables are filled before the one store that links
 * them; tables that become empty are unlinked, flushed, and then given back, at once.
 */
#ifndef SELFMAP_MAP_H
#define SELFMAP_MAP_H

#include <selfmap/space.h>

/*
 * Not a bit of any entry, but of the flags of the operations that map: an entry that belongs to the owner of the
 * space gives way if the new leaf covers just what it did. Without it such a page is refused.
 */
#define PAGING_REPLACE_MARKER ((uint64_t)1 << 58)

/*
 * Map page to frame with flags: any of PAGING_LEAF_FLAGS of entry.h, PRESENT is implied. The frame stays the
 * caller's: unmapping does not give it back.
 *
 * Missing tables cost at most three frames (four with five levels). Nothing is flushed but the scratch page:
 * a page that was not present is in no TLB (SDM 3A, 4.10.2.3).
 *
 *   PAGING_ALREADY_MAPPED  the page is mapped
 *   PAGING_MARKED        the page's entry belongs to the owner of the space
 *   PAGING_INSIDE_HUGE     a 2 MiB or 1 GiB page covers it
 *   PAGING_RESERVED_SLOT   the page lies below a slot the core keeps
 *   PAGING_UNREACHABLE, PAGING_SHARED   the space cannot be changed so (share.h)
 *   PAGING_FRAME_TOO_HIGH  the frame lies beyond MAXPHYADDR
 *   PAGING_BAD_FLAGS       a flag that is not in PAGING_LEAF_FLAGS, or GLOBAL on a page of the lower half
 *   PAGING_NOT_SUPPORTED   NO_EXECUTE on a processor without it
 *   PAGING_NO_FRAMES       no frame for a table
 *   PAGING_MALFORMED       an entry on the way has a reserved bit set: somebody else wrote to the tables
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_map_to(struct paging_space *space, paging_page_t page,
                                                   paging_frame_t frame, uint64_t flags,
                                                   struct paging_frame_source *frames);

/*
 * The same for one page of any size. Additionally:
 *
 *   PAGING_MISALIGNED      page or frame is not a multiple of the size
 *   PAGING_ALREADY_MAPPED  a smaller page inside it is mapped
 *   PAGING_NOT_SUPPORTED   1 GiB pages on a processor without them
 */
PAGING_MUST_CHECK enum paging_status paging_map_sized(struct paging_space *space, paging_page_t page,
                                                      paging_frame_t frame, enum paging_size size,
                                                      uint64_t flags, struct paging_frame_source *frames);

/*
 * Map page to a frame of the source's choosing, which costs one frame more than the tables. It is marked as
 * owned: unmapping gives it back. It is not zeroed. Statuses as for paging_map_to.
 */
PAGING_MUST_CHECK enum paging_status paging_map(struct paging_space *space, paging_page_t page,
                                                uint64_t flags, struct paging_frame_source *frames);

/*
 * Map the page with the same address as the frame to it. Statuses as for paging_map_to, and
 *
 *   PAGING_NOT_CANONICAL   the frame's address is no canonical virtual address
 */
PAGING_MUST_CHECK enum paging_status paging_identity_map(struct paging_space *space, paging_frame_t frame,
                                                         uint64_t flags, struct paging_frame_source *frames);

/* What paging_unmap took away. */
struct paging_unmapped {
    paging_frame_t frame;  /* the first frame the leaf pointed to */
    enum paging_size size; /* how much it mapped */
    uint64_t flags;        /* the leaf's flags, accessed and dirty as the processor left them */
    bool released;         /* the frame was owned and went back to the source; else it is the caller's */
};

/*
 * Remove the leaf that starts at page, whatever its size, with the tables that become empty. Flushed are the
 * page, the window of every table that went away, and, after a huge page, the window pages it leaks into.
 * Only then do frames go back. unmapped must not be NULL.
 *
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_MALFORMED
 *   PAGING_INSIDE_HUGE     the leaf that maps the page starts elsewhere
 *   PAGING_RESERVED_SLOT   the page lies below a slot the core keeps
 *   PAGING_UNREACHABLE, PAGING_SHARED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_unmap(struct paging_space *space, paging_page_t page,
                                                  struct paging_frame_source *frames,
                                                  struct paging_unmapped *unmapped);

/*
 * Give the page an entry that is not present and carries the owner's payload: a guard page, one to be filled
 * when it is touched, one that was swapped out. Translate answers PAGING_MARKED for it, paging_walk_address shows
 * the entry, and map refuses it unless told PAGING_REPLACE_MARKER. Tables cost what they cost for paging_map_to;
 * nothing is flushed.
 *
 *   PAGING_BAD_FLAGS  the payload is zero, or has more than 63 bits
 *   and as for paging_map_to: PAGING_ALREADY_MAPPED, PAGING_MARKED, PAGING_INSIDE_HUGE,
 *   PAGING_RESERVED_SLOT, PAGING_NO_FRAMES, PAGING_MALFORMED
 */
PAGING_MUST_CHECK enum paging_status paging_set_marker(struct paging_space *space, paging_page_t page,
                                                       uint64_t payload, struct paging_frame_source *frames);

/*
 * Take it away again, with the tables that become empty.
 *
 *   PAGING_NOT_MAPPED      the page's entry is unused
 *   PAGING_ALREADY_MAPPED  the page is mapped
 *   PAGING_MISALIGNED      the owner's entry is in a table above the P1s, and the page is not its first
 *   PAGING_RESERVED_SLOT, PAGING_MALFORMED, PAGING_UNREACHABLE, PAGING_SHARED
 */
PAGING_MUST_CHECK enum paging_status paging_clear_marker(struct paging_space *space, paging_page_t page,
                                                         struct paging_frame_source *frames,
                                                         uint64_t *payload);

/* The payload of an entry that paging_set_marker made. */
static inline uint64_t paging_marker_value(paging_entry_t entry)
{
    return entry.bits >> 1;
}

#endif
