/* SPDX-License-Identifier: MIT */
/*
 * frame_pools.h - the memory of the frame source (frames.c): runs of each size, and who holds what.
 *
 * Whatever breaks the contract of a frame source ends the test.
 */
#ifndef HOST_MACHINES_FRAME_POOLS_H
#define HOST_MACHINES_FRAME_POOLS_H

#include <selfmap/frame_source.h>

/*
 * Opens pools of `singles` single frames, and of runs of the larger sizes where the memory is aligned for
 * them: a few, or `runs_2m` of PAGING_2M. `apart`: of each size only every second one can be had, so that no
 * two make a larger one.
 */
void pools_open(unsigned singles, unsigned runs_2m, bool apart);
void pools_reset(void); /* everything is back, in the order it was in at first */
void pools_close(void);

/* How many runs of a size can be had? */
unsigned pools_left(enum paging_size size);
/* Hand out one; there must be one. */
uint64_t pools_take(enum paging_frame_use use, enum paging_size size);
/* Take back what was handed out for this use and with this size, or split or joined to it. */
void pools_give(enum paging_frame_use use, enum paging_size size, uint64_t frame);
void pools_split(enum paging_size size, uint64_t frame);
void pools_join(enum paging_size size, uint64_t frame);
/* Make single frames of a larger run, if there is one. When the last of them is back, it is a run again. */
void pools_break(void);

/* Does the run of this size that begins at the frame count as handed out for this use? Else the test ends. */
void pools_must_hold(const char *what, enum paging_frame_use use, enum paging_size size, uint64_t frame);
bool pools_hold(uint64_t frame); /* by itself or in a larger run */
bool pools_overlap(uint64_t frame, uint64_t count);
unsigned pools_home(uint64_t frame);   /* the size of the pool it belongs to, or 0 */
unsigned pools_run_at(uint64_t frame); /* the size of the run handed out that begins there, or 0 */
enum paging_frame_use pools_use_at(uint64_t frame); /* and what for */

/* For machine_snapshot and machine_unchanged. */
void pools_copy(void);
bool pools_are_unchanged(void);

#endif
