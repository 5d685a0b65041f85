/*
 * frame_zone.c - the three tiers of a zone.
 */
#include "frame_zone.h"

#define LINK_OUTSIDE ((uint16_t)0) /* below the zone: any mark that is not TAKEN */

/* A zone of up to so many superblocks is known from the start: every free in it takes the short way. */
#define LEARNED_AT_ONCE 16u

/* An item that the end of the zone cuts off is never handed out as one: it is always split. */
static bool item_is_whole(const struct frame_zone *zone, unsigned tier, uint64_t item)
{
    uint64_t frames = item_frames(tier);
    return item * frames >= zone->start && (item + 1) * frames <= zone->end;
}

static bool item_is_taken(const struct frame_tier *tier, uint64_t item)
{
    const struct cluster *cluster = &tier->clusters[cluster_index(tier, item)];
    uint64_t touched = cluster_is_full(cluster) ? cluster->limit : cluster->touched;
    return item % CLUSTER_ITEMS < touched && tier->links[item - tier->first] == LINK_TAKEN;
}

static bool item_is_split(const struct frame_zone *zone, unsigned tier, uint64_t item)
{
    if (tier == 0)
        return false;
    const struct frame_tier *below = &zone->tiers[tier - 1];
    return below->clusters[cluster_index(below, item * CLUSTER_ITEMS)].limit > 0;
}

static void list_add(struct frame_tier *tier, uint32_t index)
{
    tier->neighbours[index] = (struct cluster_neighbours){.before = NOWHERE, .after = tier->open};
    if (tier->open != NOWHERE)
        tier->neighbours[tier->open].before = index;
    tier->open = index;
}

static void list_remove(struct frame_tier *tier, uint32_t index)
{
    struct cluster_neighbours gone = tier->neighbours[index];
    if (gone.before == NOWHERE)
        tier->open = gone.after;
    else
        tier->neighbours[gone.before].after = gone.after;
    if (gone.after != NOWHERE)
        tier->neighbours[gone.after].before = gone.before;
}

/* Begin to hand out the items start to limit of a cluster, of which none is touched yet. */
static void cluster_open(struct frame_tier *tier, uint32_t index, uint16_t start, uint16_t limit)
{
    uint16_t *links = tier->links + (uint64_t)index * CLUSTER_ITEMS;
    for (uint16_t item = 0; item < start; item++)
        links[item] = LINK_OUTSIDE;
    tier->clusters[index] = (struct cluster){.head = start, .touched = start, .limit = limit, .taken = 0};
    list_add(tier, index);
}

/* Replace the junk in the clusters of a superblock, and of its blocks, by closed ones. */
static void learn_superblock(struct frame_zone *zone, uint64_t superblock)
{
    uint64_t block = superblock * CLUSTER_ITEMS;
    uint64_t end = block + CLUSTER_ITEMS;
    uint64_t zone_end = (zone->end - 1) / BLOCK + 1;
    struct frame_tier *frames = &zone->tiers[0];
    struct frame_tier *blocks = &zone->tiers[1];
    blocks->clusters[cluster_index(blocks, block)] = (struct cluster){0};
    if (block < zone->start / BLOCK)
        block = zone->start / BLOCK;
    for (; block < end && block < zone_end; block++)
        frames->clusters[cluster_index(frames, block * BLOCK)] = (struct cluster){0};
}

/* Superblocks become known in order, so that one comparison tells whether a frame's cluster is. */
static void learn_up_to(struct frame_zone *zone, uint64_t superblock)
{
    for (; zone->learned <= superblock; zone->learned++)
        learn_superblock(zone, zone->learned);
    uint64_t known_end = zone->learned * SUPERBLOCK;
    if (zone->learned >= zone->end / SUPERBLOCK) /* one that is cut off at the end is known from the start */
        known_end = zone->end;
    zone->known = known_end - zone->tiers[0].first;
}

/* Take an item from the first open cluster. */
static enum frames_status tier_take(struct frame_tier *tier, uint64_t *item)
{
    uint32_t index = tier->open;
    struct cluster *cluster = &tier->clusters[index];
    uint64_t first = (uint64_t)index * CLUSTER_ITEMS;
    uint16_t next = cluster_next(cluster, tier->links + first);
    if (next > cluster->limit)
        return FRAMES_CORRUPT;
    *item = tier->first + first + cluster_pop(cluster, tier->links + first, next);
    if (next == cluster->limit) {
        cluster->touched = 0;
        list_remove(tier, index);
    }
    return FRAMES_OK;
}

enum frames_status zone_take(struct frame_zone *zone, unsigned from, unsigned wanted, uint64_t *item)
{
    uint64_t taken;
    enum frames_status status = tier_take(&zone->tiers[from], &taken);
    if (status == FRAMES_OK && from == TOP_TIER && taken >= zone->learned)
        learn_up_to(zone, taken);
    for (unsigned tier = from; status == FRAMES_OK && tier > wanted; tier--) {
        struct frame_tier *below = &zone->tiers[tier - 1];
        cluster_open(below, cluster_index(below, taken * CLUSTER_ITEMS), 0, CLUSTER_ITEMS);
        status = tier_take(below, &taken);
    }
    if (status == FRAMES_OK)
        *item = taken;
    return status;
}

static void zone_put(struct frame_zone *zone, unsigned tier_number, uint64_t item)
{
    struct frame_tier *tier = &zone->tiers[tier_number];
    uint32_t index = cluster_index(tier, item);
    struct cluster *cluster = &tier->clusters[index];
    if (cluster_is_full(cluster)) {
        cluster->touched = cluster->limit;
        list_add(tier, index);
    }
    cluster_push(cluster, (uint16_t)(item % CLUSTER_ITEMS), &tier->links[item - tier->first]);
}

void zone_settle(struct frame_zone *zone, unsigned tier_number, uint64_t item)
{
    for (; tier_number < TOP_TIER; tier_number++) {
        struct frame_tier *tier = &zone->tiers[tier_number];
        uint32_t index = cluster_index(tier, item);
        item /= CLUSTER_ITEMS;
        if (tier->clusters[index].taken > 0 || !item_is_whole(zone, tier_number + 1, item))
            return;
        list_remove(tier, index);
        tier->clusters[index] = (struct cluster){0};
        zone_put(zone, tier_number + 1, item);
    }
}

void zone_give(struct frame_zone *zone, unsigned tier, uint64_t item)
{
    zone_put(zone, tier, item);
    zone_settle(zone, tier, item);
}

enum frames_status zone_check_taken(const struct frame_zone *zone, unsigned wanted, uint64_t frame)
{
    for (unsigned above = FRAME_TIERS; above > wanted; above--) {
        unsigned tier = above - 1;
        uint64_t item = frame / item_frames(tier);
        if (!item_is_whole(zone, tier, item))
            continue;
        if (!item_is_taken(&zone->tiers[tier], item))
            return FRAMES_DOUBLE_FREE;
        if (item_is_split(zone, tier, item) != (tier > wanted))
            return FRAMES_WRONG_SIZE;
    }
    return FRAMES_OK;
}

/* What a tier of a zone takes of the bookkeeping memory: so many links, so many clusters. */
static uint64_t tier_links(struct frame_run run, unsigned tier)
{
    uint64_t frames = item_frames(tier);
    uint64_t first = run.start / frames;
    return (run.end - 1) / frames + 1 - (first - first % CLUSTER_ITEMS);
}

static uint64_t tier_clusters(struct frame_run run, unsigned tier)
{
    uint64_t frames = item_frames(tier) * CLUSTER_ITEMS;
    return (run.end - 1) / frames + 1 - run.start / frames;
}

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

uint64_t zone_bytes(struct frame_run run)
{
    uint64_t bytes = sizeof(struct frame_zone);
    for (unsigned tier = 0; tier < FRAME_TIERS; tier++)
        bytes += rounded(tier_links(run, tier) * sizeof(uint16_t)) +
                 tier_clusters(run, tier) * (sizeof(struct cluster) + sizeof(struct cluster_neighbours));
    return bytes;
}

/* Open the clusters of a tier that are no item of the tier above: those cut off, and all of the top tier. */
static void open_edges(struct frame_zone *zone, unsigned tier_number)
{
    struct frame_tier *tier = &zone->tiers[tier_number];
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
        tier->clusters[left - 1] = (struct cluster){0};
        if (start < end)
            cluster_open(tier, left - 1, (uint16_t)(start - first), (uint16_t)(end - first));
    }
}

static void *carve(unsigned char **memory, uint64_t bytes)
{
    void *carved = *memory;
    *memory += rounded(bytes);
    return carved;
}

void zone_make(struct frame_zone *zone, struct frame_run run, unsigned char *memory)
{
    *zone = (struct frame_zone){.start = run.start, .end = run.end};
    for (unsigned number = 0; number < FRAME_TIERS; number++) {
        struct frame_tier *tier = &zone->tiers[number];
        uint64_t clusters = tier_clusters(run, number);
        tier->first = run.start / item_frames(number) / CLUSTER_ITEMS * CLUSTER_ITEMS;
        tier->links = carve(&memory, tier_links(run, number) * sizeof(uint16_t));
        tier->clusters = carve(&memory, clusters * sizeof(struct cluster));
        tier->neighbours = carve(&memory, clusters * sizeof(struct cluster_neighbours));
        tier->cluster_count = (uint32_t)clusters;
        tier->open = NOWHERE;
    }
    uint64_t last = (run.end - 1) / SUPERBLOCK;
    uint64_t at_once = run.start / SUPERBLOCK + LEARNED_AT_ONCE - 1;
    zone->learned = run.start / SUPERBLOCK;
    learn_superblock(zone, last);
    learn_up_to(zone, at_once < last ? at_once : last);
    for (unsigned number = 0; number < FRAME_TIERS; number++)
        open_edges(zone, number);
}
