/* SPDX-License-Identifier: MIT */
/*
 * arena.h - frames for the tables that are built before there is a frame allocator.
 *
 * An arena is one run of frames, taken from the firmware with AllocatePages and handed out from the bottom.
 * Until CR3 is loaded all tables come from here, and from nowhere else: the firmware's own stack and tables
 * may lie in memory that its map calls free.
 *
 *    start                next                          end
 *      |  handed out, tables  |  not handed out, holds anything  |
 */
#ifndef KERNEL_FRAMES_ARENA_H
#define KERNEL_FRAMES_ARENA_H

#include <selfmap/frame_source.h>

struct arena {
    struct paging_frame_source
        source; /* first: arena.c finds the arena from the source that the core calls */
    paging_frame_t start, next, end;
    uint64_t
        lost; /* frames given back out of order: not handed out again until frames_add_taken adopts them */
};

/*
 * Begins an arena over the frames start to end, end not included. It hands out PAGING_4K frames only; larger
 * sizes fail. What was handed out last can be given back first, also as a run joined of single frames.
 */
void arena_start(struct arena *arena, paging_frame_t start, paging_frame_t end);

#endif
