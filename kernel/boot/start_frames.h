/*
 * start_frames.h - starts the frame allocator with the last memory map.
 */
#ifndef KERNEL_BOOT_START_FRAMES_H
#define KERNEL_BOOT_START_FRAMES_H

#include "boot/handoff.h"
#include "frames/frames.h"

/*
 * Sorts the map, hands usable memory to the allocator, lets it adopt the arena (so that the first tables can
 * be freed like any others from now on), and maps runtime regions that only the last map has. Must run on our
 * own stack and tables: the firmware's lay in memory that becomes free here. Ends the run with a sentence if
 * the map cannot be used.
 */
void frames_start(struct handoff *handoff, struct frames *frames);

/* Returns the number of regions in handoff->memory. */
size_t memory_region_count(void);

/* Returns the number of frames that are not handed out because the options exclude them. */
uint64_t memory_excluded_total(void);

#endif
