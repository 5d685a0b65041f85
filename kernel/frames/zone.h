/* SPDX-License-Identifier: MIT */
/*
 * zone.h - one zone: three tiers above each other over one run of frames.
 *
 * Private to this room. frames.h says what tiers, clusters and items are. A zone knows neither the other
 * zones nor the first MiB.
 */
#ifndef KERNEL_FRAMES_ZONE_H
#define KERNEL_FRAMES_ZONE_H

#include "frames/frame_run.h"
#include "frames/tier.h"

#define TOP_TIER   (FRAMES_TIERS - 1)
#define BLOCK      ((uint64_t)FRAMES_CLUSTER_ITEMS)
#define SUPERBLOCK (BLOCK * FRAMES_CLUSTER_ITEMS)

/* Returns the number of frames that an item of the tier spans. */
static inline uint64_t item_frames(unsigned tier)
{
    return paging_level_pages(tier + 1);
}

/* Returns the bookkeeping memory of a zone over this run, in bytes, struct frames_zone included. */
uint64_t frames_zone_bytes(struct frame_run run);

/*
 * Makes a zone of free frames. memory is aligned to 8, may hold anything, and has frames_zone_bytes(run)
 * bytes less the struct.
 */
void frames_zone_make(struct frames_zone *zone, struct frame_run run, unsigned char *memory);

/*
 * Takes an item of the wanted tier. It splits one of tier `from`, which must have a listed cluster, if that
 * is a higher tier.
 *
 *   FRAMES_CORRUPT   nothing has changed, except perhaps *item
 */
PAGING_MUST_CHECK enum frames_status frames_zone_take(struct frames_zone *zone, unsigned from,
                                                      unsigned wanted, uint64_t *item);

/* Takes the frame's block out of the list, after its last free frame was taken without frames_zone_take. */
void frames_zone_sync_list(struct frames_zone *zone, uint64_t frame);

/*
 * Checks that the frame starts a run of the wanted tier that is handed out as one; if is_split, that this run
 * was split since, or was handed out in parts from the start. The run must lie in the zone and be aligned.
 * The search goes down from the top tier, whose clusters are always initialised.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_WRONG_SIZE
 */
PAGING_MUST_CHECK enum frames_status frames_zone_check_taken(const struct frames_zone *zone, unsigned wanted,
                                                             bool is_split, uint64_t frame);

/*
 * Finds the lowest free frame of [from, end), which lies in the zone. Returns false, with *frame untouched,
 * if there is none. Passes runs that are handed out as one in a step, and 64 frames in another.
 */
PAGING_MUST_CHECK bool frames_zone_first_free(const struct frames_zone *zone, uint64_t from, uint64_t end,
                                              uint64_t *frame);

/* Gives back an item that frames_zone_check_taken accepted. */
void frames_zone_give(struct frames_zone *zone, unsigned tier, uint64_t item);

/* After an item came back: closes its cluster if all of it is free, then the cluster above, and so on. */
void frames_zone_close_if_free(struct frames_zone *zone, unsigned tier, uint64_t item);

/* Makes 512 items of the tier below from one item that frames_zone_check_taken accepted. */
void frames_zone_split(struct frames_zone *zone, unsigned tier, uint64_t item);

/*
 * Makes one item from its 512 parts, after frames_zone_check_taken accepted it as split.
 *
 *   FRAMES_INCOMPLETE   nothing has changed
 */
PAGING_MUST_CHECK enum frames_status frames_zone_join(struct frames_zone *zone, unsigned tier, uint64_t item);

#endif
