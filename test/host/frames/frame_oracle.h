/*
 * frame_oracle.h - who owns which frame, known naively: what the frame allocator is compared with.
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

/* The owner of the first frame of a run that is handed out with this size. */
unsigned char taken_as(enum paging_size size);

/* Nobody's memory. Then runs of it get an owner: their first frame one, the rest another. */
void oracle_clear(void);
void oracle_set(uint64_t start, uint64_t count, unsigned char first, unsigned char rest);

/* Is a run of this size free? */
bool oracle_has(enum paging_size size);

/* What free, split and join must answer. */
enum frames_status oracle_free_status(enum paging_size size, uint64_t frame);
enum frames_status oracle_split_status(enum paging_size size, uint64_t frame);
enum frames_status oracle_join_status(enum paging_size size, uint64_t frame);

#endif
