/*
 * memory.h - from the last memory map to a frame allocator.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include "frames.h"
#include "handoff.h"

/*
 * Sort the map, hand all conventional and boot-services memory to the allocator, let it adopt the arena (so
 * its tables can be freed like any others from now on), and map runtime regions that the last map added. To
 * be called on our own stack and tables only: the firmware's lay in what becomes free here. Ends the run with
 * a sentence if the map cannot be used.
 */
void memory_start(struct handoff *handoff, struct frames *frames);

/* Regions the map came down to. */
size_t memory_region_count(void);

#endif
