/* SPDX-License-Identifier: MIT */
/*
 * zone_table.h - the zones of a frame allocator, and the bookkeeping memory they lie in.
 *
 * Private to this room. The functions that add zones are in frames.h (frames_add_free, frames_add_taken) and
 * usable_frames.h.
 */
#ifndef KERNEL_FRAMES_ZONE_TABLE_H
#define KERNEL_FRAMES_ZONE_TABLE_H

#include "frames/zone.h"

/* Begins without a zone. The bookkeeping memory may be unaligned and may hold anything. */
void frames_zone_table_init(struct frames *frames, void *bookkeeping, uint64_t bytes);

/* Returns the zone that the frame is in, or NULL. A pointer holds until the next zone is added. */
struct frames_zone *frames_zone_table_find(const struct frames *frames, uint64_t frame);

/*
 * Checks that a run that is clipped (frame_run.h) and not empty can become a zone, apart from the memory it
 * needs.
 *
 *   FRAMES_OVERLAP, FRAMES_TOO_HIGH
 */
PAGING_MUST_CHECK enum frames_status frames_zone_table_check(const struct frames *frames,
                                                             struct frame_run run);

/* Returns how much bookkeeping memory is left, in bytes. */
uint64_t frames_zone_table_space(const struct frames *frames);

/* Adds a run that was clipped and checked, and fits. Zones above it move. */
struct frames_zone *frames_zone_table_insert(struct frames *frames, struct frame_run run);

/* Of bookkeeping memory, beside the zones: both ends may be unaligned. */
#define BOOKKEEPING_SLACK ((uint64_t)16)

/*
 * Returns how many bytes more two zones take than one over the same run, at most: as much as two frames that
 * lie astride the end of every tier.
 */
uint64_t frames_zone_table_extra(void);

#endif
