/* SPDX-License-Identifier: MIT */
/*
 * frame_run.h - runs of frames by number, and the first MiB, which nobody is given.
 */
#ifndef KERNEL_FRAMES_FRAME_RUN_H
#define KERNEL_FRAMES_FRAME_RUN_H

#include <selfmap/address.h>

/* Real mode, parked processors and firmware that miscounts live below it. */
#define FIRST_FRAME ((uint64_t)256)

/* The frames start to end, end not included. */
struct frame_run {
    uint64_t start;
    uint64_t end;
};

/* Returns the frames that the bytes start to end (not included) touch. */
static inline struct frame_run frame_run_around(uint64_t start, uint64_t end)
{
    return (struct frame_run){start / PAGING_PAGE_BYTES,
                              end / PAGING_PAGE_BYTES + (end % PAGING_PAGE_BYTES != 0)};
}

/* Cuts the first MiB off the run. Returns false if nothing is left. */
static inline bool frame_run_clip(struct frame_run *run)
{
    if (run->start < FIRST_FRAME)
        run->start = FIRST_FRAME;
    return run->start < run->end;
}

#endif
