/*
 * frame_source.h - where the core takes frames from, and gives them back to.
 *
 * The core allocates nothing itself. A frame handed out belongs to the core until released, may hold junk,
 * and is aligned to its size (512 frames for PAGE_2M, 512 * 512 for PAGE_1G). That all of it is below
 * MAXPHYADDR is a duty of the source. While tables are reached by offset, frames for tables must be reachable
 * so. Tables are always PAGE_4K.
 *
 * A range verb reserves for the worst case before it changes anything: as if no larger run could be had, and
 * no entry could be kept whole. Then it asks for larger runs first, and makes do without them. So it may be
 * refused frames that it would not have taken.
 *
 * There is no context pointer: put this struct first into one of your own, and cast (kernel/arena.c does).
 * A source is called only from within a verb, and must not call one.
 */
#ifndef PAGING_FRAME_SOURCE_H
#define PAGING_FRAME_SOURCE_H

#include "address.h"

struct frame_source {
    /*
     * True: the next so many allocations of PAGE_4K cannot fail, if nobody else allocates in between; an
     * allocation of a larger size that succeeds counts as the frames it is made of. Changes nothing that is
     * not undone by not allocating. May be asked for 0.
     */
    bool (*reserve)(struct frame_source *source, uint64_t frames);
    /* False, and *frame untouched, when there is none. For a larger size that is no reason to give up. */
    bool (*allocate)(struct frame_source *source, enum page_size size, frame_t *frame);
    /* Takes back what allocate handed out with the same size, or split or join made of it. Cannot fail. */
    void (*release)(struct frame_source *source, enum page_size size, frame_t frame);
    /*
     * What was handed out as one run of this size (PAGE_2M or PAGE_1G) is from now on 512 runs of the next
     * smaller size, each to be released by itself. Cannot fail.
     */
    void (*split)(struct frame_source *source, enum page_size size, frame_t frame);
    /* The reverse: 512 runs, all handed out, become one of this size. Cannot fail. */
    void (*join)(struct frame_source *source, enum page_size size, frame_t frame);
};

#endif
