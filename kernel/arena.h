/*
 * arena.h - frames for the tables that are built before there is a frame allocator.
 *
 * One run of frames, taken from the firmware with AllocatePages, and handed out from the bottom. Until the
 * switch all tables come from here: the firmware's own stack and tables may lie in memory its map calls free.
 */
#ifndef KERNEL_ARENA_H
#define KERNEL_ARENA_H

#include "paging/frame_source.h"

/* Frames in [start, next) were handed out, those in [next, end) are still junk. */
struct arena {
    struct frame_source source; /* first: the core calls it, arena.c finds the rest from here */
    frame_t start, next, end;
    uint64_t lost; /* given back out of order: not handed out again before frames_add_taken adopts them */
};

/*
 * Hands out PAGE_4K frames only; the larger sizes fail. What was handed out last can be given back first,
 * also as a run joined of single frames.
 */
void arena_start(struct arena *arena, frame_t start, frame_t end);

#endif
