/*
 * frame_zone.h - one zone of the frame allocator, for frames.c alone.
 *
 * frames.h tells what tiers and clusters are. A zone knows nothing of other zones, nor of the first MiB.
 */
#ifndef KERNEL_FRAME_ZONE_H
#define KERNEL_FRAME_ZONE_H

#include "frames.h"

#define NOWHERE    UINT32_MAX /* the end of a list of clusters */
#define TOP_TIER   (FRAME_TIERS - 1)
#define BLOCK      ((uint64_t)CLUSTER_ITEMS)
#define SUPERBLOCK (BLOCK * CLUSTER_ITEMS)

/* Frames start to end, end not included. Never empty here. */
struct frame_run {
    uint64_t start;
    uint64_t end;
};

/* How many frames an item of a tier spans. */
static inline uint64_t item_frames(unsigned tier)
{
    return level_pages(tier + 1);
}

/* Which of the tier's clusters an item is in. */
static inline uint32_t cluster_index(const struct frame_tier *tier, uint64_t item)
{
    return (uint32_t)((item - tier->first) / CLUSTER_ITEMS);
}

/* Has the cluster no free item? True for a closed one as well. */
static inline bool cluster_is_full(const struct cluster *cluster)
{
    return cluster->head == cluster->limit;
}

/* How much bookkeeping memory a zone takes, struct frame_zone included. */
uint64_t zone_bytes(struct frame_run run);

/* Make a zone of free frames. Its memory has zone_bytes less the struct, is aligned to 8, and holds junk. */
void zone_make(struct frame_zone *zone, struct frame_run run, unsigned char *memory);

/*
 * Take an item of the wanted tier, by splitting one of tier `from` if that is higher. That one must have an
 * open cluster.
 *
 *   FRAMES_CORRUPT   nothing has changed
 */
MUST_CHECK enum frames_status zone_take(struct frame_zone *zone, unsigned from, unsigned wanted,
                                        uint64_t *item);

/*
 * Was the frame handed out, in a run of this tier that starts there? Asked from the top, where nothing is
 * junk. The run must lie in the zone and be aligned.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_WRONG_SIZE
 */
MUST_CHECK enum frames_status zone_check_taken(const struct frame_zone *zone, unsigned wanted,
                                               uint64_t frame);

/* Give back an item that zone_check_taken found in order. */
void zone_give(struct frame_zone *zone, unsigned tier, uint64_t item);

/* After an item came back: close its cluster if that is free as a whole, then the one above, and so on. */
void zone_settle(struct frame_zone *zone, unsigned tier, uint64_t item);

#endif
