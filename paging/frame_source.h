/*
 * frame_source.h - where the core takes frames from, and gives them back to.
 *
 * The core allocates nothing itself. A frame handed out belongs to the core until released, may hold junk,
 * is below MAXPHYADDR, and is aligned to its size (512 frames for PAGE_2M, 512 * 512 for PAGE_1G; the verbs
 * that exist ask for PAGE_4K only). While tables are reached by offset, frames for tables must be reachable
 * so.
 *
 * There is no context pointer: put this struct first into one of your own, and cast (kernel/arena.c does).
 * A source is called only from within a verb, and must not call one.
 */
#ifndef PAGING_FRAME_SOURCE_H
#define PAGING_FRAME_SOURCE_H

#include "address.h"

struct frame_source {
    /*
     * True: the next so many allocations of PAGE_4K cannot fail, if nobody else allocates in between. Changes
     * nothing that is not undone by not allocating.
     */
    bool (*reserve)(struct frame_source *source, uint64_t frames);
    /* False, and *frame untouched, when there is none. */
    bool (*allocate)(struct frame_source *source, enum page_size size, frame_t *frame);
    /* Takes back what allocate handed out with the same size. Cannot fail. */
    void (*release)(struct frame_source *source, enum page_size size, frame_t frame);
};

#endif
