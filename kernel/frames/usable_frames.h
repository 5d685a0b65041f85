/* SPDX-License-Identifier: MIT */
/*
 * usable_frames.h - the usable regions of a memory map become zones of the frame allocator.
 */
#ifndef KERNEL_FRAMES_USABLE_FRAMES_H
#define KERNEL_FRAMES_USABLE_FRAMES_H

#include "frames/frames.h"
#include "frames/usable_memory.h"

/*
 * Returns the bookkeeping memory, in bytes, that zones over the usable regions take, and zones over regions
 * that are loaders' or our own.
 *
 * The map may be an earlier one of the same machine, if all that became usable since was usable or a loader's
 * then; for other memory there may be too little room. Count two extra zones for each allocation or free in
 * between, and for each run that is adopted but is not a loader's region in this map.
 */
uint64_t frames_bookkeeping_bytes(const struct memory_region *regions, size_t count, uint64_t extra_zones);

/*
 * Adds all that is handed out of a sorted map (memory_next_usable), each run as a zone, from the bottom up.
 * What the bookkeeping memory has no room for is left out; *left_out is how many frames that are.
 *
 *   FRAMES_OVERLAP (also if the map is not sorted), FRAMES_TOO_HIGH, FRAMES_REVERSED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_add_usable(struct frames *frames,
                                                       const struct memory_region *regions, size_t count,
                                                       uint64_t *left_out);

#endif
