/*
 * zone.c - the three tiers of a zone.
 */
#include "frames/zone.h"

/* A zone of up to so many superblocks is known from the start: every free in it takes the fast path. */
#ifndef FRAMES_LEARNED_AT_ONCE
#    define FRAMES_LEARNED_AT_ONCE 16u
#endif

/* ---- the bits of a cluster ---- */

static uint64_t *cluster_words(const struct frame_tier *tier, uint32_t index)
{
    return tier->free + (uint64_t)index * CLUSTER_WORDS;
}

static void words_fill(uint64_t *words, uint64_t value)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        words[i] = value;
}

/* ---- items ---- */

/* An item that the end of the zone cuts off is never handed out as one: it is always split. */
static bool item_is_whole(const struct frame_zone *zone, unsigned tier, uint64_t item)
{
    uint64_t frames = item_frames(tier);
    return item * frames >= zone->start && (item + 1) * frames <= zone->end;
}

static uint64_t *item_word(const struct frame_tier *tier, uint64_t item)
{
    return &tier->free[(item - tier->first) / WORD_ITEMS];
}

static unsigned item_bit(uint64_t item)
{
    return (unsigned)(item % WORD_ITEMS);
}

static bool item_is_split(const struct frame_zone *zone, unsigned tier, uint64_t item)
{
    if (tier == 0 || (tier == TOP_TIER && item >= zone->learned))
        return false;
    const struct frame_tier *below = &zone->tiers[tier - 1];
    return below->clusters[cluster_index(below, item * CLUSTER_ITEMS)].after != CLUSTER_CLOSED;
}

/* ---- a tier's list of clusters that have a free item ---- */

static void list_add(struct frame_tier *tier, uint32_t index)
{
    struct cluster *clusters = tier->clusters;
    uint32_t next = tier->open;
    clusters[index].before = LIST_END;
    clusters[index].after = next;
    if (next != LIST_END)
        clusters[next].before = index;
    tier->open = index;
}

/* It is full or closed from now on, and may have been before. */
static void list_remove(struct frame_tier *tier, uint32_t index, uint32_t what_it_is)
{
    struct cluster *clusters = tier->clusters;
    bool was_listed = cluster_is_listed(&clusters[index]);
    uint32_t before = clusters[index].before;
    uint32_t after = clusters[index].after;
    clusters[index].after = what_it_is;
    if (!was_listed)
        return;
    if (before == LIST_END)
        tier->open = after;
    else
        clusters[before].after = after;
    if (after != LIST_END)
        clusters[after].before = before;
}

static void cluster_close(struct frame_tier *tier, uint32_t index)
{
    words_fill(cluster_words(tier, index), 0);
    tier->clusters[index].after = CLUSTER_CLOSED;
}

/* ---- from junk to order ---- */

/* Replace the junk in the clusters of a superblock, and of its blocks, by closed ones. */
static void learn_superblock(struct frame_zone *zone, uint64_t superblock)
{
    uint64_t block = superblock * CLUSTER_ITEMS;
    uint64_t end = block + CLUSTER_ITEMS;
    uint64_t zone_end = (zone->end - 1) / BLOCK + 1;
    struct frame_tier *frames = &zone->tiers[0];
    struct frame_tier *blocks = &zone->tiers[1];
    cluster_close(blocks, cluster_index(blocks, block));
    if (block < zone->start / BLOCK)
        block = zone->start / BLOCK;
    for (; block < end && block < zone_end; block++)
        cluster_close(frames, cluster_index(frames, block * BLOCK));
}

/* Superblocks become known in order, so that one comparison tells whether a frame's cluster is. */
static void learn_up_to(struct frame_zone *zone, uint64_t superblock)
{
    for (; zone->learned <= superblock; zone->learned++)
        learn_superblock(zone, zone->learned);
    uint64_t known_end = zone->learned * SUPERBLOCK;
    if (zone->learned >= zone->end / SUPERBLOCK) /* one that is cut off at the end is known from the start */
        known_end = zone->end;
    zone->known = known_end - zone->start;
}

/* The cluster that takes an item's place when it is split. It is closed, and no junk. */
static uint32_t cluster_below(struct frame_zone *zone, unsigned tier, uint64_t item)
{
    if (tier == TOP_TIER)
        learn_up_to(zone, item);
    return cluster_index(&zone->tiers[tier - 1], item * CLUSTER_ITEMS);
}

/* ---- what zones do ---- */

/* Take an item from the first open cluster. */
static enum frames_status tier_take(struct frame_tier *tier, uint64_t *item)
{
    uint32_t index = tier->open;
    if (index >= tier->cluster_count)
        return FRAMES_CORRUPT;
    uint64_t *words = cluster_words(tier, index);
    uint64_t at = 0;
    while (at < CLUSTER_WORDS && words[at] == 0)
        at++;
    if (at == CLUSTER_WORDS)
        return FRAMES_CORRUPT;
    *item = tier->first + (uint64_t)index * CLUSTER_ITEMS + at * WORD_ITEMS + lowest_bit(words[at]);
    words[at] = without_lowest(words[at]);
    if (words_are(words, 0))
        list_remove(tier, index, CLUSTER_FULL);
    return FRAMES_OK;
}

enum frames_status zone_take(struct frame_zone *zone, unsigned from, unsigned wanted, uint64_t *item)
{
    enum frames_status status = tier_take(&zone->tiers[from], item);
    for (unsigned tier = from; status == FRAMES_OK && tier > wanted; tier--) {
        uint32_t index = cluster_below(zone, tier, *item);
        words_fill(cluster_words(&zone->tiers[tier - 1], index), WORD_FULL);
        list_add(&zone->tiers[tier - 1], index);
        status = tier_take(&zone->tiers[tier - 1], item);
    }
    return status;
}

void zone_catch_up(struct frame_zone *zone, uint64_t frame)
{
    struct frame_tier *tier = &zone->tiers[0];
    uint32_t index = cluster_index(tier, frame);
    if (cluster_is_listed(&tier->clusters[index]))
        list_remove(tier, index, CLUSTER_FULL);
}

static void zone_put(struct frame_zone *zone, unsigned tier_number, uint64_t item)
{
    struct frame_tier *tier = &zone->tiers[tier_number];
    uint32_t index = cluster_index(tier, item);
    uint64_t *word = item_word(tier, item);
    *word = with_bit(*word, item_bit(item));
    if (!cluster_is_listed(&tier->clusters[index]))
        list_add(tier, index);
}

void zone_settle(struct frame_zone *zone, unsigned tier_number, uint64_t item)
{
    for (; tier_number < TOP_TIER; tier_number++) {
        struct frame_tier *tier = &zone->tiers[tier_number];
        uint32_t index = cluster_index(tier, item);
        if (!words_are(cluster_words(tier, index), WORD_FULL)) /* never, where the zone's end cuts it off */
            return;
        list_remove(tier, index, CLUSTER_CLOSED);
        cluster_close(tier, index);
        item /= CLUSTER_ITEMS;
        zone_put(zone, tier_number + 1, item);
    }
}

void zone_give(struct frame_zone *zone, unsigned tier, uint64_t item)
{
    zone_put(zone, tier, item);
    zone_settle(zone, tier, item);
}

enum frames_status zone_check_taken(const struct frame_zone *zone, unsigned wanted, bool is_split,
                                    uint64_t frame)
{
    for (unsigned above = FRAME_TIERS; above > wanted; above--) {
        unsigned tier = above - 1;
        uint64_t item = frame / item_frames(tier);
        if (!item_is_whole(zone, tier, item))
            continue;
        if (is_set(*item_word(&zone->tiers[tier], item), item_bit(item)))
            return FRAMES_DOUBLE_FREE;
        if (item_is_split(zone, tier, item) != (tier > wanted || is_split))
            return FRAMES_WRONG_SIZE;
    }
    return FRAMES_OK;
}

/* Nothing is free in a closed cluster, and nothing in one whose items are all handed out. */
void zone_split(struct frame_zone *zone, unsigned tier, uint64_t item)
{
    zone->tiers[tier - 1].clusters[cluster_below(zone, tier, item)].after = CLUSTER_FULL;
}

enum frames_status zone_join(struct frame_zone *zone, unsigned tier, uint64_t item)
{
    struct frame_tier *below = &zone->tiers[tier - 1];
    uint32_t index = cluster_index(below, item * CLUSTER_ITEMS);
    if (!words_are(cluster_words(below, index), 0))
        return FRAMES_INCOMPLETE;
    for (uint64_t part = 0; tier > 1 && part < CLUSTER_ITEMS; part++)
        if (item_is_split(zone, tier - 1, item * CLUSTER_ITEMS + part))
            return FRAMES_INCOMPLETE;
    list_remove(below, index, CLUSTER_CLOSED);
    return FRAMES_OK;
}

/* ---- making a zone ---- */

/* How many clusters a tier has. */
static uint64_t tier_clusters(struct frame_run run, unsigned tier)
{
    uint64_t frames = item_frames(tier) * CLUSTER_ITEMS;
    return (run.end - 1) / frames + 1 - run.start / frames;
}

uint64_t zone_bytes(struct frame_run run)
{
    uint64_t bytes = sizeof(struct frame_zone);
    for (unsigned tier = 0; tier < FRAME_TIERS; tier++)
        bytes += tier_clusters(run, tier) * (CLUSTER_WORDS * sizeof(uint64_t) + sizeof(struct cluster));
    return bytes;
}

static uint64_t lowest_bits(unsigned count)
{
    return count < WORD_ITEMS ? ((uint64_t)1 << count) - 1 : WORD_FULL;
}

/* The bits below so many items, in the word whose first item is this one. */
static uint64_t bits_below(unsigned items, unsigned first)
{
    return items > first ? lowest_bits(items - first) : 0;
}

/* Begin to hand out the items start to limit of a cluster that the end of the zone cuts off. */
static void open_part(struct frame_tier *tier, uint32_t index, unsigned start, unsigned limit)
{
    uint64_t *words = cluster_words(tier, index);
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        words[i] = bits_below(limit, i * WORD_ITEMS) & ~bits_below(start, i * WORD_ITEMS);
    list_add(tier, index);
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
        if (start < end)
            open_part(tier, left - 1, (unsigned)(start - first), (unsigned)(end - first));
    }
}

static void *carve(unsigned char **memory, uint64_t bytes)
{
    void *carved = *memory;
    *memory += bytes;
    return carved;
}

void zone_make(struct frame_zone *zone, struct frame_run run, unsigned char *memory)
{
    *zone = (struct frame_zone){.start = run.start, .end = run.end};
    for (unsigned number = 0; number < FRAME_TIERS; number++) {
        struct frame_tier *tier = &zone->tiers[number];
        uint64_t clusters = tier_clusters(run, number);
        tier->first = run.start / item_frames(number) / CLUSTER_ITEMS * CLUSTER_ITEMS;
        tier->free = carve(&memory, clusters * CLUSTER_WORDS * sizeof(uint64_t));
        tier->clusters = carve(&memory, clusters * sizeof(struct cluster));
        tier->cluster_count = (uint32_t)clusters;
        tier->open = LIST_END;
    }
    uint64_t last = (run.end - 1) / SUPERBLOCK;
    uint64_t at_once = run.start / SUPERBLOCK + FRAMES_LEARNED_AT_ONCE - 1;
    zone->learned = run.start / SUPERBLOCK;
    learn_superblock(zone, last);
    learn_up_to(zone, at_once < last ? at_once : last);
    for (unsigned number = 0; number < FRAME_TIERS; number++)
        open_edges(zone, number);
}
