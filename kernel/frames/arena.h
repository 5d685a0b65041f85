/*
 * arena.h - frames for the tables that are built before there is a frame allocator.
 *
 * One run of frames, taken from the firmware with AllocatePages, and handed out from the bottom. Until the
 * switch all tables come from here: the firmware's own stack and tables may lie in memory its map calls free.
 */
#ifndef KERNEL_FRAMES_ARENA_H
#define KERNEL_FRAMES_ARENA_H

#include <selfmap/frame_source.h>

/* Frames in [start, next) were handed out, those in [next, end) are still junk. */
struct arena {
    struct paging_frame_source source; /* first: the core calls it, arena.c finds the rest from here */
    paging_frame_t start, next, end;
    uint64_t lost; /* given back out of order: not handed out again before frames_add_taken adopts them */
};

/*
 * Hands out PAGING_4K frames only; the larger sizes fail. What was handed out last can be given back first,
 * also as a run joined of single frames.
 */
void arena_start(struct arena *arena, paging_frame_t start, paging_frame_t end);

#endif
