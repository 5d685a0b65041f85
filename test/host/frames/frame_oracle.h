/* SPDX-License-Identifier: MIT */
/*
 * frame_oracle.h - the owner of every frame, in one array: what the frame allocator is compared with.
 */
#ifndef HOST_FRAMES_FRAME_ORACLE_H
#define HOST_FRAMES_FRAME_ORACLE_H

#include "frames/frame_rig.h"

#ifndef ORACLE_FRAMES /* the exhaustive test has fewer */
#    define ORACLE_FRAMES GIB(6)
#endif
enum owner { FOREIGN, FREE, TAKEN_INSIDE, TAKEN_4K, TAKEN_2M, TAKEN_1G };

extern unsigned char owners[ORACLE_FRAMES];
extern uint64_t free_frames;

/* Returns the owner of the first frame of a run that is handed out with this size. */
unsigned char taken_as(enum paging_size size);

/* Makes all frames foreign. oracle_set gives a run an owner: one for its first frame, one for the rest. */
void oracle_clear(void);
void oracle_set(uint64_t start, uint64_t count, unsigned char first, unsigned char rest);

/* Returns whether a run of this size is free. */
bool oracle_has(enum paging_size size);

/* Return what free, split and join must return. */
enum frames_status oracle_free_status(enum paging_size size, uint64_t frame);
enum frames_status oracle_split_status(enum paging_size size, uint64_t frame);
enum frames_status oracle_join_status(enum paging_size size, uint64_t frame);

#endif
