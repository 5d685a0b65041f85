/* SPDX-License-Identifier: MIT */
/*
 * frame_owners.h - how many pages own each frame of the source, from the first share on. Until then it is
 * one, and not counted.
 *
 * When a run is shared, the pools (frame_pools.h) hold single frames in its place. Whatever breaks the
 * contract of a frame source ends the test.
 */
#ifndef HOST_MACHINES_FRAME_OWNERS_H
#define HOST_MACHINES_FRAME_OWNERS_H

#include <selfmap/frame_source.h>

void owners_open(void);
void owners_close(void);
void owners_reset(void);            /* nothing is counted */
void owners_limit(unsigned most);   /* so many owners a frame may have */
unsigned owners_of(uint64_t frame); /* 0: not counted */

bool owners_have_room(uint64_t frame); /* one more may own it */

/* Add an owner to each frame of the run. Returns false, and changes nothing, if one has as many as it may. */
bool owners_add(enum paging_size size, uint64_t frame);
/* Take one from a frame that is counted. Returns whether that was the last one; then it is not counted. */
bool owners_drop(uint64_t frame);
/* Has a frame of the run more than one owner? */
bool owners_share(enum paging_size size, uint64_t frame);
/* Make runs of the next smaller size again of what is counted in this run. No frame may have two owners. */
void owners_join_parts(enum paging_size size, uint64_t frame);

#endif
