/*
 * zone_table.c - runs of memory become zones.
 *
 * The bookkeeping memory holds the zones, sorted, from its start upwards; what belongs to them (bits and
 * clusters) grows down from its end:
 *
 *    zones            zones + zone_count       bookkeeping_top                    end
 *    |  struct frame_zone, sorted  |     unused     |  of the zone added last ... of the first  |
 */
#include "frames/zone_table.h"

#define FRAME_LIMIT ((uint64_t)1 << 40) /* 2^52 bytes, all that an entry can name (SDM 3A, 4.1.4) */

/* Returns how many zones start at or below the frame. */
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

/* Checks that a run that is not empty can become a zone, apart from the memory it needs. */
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
    return (uint64_t)(frames->bookkeeping_top - (unsigned char *)(frames->zones + frames->zone_count));
}

/* Adds a run that was clipped and checked, and fits. Zones above it move. */
static struct frame_zone *insert_zone(struct frames *frames, struct frame_run run)
{
    uint32_t place = zones_up_to(frames, run.start);
    for (uint32_t i = frames->zone_count; i > place; i--)
        frames->zones[i] = frames->zones[i - 1];
    frames->zone_count++;
    frames->bookkeeping_top -= zone_bytes(run) - sizeof(struct frame_zone);
    zone_make(&frames->zones[place], run, frames->bookkeeping_top);
    frames->total += run.end - run.start;
    frames->free_count += run.end - run.start;
    return &frames->zones[place];
}

/* Adds a run of free frames. *zone is NULL if nothing is left of it, or on an error. */
static enum frames_status add_run(struct frames *frames, struct frame_run run, struct frame_zone **zone)
{
    *zone = NULL;
    if (run.start > run.end)
        return FRAMES_REVERSED;
    if (!frame_run_clip(&run))
        return FRAMES_OK;
    enum frames_status status = check_run(frames, run);
    if (status == FRAMES_OK && zone_bytes(run) > space_left(frames))
        status = FRAMES_NO_SPACE;
    if (status == FRAMES_OK)
        *zone = insert_zone(frames, run);
    return status;
}

/* Returns how many frames of a run, from its start on, the bookkeeping memory has room for. */
static uint64_t frames_that_fit(const struct frames *frames, struct frame_run run)
{
    uint64_t fits = 0, too_many = run.end - run.start + 1;
    while (too_many - fits > 1) {
        uint64_t middle = fits + (too_many - fits) / 2;
        if (zone_bytes((struct frame_run){run.start, run.start + middle}) <= space_left(frames))
            fits = middle;
        else
            too_many = middle;
    }
    return fits;
}

/* Checks all usable regions. */
static enum frames_status check_regions(const struct frames *frames, const struct memory_region *regions,
                                        size_t count)
{
    struct frame_run run;
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++)
        if (memory_kind_is_usable(regions[i].kind) && regions[i].start.number > regions[i].end.number)
            return FRAMES_REVERSED;
    for (size_t at = 0; memory_next_usable(regions, count, &at, &run); end = run.end) {
        enum frames_status status = run.start < end ? FRAMES_OVERLAP : check_run(frames, run);
        if (status != FRAMES_OK)
            return status;
    }
    return FRAMES_OK;
}

void zone_table_init(struct frames *frames, void *bookkeeping, uint64_t bytes)
{
    uintptr_t start = (uintptr_t)bookkeeping;
    uintptr_t skipped = (8 - start % 8) % 8;
    uintptr_t usable = bytes > skipped ? (bytes - skipped) / 8 * 8 : 0;
    frames->zones = (void *)(start + skipped);
    frames->zone_count = 0;
    frames->bookkeeping_top = (unsigned char *)(start + skipped + usable);
}

struct frame_zone *zone_table_find(const struct frames *frames, uint64_t frame)
{
    uint32_t count = zones_up_to(frames, frame);
    if (count == 0 || frame >= frames->zones[count - 1].end)
        return NULL;
    return &frames->zones[count - 1];
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
        while (zone->tiers[tier].head == LIST_END)
            tier++;
        uint64_t frame;
        status = zone_take(zone, tier, 0, &frame);
        frames->free_count--;
    }
    return status;
}

enum frames_status frames_add_usable(struct frames *frames, const struct memory_region *regions, size_t count,
                                     uint64_t *left_out)
{
    struct frame_run run;
    enum frames_status status = check_regions(frames, regions, count);
    if (status != FRAMES_OK)
        return status;
    *left_out = 0;
    for (size_t at = 0; memory_next_usable(regions, count, &at, &run);) {
        uint64_t fits = frames_that_fit(frames, run);
        *left_out += run.end - run.start - fits;
        run.end = run.start + fits;
        if (fits > 0)
            (void)insert_zone(frames, run);
    }
    return FRAMES_OK;
}

uint64_t frames_bookkeeping_bytes(const struct memory_region *regions, size_t count, uint64_t extra_zones)
{
    /* A zone cut in two costs at most as much more as two frames that lie astride the end of every tier. */
    struct frame_run costly = {CLUSTER_ITEMS * SUPERBLOCK - 1, CLUSTER_ITEMS * SUPERBLOCK + 1};
    struct frame_run run;
    uint64_t bytes = 16 + extra_zones * zone_bytes(costly); /* 16: both ends may be unaligned */
    for (size_t at = 0; memory_next_usable(regions, count, &at, &run);)
        bytes += zone_bytes(run);
    for (size_t i = 0; i < count; i++) {
        run = (struct frame_run){regions[i].start.number, regions[i].end.number};
        if ((regions[i].kind == MEMORY_LOADER || regions[i].kind == MEMORY_OWN) && frame_run_clip(&run))
            bytes += zone_bytes(run);
    }
    return bytes;
}
