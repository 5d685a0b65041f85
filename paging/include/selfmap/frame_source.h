/*
 * frame_source.h - where the core takes frames from, and gives them back to.
 *
 * The core allocates nothing itself. A frame that was handed out belongs to the core until it is released; it
 * may hold anything, is aligned to its size (512 frames for PAGING_2M, 512 * 512 for PAGING_1G) and lies
 * below MAXPHYADDR. By direct map, active or not, frames for tables must be reachable through the offset.
 * Tables are always PAGING_4K.
 *
 * A range operation promises itself the worst case before it changes anything: as if there were no larger
 * runs, and no entry could be kept whole. Then it asks for larger runs first, and manages without them. So an
 * operation may be refused frames that it would not have taken.
 *
 * If `allocate` refuses a PAGING_4K frame that `reserve` has promised, the operation ends with
 * PAGING_BROKEN_SOURCE. No frame is linked that was not handed out, and the tables are sound; operations on
 * one page have changed nothing then, and range operations may have done a part of the range.
 *
 * There is no context pointer: put this struct first into one of your own, and cast. A source is called only
 * from within an operation, and must not call one.
 */
#ifndef SELFMAP_FRAME_SOURCE_H
#define SELFMAP_FRAME_SOURCE_H

#include <selfmap/address.h>

struct paging_frame_source {
    /*
     * Returns whether the next `frames` allocations of PAGING_4K will succeed if nobody else allocates in
     * between. An allocation of a larger size that succeeds counts as the frames it consists of. Changes
     * nothing that would have to be undone. `frames` may be 0.
     */
    bool (*reserve)(struct paging_frame_source *source, uint64_t frames);
    /* Stores a frame. Returns false, and leaves *frame alone, if there is none of this size. */
    bool (*allocate)(struct paging_frame_source *source, enum paging_size size, paging_frame_t *frame);
    /* Takes back what `allocate` handed out with this size, or what `split` or `join` made of it. */
    void (*release)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
    /*
     * Notes that a run of this size (PAGING_2M or PAGING_1G) is from now on 512 runs of the next smaller
     * size, each to be released by itself. Cannot fail.
     */
    void (*split)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
    /* Notes the reverse: 512 runs, all handed out, become one of this size. Cannot fail. */
    void (*join)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
};

#endif
