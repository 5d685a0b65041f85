/* SPDX-License-Identifier: MIT */
/*
 * start_frames.h - starts the frame allocator with the last memory map.
 */
#ifndef KERNEL_BOOT_START_FRAMES_H
#define KERNEL_BOOT_START_FRAMES_H

#include "boot/handoff.h"
#include "frames/usable_frames.h"

/*
 * Sorts the map, lets the allocator adopt the arena (so that the first tables can be freed like any others
 * from now on), and hands usable memory to it. Must run on our own stack and tables: the firmware's lay in
 * memory that becomes free here. Ends the run with a sentence if the map cannot be used, or if it leaves
 * fewer frames than FRAMES_NEEDED.
 */
void frames_start(struct handoff *handoff, struct frames *frames);

/* Returns the number of regions in handoff->memory. */
size_t memory_region_count(void);

/* Returns the number of usable frames that the allocator has no room to keep books of. */
uint64_t memory_left_out(void);

/*
 * Returns the number of the first tables' frames that the allocator did not adopt: excluded, or below 1 MiB.
 */
uint64_t memory_tables_not_adopted(void);

/* Subtracts `count` from the tables in frames that the frame allocator has not adopted. */
void memory_note_dropped_tables(uint64_t count);

/* Returns the number of frames that are not handed out because the options exclude them. */
uint64_t memory_excluded_total(void);

#endif
