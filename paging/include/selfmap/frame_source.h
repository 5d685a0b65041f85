/* SPDX-License-Identifier: MIT */
/*
 * frame_source.h - where the core takes frames from, and gives them back to.
 *
 * The core allocates nothing itself. A frame that was handed out belongs to the core until it is released; it
 * may hold anything, is aligned to its size (512 frames for PAGING_2M, 512 * 512 for PAGING_1G) and lies
 * below MAXPHYADDR (SDM 3A, 4.1.4). By direct map, active or not, frames for tables must be reachable through
 * the offset. Tables are always PAGING_4K.
 *
 * An operation asks like this:
 *
 *     reserve       once, before it changes anything: the worst case, as if there were no larger runs, and no
 *                   entry could be kept whole. Both numbers may be 0. Refused: PAGING_NO_FRAMES
 *     allocate      as often as needed, within what is reserved: larger runs first, which may be refused
 *     unreserve     once, when nothing more will be allocated, however the operation ends
 *     release       at any time, also without a reservation
 *
 * So an operation may be refused frames that it would not have taken. There are two exceptions: an operation
 * that takes nothing does not reserve (paging_merge_range, paging_destroy), and paging_map, where all tables
 * are there, allocates its one frame without a reservation; if that is refused, it begins anew with one.
 *
 * If `allocate` refuses a PAGING_4K frame that is reserved, the operation ends with PAGING_BROKEN_SOURCE. No
 * frame is linked that was not handed out, and the tables are sound; operations on one page have changed
 * nothing then, and range operations may have done a part of the range.
 *
 * `space` is the space whose operation it is. That holds for tables of a shared upper half, too: any of the
 * spaces that share it may take them, and another one may give them back. Of a space that is being made
 * (paging_create, paging_create_sibling) it is the address that the caller has given; what the struct holds
 * is not valid before the operation is done. Root and scratch page's tables count as tables.
 *
 * A source serves one operation at a time: there is one reservation at most, and it is ended before the next
 * operation begins. With several processors each has a source of its own, in front of a shared allocator:
 * reserve moves as many frames as are missing into its stock, under the allocator's lock, and unreserve may
 * give back what is more than it wants to keep; allocate and release need no lock. Where one processor does
 * one operation after the other, there is nobody from whom frames would have to be held, and unreserve may
 * do nothing.
 *
 * After paging_clone_lower_half (clone.h) several pages own the same frame. The source counts them: `share`
 * adds one to the owners of a run, and each owner releases it once, with the size that its page has then. One
 * owner may have split the run that another one still has whole, so from the first `share` on, until the last
 * owner has released it or joined it anew, the source counts the owners of each frame by itself. What one
 * owner splits, only that one has in parts. Runs that others own, too, are never joined. A source that
 * cannot count leaves `share` and `is_shared` NULL; then a space that owns pages cannot be cloned.
 *
 * There is no context pointer: put this struct first into one of your own, and cast. A source is called only
 * from within an operation, and must not call one.
 */
#ifndef SELFMAP_FRAME_SOURCE_H
#define SELFMAP_FRAME_SOURCE_H

#include <selfmap/address.h>

PAGING_BEGIN_C

struct paging_space;

enum paging_frame_use {
    PAGING_FRAME_FOR_TABLE, /* of PAGING_4K */
    PAGING_FRAME_FOR_PAGE   /* an owned frame: what an access to the page reaches */
};

struct paging_frame_source {
    /*
     * Holds `tables` frames of PAGING_4K for tables and `pages` for pages: until unreserve, allocating them
     * succeeds. Returns false, and holds nothing, if fewer are available. An allocation of a larger
     * size that succeeds counts as the frames for pages that it consists of.
     */
    bool (*reserve)(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                    uint64_t pages);
    /* Ends the reservation: what is left of it is free again. Cannot fail. */
    void (*unreserve)(struct paging_frame_source *source, const struct paging_space *space);
    /* Stores a frame. Returns false, and leaves *frame alone, if there is none of this size. */
    bool (*allocate)(struct paging_frame_source *source, const struct paging_space *space,
                     enum paging_frame_use use, enum paging_size size, paging_frame_t *frame);
    /*
     * Takes back what `allocate` handed out for this use and with this size, or what `split` or `join` made
     * of it. A frame that has other owners stays handed out, with one owner less. Cannot fail.
     */
    void (*release)(struct paging_frame_source *source, const struct paging_space *space,
                    enum paging_frame_use use, enum paging_size size, paging_frame_t frame);
    /*
     * Notes that a run of this size (PAGING_2M or PAGING_1G), handed out for a page, is from now on 512 runs
     * of the next smaller size, each to be released by itself. Cannot fail.
     */
    void (*split)(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame);
    /* Notes the reverse: 512 runs, all handed out for pages, become one of this size. Cannot fail. */
    void (*join)(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                 paging_frame_t frame);
    /*
     * Adds one to the owners of a run that was handed out for a page; `space` is the new owner's. Returns
     * false, and changes nothing, if the source can count no further. NULL: it cannot count at all.
     */
    bool (*share)(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame);
    /* Returns whether any frame of a run has more than one owner. NULL if `share` is. */
    bool (*is_shared)(struct paging_frame_source *source, const struct paging_space *space,
                      enum paging_size size, paging_frame_t frame);
};

PAGING_END_C

#endif
