/*
 * add.c - memory becomes zones of the frame allocator.
 */
#include "frames/zone.h"

#define FIRST_FRAME ((uint64_t)256)     /* 1 MiB */
#define FRAME_LIMIT ((uint64_t)1 << 40) /* 2^52 bytes, all that an entry can name (SDM 3A, 4.1.4) */

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

enum frames_status frames_add_free(struct frames *frames, paging_frame_t start, paging_frame_t end)
{
    struct frame_zone *zone;
    return add_run(frames, (struct frame_run){start.number, end.number}, &zone);
}

enum frames_status frames_add_taken(struct frames *frames, paging_frame_t start, paging_frame_t end)
{
    struct frame_zone *zone;
    enum frames_status status = add_run(frames, (struct frame_run){start.number, end.number}, &zone);
    if (zone == NULL)
        return status;
    for (uint64_t left = zone->end - zone->start; status == FRAMES_OK && left > 0; left--) {
        unsigned tier = 0;
        while (zone->tiers[tier].open == LIST_END)
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
    uint64_t bytes = 0, end = 0;
    for (size_t at = 0; next_run(regions, count, &at, &run); bytes += zone_bytes(run), end = run.end) {
        enum frames_status status = run.start < end ? FRAMES_OVERLAP : check_run(frames, run);
        if (status != FRAMES_OK)
            return status;
    }
    if (bytes > space_left(frames))
        return FRAMES_NO_SPACE;
    for (size_t at = 0; next_run(regions, count, &at, &run);)
        (void)insert_zone(frames, run);
    return FRAMES_OK;
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
