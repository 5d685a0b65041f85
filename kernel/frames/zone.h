/*
 * zone.h - one zone of the frame allocator, for frames.c and add.c alone.
 *
 * frames.h tells what tiers and clusters are. A zone knows nothing of other zones, nor of the first MiB.
 */
#ifndef KERNEL_FRAMES_ZONE_H
#define KERNEL_FRAMES_ZONE_H

#include "frames/frames.h"

#define CLUSTER_WORDS (CLUSTER_ITEMS / WORD_ITEMS)
#define TOP_TIER      (FRAME_TIERS - 1)
#define BLOCK         ((uint64_t)CLUSTER_ITEMS)
#define SUPERBLOCK    (BLOCK * CLUSTER_ITEMS)

/* Frames start to end, end not included. Never empty here. */
struct frame_run {
    uint64_t start;
    uint64_t end;
};

/* How many frames an item of a tier spans. */
static inline uint64_t item_frames(unsigned tier)
{
    return paging_level_pages(tier + 1);
}

/* Has the cluster a free item, so that it is in its tier's list? */
static inline bool cluster_is_listed(const struct cluster *cluster)
{
    return cluster->after != CLUSTER_FULL && cluster->after != CLUSTER_CLOSED;
}

/* Is each of a cluster's words this value? */
static inline bool words_are(const uint64_t *words, uint64_t value)
{
    uint64_t differ = 0;
#pragma GCC unroll 8
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        differ = differences(differ, words[i], value);
    return differ == 0;
}

/* Which of the tier's clusters an item is in. */
static inline uint32_t cluster_index(const struct frame_tier *tier, uint64_t item)
{
    return (uint32_t)((item - tier->first) / CLUSTER_ITEMS);
}

/* How many zones start at or below the frame. In frames.c. */
uint32_t zones_up_to(const struct frames *frames, uint64_t frame);

/* How much bookkeeping memory a zone takes, struct frame_zone included. */
uint64_t zone_bytes(struct frame_run run);

/* Make a zone of free frames. Its memory has zone_bytes less the struct, is aligned to 8, and holds junk. */
void zone_make(struct frame_zone *zone, struct frame_run run, unsigned char *memory);

/*
 * Take an item of the wanted tier, by splitting one of tier `from` if that is higher. That one must have an
 * open cluster.
 *
 *   FRAMES_CORRUPT   nothing has changed but perhaps *item
 */
PAGING_MUST_CHECK enum frames_status zone_take(struct frame_zone *zone, unsigned from, unsigned wanted,
                                               uint64_t *item);

/* The last free frame of the block of this one was taken without zone_take: it leaves the list. */
void zone_catch_up(struct frame_zone *zone, uint64_t frame);

/*
 * Was the frame handed out, in a run of this tier that starts there? Or, if is_split: was that run split
 * since, or handed out in parts from the start? Asked from the top, where nothing is junk. The run must lie
 * in the zone and be aligned.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_WRONG_SIZE
 */
PAGING_MUST_CHECK enum frames_status zone_check_taken(const struct frame_zone *zone, unsigned wanted,
                                                      bool is_split, uint64_t frame);

/* Give back an item that zone_check_taken found in order. */
void zone_give(struct frame_zone *zone, unsigned tier, uint64_t item);

/* After an item came back: close its cluster if that is free as a whole, then the one above, and so on. */
void zone_settle(struct frame_zone *zone, unsigned tier, uint64_t item);

/* Make 512 items of the tier below of one that zone_check_taken found in order. */
void zone_split(struct frame_zone *zone, unsigned tier, uint64_t item);

/*
 * Make one of 512 again, which zone_check_taken found to be split.
 *
 *   FRAMES_INCOMPLETE   nothing has changed
 */
PAGING_MUST_CHECK enum frames_status zone_join(struct frame_zone *zone, unsigned tier, uint64_t item);

#endif
