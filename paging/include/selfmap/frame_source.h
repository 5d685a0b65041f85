/*
 * frame_source.h - where the core takes frames from, and gives them back to.
 *
 * The core allocates nothing itself. A frame handed out belongs to the core until released, may hold junk,
 * and is aligned to its size (512 frames for PAGING_2M, 512 * 512 for PAGING_1G). That all of it is below
 * MAXPHYADDR is a duty of the source. While tables are reached by offset, frames for tables must be reachable
 * so. Tables are always PAGING_4K.
 *
 * A range operation reserves for the worst case before it changes anything: as if no larger run could be had, and
 * no entry could be kept whole. Then it asks for larger runs first, and makes do without them. So it may be
 * refused frames that it would not have taken.
 *
 * There is no context pointer: put this struct first into one of your own, and cast (kernel/frames/arena.c does).
 * A source is called only from within an operation, and must not call one.
 */
#ifndef SELFMAP_FRAME_SOURCE_H
#define SELFMAP_FRAME_SOURCE_H

#include <selfmap/address.h>

struct paging_frame_source {
    /*
     * True: the next so many allocations of PAGING_4K cannot fail, if nobody else allocates in between; an
     * allocation of a larger size that succeeds counts as the frames it is made of. Changes nothing that is
     * not undone by not allocating. May be asked for 0.
     */
    bool (*reserve)(struct paging_frame_source *source, uint64_t frames);
    /* False, and *frame untouched, when there is none. For a larger size that is no reason to give up. */
    bool (*allocate)(struct paging_frame_source *source, enum paging_size size, paging_frame_t *frame);
    /* Takes back what allocate handed out with the same size, or split or join made of it. Cannot fail. */
    void (*release)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
    /*
     * What was handed out as one run of this size (PAGING_2M or PAGING_1G) is from now on 512 runs of the next
     * smaller size, each to be released by itself. Cannot fail.
     */
    void (*split)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
    /* The reverse: 512 runs, all handed out, become one of this size. Cannot fail. */
    void (*join)(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame);
};

#endif
