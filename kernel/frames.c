/*
 * frames.c - the zones of a machine: which one a frame is in, and which one to take from.
 */
#include "frame_zone.h"

#define FIRST_FRAME ((uint64_t)256)     /* 1 MiB */
#define FRAME_LIMIT ((uint64_t)1 << 40) /* 2^52 bytes, all that an entry can name (SDM 3A, 4.1.4) */

/* How many zones start at or below the frame. */
static uint32_t zones_up_to(const struct frames *frames, uint64_t frame)
{
    uint32_t low = 0;
    uint32_t high = frames->zone_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (frames->zones[middle].start <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct frame_zone *zone_of(const struct frames *frames, uint64_t frame)
{
    uint32_t count = zones_up_to(frames, frame);
    if (count == 0 || frame >= frames->zones[count - 1].end)
        return NULL;
    return &frames->zones[count - 1];
}

static void look_at(struct frames *frames, const struct frame_zone *zone)
{
    frames->nearby.first = zone->tiers[0].first;
    frames->nearby.known = zone->known;
    frames->nearby.clusters = zone->tiers[0].clusters;
    frames->nearby.links = zone->tiers[0].links;
}

/*
 * Take single frames from the block of this one from now on, or from none if it is full. If it closes later,
 * it is all zeroes and gives nothing; and what opens it again makes it the current one again.
 */
static void make_current(struct frames *frames, const struct frame_zone *zone, uint64_t frame)
{
    const struct frame_tier *tier = &zone->tiers[0];
    uint32_t index = cluster_index(tier, frame);
    struct cluster *cluster = &tier->clusters[index];
    frames->current.cluster = cluster_is_full(cluster) ? &frames->none : cluster;
    frames->current.links = tier->links + (uint64_t)index * CLUSTER_ITEMS;
    frames->current.first = frame - frame % CLUSTER_ITEMS;
}

/* Cut a run to what may be a zone. False if nothing is left of it. */
static bool clip(struct frame_run *run)
{
    if (run->start < FIRST_FRAME)
        run->start = FIRST_FRAME;
    return run->start < run->end;
}

static enum frames_status check_run(const struct frames *frames, struct frame_run run)
{
    if (run.end > FRAME_LIMIT)
        return FRAMES_TOO_HIGH;
    uint32_t below = zones_up_to(frames, run.end - 1);
    if (below > 0 && frames->zones[below - 1].end > run.start)
        return FRAMES_OVERLAP;
    return FRAMES_OK;
}

static uint64_t space_left(const struct frames *frames)
{
    return (uint64_t)(frames->top - (unsigned char *)(frames->zones + frames->zone_count));
}

/* Add a clipped, checked run that fits. The zone may move when another is added. */
static struct frame_zone *insert_zone(struct frames *frames, struct frame_run run)
{
    uint32_t place = zones_up_to(frames, run.start);
    for (uint32_t i = frames->zone_count; i > place; i--)
        frames->zones[i] = frames->zones[i - 1];
    frames->zone_count++;
    frames->top -= zone_bytes(run) - sizeof(struct frame_zone);
    zone_make(&frames->zones[place], run, frames->top);
    frames->total += run.end - run.start;
    frames->free_count += run.end - run.start;
    return &frames->zones[place];
}

/* *zone is NULL if nothing is left of the run. */
static enum frames_status add_run(struct frames *frames, struct frame_run run, struct frame_zone **zone)
{
    *zone = NULL;
    if (!clip(&run))
        return FRAMES_OK;
    enum frames_status status = check_run(frames, run);
    if (status == FRAMES_OK && zone_bytes(run) > space_left(frames))
        status = FRAMES_NO_SPACE;
    if (status == FRAMES_OK)
        *zone = insert_zone(frames, run);
    return status;
}

enum frames_status frames_add_free(struct frames *frames, frame_t start, frame_t end)
{
    struct frame_zone *zone;
    return add_run(frames, (struct frame_run){start.number, end.number}, &zone);
}

enum frames_status frames_add_taken(struct frames *frames, frame_t start, frame_t end)
{
    struct frame_zone *zone;
    enum frames_status status = add_run(frames, (struct frame_run){start.number, end.number}, &zone);
    if (status != FRAMES_OK || zone == NULL)
        return status;
    for (uint64_t left = zone->end - zone->start; status == FRAMES_OK && left > 0; left--) {
        unsigned tier = 0;
        while (zone->tiers[tier].open == NOWHERE)
            tier++;
        uint64_t frame;
        status = zone_take(zone, tier, 0, &frame);
        frames->free_count--;
    }
    return status;
}

/* The next run of neighbouring usable regions, clipped. False if there is none. */
static bool next_run(const struct memory_region *regions, size_t count, size_t *at, struct frame_run *run)
{
    while (*at < count) {
        const struct memory_region *region = &regions[(*at)++];
        if (!memory_kind_is_usable(region->kind))
            continue;
        *run = (struct frame_run){region->start.number, region->end.number};
        for (; *at < count; (*at)++) {
            if (!memory_kind_is_usable(regions[*at].kind) || regions[*at].start.number != run->end)
                break;
            run->end = regions[*at].end.number;
        }
        if (clip(run))
            return true;
    }
    return false;
}

enum frames_status frames_add_usable(struct frames *frames, const struct memory_region *regions, size_t count)
{
    struct frame_run run;
    uint64_t bytes = 0;
    enum frames_status status = FRAMES_OK;
    for (size_t at = 0; status == FRAMES_OK && next_run(regions, count, &at, &run);) {
        status = check_run(frames, run);
        if (status == FRAMES_OK)
            bytes += zone_bytes(run);
    }
    if (status == FRAMES_OK && bytes > space_left(frames))
        status = FRAMES_NO_SPACE;
    struct frame_zone *zone;
    for (size_t at = 0; status == FRAMES_OK && next_run(regions, count, &at, &run);)
        status = add_run(frames, run, &zone);
    return status;
}

uint64_t frames_bookkeeping_bytes(const struct memory_region *regions, size_t count, uint64_t extra_zones)
{
    /* Cutting a zone in two costs at most what two frames cost that lie astride the end of every tier. */
    struct frame_run costly = {CLUSTER_ITEMS * SUPERBLOCK - 1, CLUSTER_ITEMS * SUPERBLOCK + 1};
    struct frame_run run;
    uint64_t bytes = 16 + extra_zones * zone_bytes(costly); /* 16: both ends may be unaligned */
    for (size_t at = 0; next_run(regions, count, &at, &run);)
        bytes += zone_bytes(run);
    for (size_t i = 0; i < count; i++) {
        run = (struct frame_run){regions[i].start.number, regions[i].end.number};
        if (regions[i].kind == MEMORY_LOADER && clip(&run))
            bytes += zone_bytes(run);
    }
    return bytes;
}

static bool source_reserve(struct frame_source *source, uint64_t count)
{
    return frames_free_count((struct frames *)source) >= count;
}

static bool source_allocate(struct frame_source *source, enum page_size size, frame_t *frame)
{
    return frames_allocate((struct frames *)source, size, frame) == FRAMES_OK;
}

static void source_release(struct frame_source *source, enum page_size size, frame_t frame)
{
    struct frames *frames = (struct frames *)source;
    if (frames_free(frames, size, frame) != FRAMES_OK)
        frames->refused_releases++;
}

void frames_init(struct frames *frames, void *bookkeeping, uint64_t bytes)
{
    uintptr_t start = (uintptr_t)bookkeeping;
    uintptr_t skipped = (8 - start % 8) % 8;
    uintptr_t usable = bytes > skipped ? (bytes - skipped) / 8 * 8 : 0;
    *frames = (struct frames){
        .source = {.reserve = source_reserve, .allocate = source_allocate, .release = source_release}};
    frames->zones = (void *)(start + skipped);
    frames->top = (unsigned char *)(start + skipped + usable);
    frames->current.cluster = &frames->none;
}

/* The search begins where the last one ended. */
static struct frame_zone *zone_with_open(struct frames *frames, unsigned tier)
{
    uint32_t at = frames->hints[tier];
    for (uint32_t tried = 0; tried < frames->zone_count; tried++, at++) {
        if (at >= frames->zone_count)
            at = 0;
        frames->hints[tier] = at;
        if (frames->zones[at].tiers[tier].open != NOWHERE)
            return &frames->zones[at];
    }
    return NULL;
}

/* Larger runs are split only when no zone has a piece left that is split already. */
enum frames_status frames_allocate_slow(struct frames *frames, enum page_size size, frame_t *frame)
{
    if (size < PAGE_4K || size > PAGE_1G)
        return FRAMES_WRONG_SIZE;
    unsigned wanted = (unsigned)size - 1;
    unsigned tier = wanted;
    struct frame_zone *zone = zone_with_open(frames, tier);
    while (zone == NULL && tier < TOP_TIER)
        zone = zone_with_open(frames, ++tier);
    if (zone == NULL)
        return FRAMES_NONE;
    uint64_t item;
    enum frames_status status = zone_take(zone, tier, wanted, &item);
    if (status != FRAMES_OK)
        return status;
    for (unsigned split = wanted; split < tier; split++)
        frames->hints[split] = frames->hints[tier];
    frame->number = item * item_frames(wanted);
    frames->free_count -= item_frames(wanted);
    if (size == PAGE_4K)
        make_current(frames, zone, frame->number);
    look_at(frames, zone);
    return FRAMES_OK;
}

enum frames_status frames_free_slow(struct frames *frames, enum page_size size, frame_t frame)
{
    if (size < PAGE_4K || size > PAGE_1G)
        return FRAMES_WRONG_SIZE;
    unsigned tier = (unsigned)size - 1;
    uint64_t count = item_frames(tier);
    if (frame.number % count != 0)
        return FRAMES_MISALIGNED;
    struct frame_zone *zone = zone_of(frames, frame.number);
    if (zone == NULL || count > zone->end - frame.number)
        return FRAMES_FOREIGN;
    enum frames_status status = zone_check_taken(zone, tier, frame.number);
    if (status != FRAMES_OK)
        return status;
    zone_give(zone, tier, frame.number / count);
    frames->free_count += count;
    look_at(frames, zone);
    return FRAMES_OK;
}

/* The last frame of a block came back by the short way. */
void frames_close_block(struct frames *frames, frame_t frame)
{
    zone_settle(zone_of(frames, frame.number), 0, frame.number);
}

const char *frames_status_name(enum frames_status status)
{
    static const char *const names[FRAMES_STATUS_COUNT] = {
        [FRAMES_OK] = "ok",
        [FRAMES_NONE] = "none",
        [FRAMES_DOUBLE_FREE] = "double free",
        [FRAMES_FOREIGN] = "foreign",
        [FRAMES_MISALIGNED] = "misaligned",
        [FRAMES_WRONG_SIZE] = "wrong size",
        [FRAMES_OVERLAP] = "overlap",
        [FRAMES_NO_SPACE] = "no space",
        [FRAMES_TOO_HIGH] = "too high",
        [FRAMES_CORRUPT] = "corrupt",
    };
    return (unsigned)status < FRAMES_STATUS_COUNT ? names[status] : "unknown";
}
