/*
 * start_frames.h - from the last memory map to a frame allocator.
 */
#ifndef KERNEL_BOOT_START_FRAMES_H
#define KERNEL_BOOT_START_FRAMES_H

#include "boot/handoff.h"
#include "frames/frames.h"

/*
 * Sort the map, hand all conventional and boot-services memory to the allocator, let it adopt the arena (so
 * its tables can be freed like any others from now on), and map runtime regions that the last map added. To
 * be called on our own stack and tables only: the firmware's lay in what becomes free here. Ends the run with
 * a sentence if the map cannot be used.
 */
void frames_start(struct handoff *handoff, struct frames *frames);

/* Regions the map came down to. */
size_t memory_region_count(void);

#endif
