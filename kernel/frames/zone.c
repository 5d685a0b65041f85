/* SPDX-License-Identifier: MIT */
/*
 * zone.c - items of one tier become clusters of the tier below, and items again.
 */
#include "frames/zone.h"

/* So many superblocks of a zone are initialised when it is made: frees in them take the fast path at once. */
#ifndef FRAMES_INITIALISED_AT_ONCE
#    define FRAMES_INITIALISED_AT_ONCE 16u
#endif

/* ---- items ---- */

/* Returns whether the zone has all of the item. One that an end cuts off counts as split, always. */
static bool item_is_whole(const struct frames_zone *zone, unsigned tier, uint64_t item)
{
    uint64_t frames = item_frames(tier);
    return item * frames >= zone->start && (item + 1) * frames <= zone->end;
}

static bool item_is_split(const struct frames_zone *zone, unsigned tier, uint64_t item)
{
    if (tier == 0 || (tier == TOP_TIER && item >= zone->first_uninitialised))
        return false;
    const struct frames_tier *below = &zone->tiers[tier - 1];
    return below->clusters[cluster_index(below, item * CLUSTER_ITEMS)].after != CLUSTER_CLOSED;
}

/* ---- initialisation, one superblock at a time ---- */

/* Closes the clusters of a superblock and of its blocks. Their memory may hold anything before. */
static void initialise_superblock(struct frames_zone *zone, uint64_t superblock)
{
    uint64_t block = superblock * CLUSTER_ITEMS;
    uint64_t end = block + CLUSTER_ITEMS;
    uint64_t zone_end = (zone->end - 1) / BLOCK + 1;
    struct frames_tier *frames = &zone->tiers[0];
    struct frames_tier *blocks = &zone->tiers[1];
    tier_init_cluster(blocks, cluster_index(blocks, block));
    if (block < zone->start / BLOCK)
        block = zone->start / BLOCK;
    for (; block < end && block < zone_end; block++)
        tier_init_cluster(frames, cluster_index(frames, block * BLOCK));
}

/* Initialises in order, so that one comparison tells whether a frame's cluster is initialised. */
static void initialise_up_to(struct frames_zone *zone, uint64_t superblock)
{
    for (; zone->first_uninitialised <= superblock; zone->first_uninitialised++)
        initialise_superblock(zone, zone->first_uninitialised);
    uint64_t end = zone->first_uninitialised * SUPERBLOCK;
    if (zone->first_uninitialised >=
        zone->end / SUPERBLOCK) /* frames_zone_make initialised one that the end cuts off */
        end = zone->end;
    zone->initialised = end - zone->start;
}

/* Returns the cluster that takes an item's place when it is split: initialised, and closed. */
static uint32_t cluster_below(struct frames_zone *zone, unsigned tier, uint64_t item)
{
    if (tier == TOP_TIER)
        initialise_up_to(zone, item);
    return cluster_index(&zone->tiers[tier - 1], item * CLUSTER_ITEMS);
}

/* ---- making a zone ---- */

/* Returns the number of clusters of a tier. */
static uint64_t tier_clusters(struct frame_run run, unsigned tier)
{
    uint64_t frames = item_frames(tier) * CLUSTER_ITEMS;
    return (run.end - 1) / frames + 1 - run.start / frames;
}

/*
 * Lists the clusters of a tier that are not items of the tier above: those cut off, and all of the top tier.
 */
static void list_edges(struct frames_zone *zone, unsigned tier_number)
{
    struct frames_tier *tier = &zone->tiers[tier_number];
    uint64_t frames = item_frames(tier_number);
    uint64_t whole_start = (zone->start + frames - 1) / frames;
    uint64_t whole_end = zone->end / frames;
    uint32_t step = tier_number == TOP_TIER || tier->cluster_count < 2 ? 1 : tier->cluster_count - 1;
    for (uint32_t left = tier->cluster_count; left > 0; left = left > step ? left - step : 0) {
        uint64_t first = tier->first + (uint64_t)(left - 1) * CLUSTER_ITEMS;
        if (tier_number < TOP_TIER && item_is_whole(zone, tier_number + 1, first / CLUSTER_ITEMS))
            continue;
        uint64_t start = first > whole_start ? first : whole_start;
        uint64_t end = first + CLUSTER_ITEMS < whole_end ? first + CLUSTER_ITEMS : whole_end;
        if (start < end)
            tier_fill_part(tier, left - 1, (unsigned)(start - first), (unsigned)(end - first));
    }
}

static void *carve(unsigned char **memory, uint64_t bytes)
{
    void *carved = *memory;
    *memory += bytes;
    return carved;
}

uint64_t frames_zone_bytes(struct frame_run run)
{
    uint64_t bytes = sizeof(struct frames_zone);
    for (unsigned tier = 0; tier < FRAMES_TIERS; tier++)
        bytes +=
            tier_clusters(run, tier) * (CLUSTER_WORDS * sizeof(uint64_t) + sizeof(struct frames_cluster));
    return bytes;
}

void frames_zone_make(struct frames_zone *zone, struct frame_run run, unsigned char *memory)
{
    *zone = (struct frames_zone){.start = run.start, .end = run.end};
    for (unsigned number = 0; number < FRAMES_TIERS; number++) {
        struct frames_tier *tier = &zone->tiers[number];
        uint64_t clusters = tier_clusters(run, number);
        tier->first = run.start / item_frames(number) / CLUSTER_ITEMS * CLUSTER_ITEMS;
        tier->free = carve(&memory, clusters * CLUSTER_WORDS * sizeof(uint64_t));
        tier->clusters = carve(&memory, clusters * sizeof(struct frames_cluster));
        tier->cluster_count = (uint32_t)clusters;
        tier->head = LIST_END;
    }
    uint64_t last = (run.end - 1) / SUPERBLOCK;
    uint64_t at_once = run.start / SUPERBLOCK + FRAMES_INITIALISED_AT_ONCE - 1;
    zone->first_uninitialised = run.start / SUPERBLOCK;
    initialise_superblock(zone, last);
    initialise_up_to(zone, at_once < last ? at_once : last);
    for (unsigned number = 0; number < FRAMES_TIERS; number++)
        list_edges(zone, number);
}

/* ---- taking, giving back, splitting, joining ---- */

enum frames_status frames_zone_take(struct frames_zone *zone, unsigned from, unsigned wanted, uint64_t *item)
{
    enum frames_status status = tier_take(&zone->tiers[from], item);
    for (unsigned tier = from; status == FRAMES_OK && tier > wanted; tier--) {
        uint32_t index = cluster_below(zone, tier, *item);
        tier_fill_cluster(&zone->tiers[tier - 1], index);
        status = tier_take(&zone->tiers[tier - 1], item);
    }
    return status;
}

void frames_zone_sync_list(struct frames_zone *zone, uint64_t frame)
{
    struct frames_tier *tier = &zone->tiers[0];
    uint32_t index = cluster_index(tier, frame);
    if (cluster_is_listed(&tier->clusters[index]))
        list_remove(tier, index, CLUSTER_FULL);
}

void frames_zone_close_if_free(struct frames_zone *zone, unsigned tier_number, uint64_t item)
{
    for (; tier_number < TOP_TIER; tier_number++) {
        struct frames_tier *tier = &zone->tiers[tier_number];
        uint32_t index = cluster_index(tier, item);
        if (!cluster_is_free(tier, index)) /* a cluster that the zone's end cuts off never is */
            return;
        tier_close_cluster(tier, index);
        item /= CLUSTER_ITEMS;
        tier_put(&zone->tiers[tier_number + 1], item);
    }
}

void frames_zone_give(struct frames_zone *zone, unsigned tier, uint64_t item)
{
    tier_put(&zone->tiers[tier], item);
    frames_zone_close_if_free(zone, tier, item);
}

enum frames_status frames_zone_check_taken(const struct frames_zone *zone, unsigned wanted, bool is_split,
                                           uint64_t frame)
{
    for (unsigned above = FRAMES_TIERS; above > wanted; above--) {
        unsigned tier = above - 1;
        uint64_t item = frame / item_frames(tier);
        if (!item_is_whole(zone, tier, item))
            continue;
        if (tier_has(&zone->tiers[tier], item))
            return FRAMES_DOUBLE_FREE;
        if (item_is_split(zone, tier, item) != (tier > wanted || is_split))
            return FRAMES_WRONG_SIZE;
    }
    return FRAMES_OK;
}

/* Returns how many frames from this one on are in use for the same reason; 0 if the frame is free. */
static uint64_t frames_in_use(const struct frames_zone *zone, uint64_t frame)
{
    for (unsigned above = FRAMES_TIERS; above > 1; above--) {
        unsigned tier = above - 1;
        uint64_t item = frame / item_frames(tier);
        if (!item_is_whole(zone, tier, item))
            continue;
        if (tier_has(&zone->tiers[tier], item))
            return 0;
        if (!item_is_split(zone, tier, item))
            return (item + 1) * item_frames(tier) - frame;
    }
    uint64_t free = *item_word(&zone->tiers[0], frame) >> item_bit(frame);
    return free ? lowest_bit(free) : WORD_ITEMS - item_bit(frame);
}

bool frames_zone_first_free(const struct frames_zone *zone, uint64_t from, uint64_t end, uint64_t *frame)
{
    while (from < end) {
        uint64_t in_use = frames_in_use(zone, from);
        if (in_use == 0)
            *frame = from;
        if (in_use == 0)
            return true;
        from += in_use;
    }
    return false;
}

/* A closed cluster and one whose items are all handed out have the same words: only the mark differs. */
void frames_zone_split(struct frames_zone *zone, unsigned tier, uint64_t item)
{
    zone->tiers[tier - 1].clusters[cluster_below(zone, tier, item)].after = CLUSTER_FULL;
}

enum frames_status frames_zone_join(struct frames_zone *zone, unsigned tier, uint64_t item)
{
    struct frames_tier *below = &zone->tiers[tier - 1];
    uint32_t index = cluster_index(below, item * CLUSTER_ITEMS);
    if (!cluster_is_empty(below, index))
        return FRAMES_INCOMPLETE;
    for (uint64_t part = 0; tier > 1 && part < CLUSTER_ITEMS; part++)
        if (item_is_split(zone, tier - 1, item * CLUSTER_ITEMS + part))
            return FRAMES_INCOMPLETE;
    list_remove(below, index, CLUSTER_CLOSED);
    return FRAMES_OK;
}
