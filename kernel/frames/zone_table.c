/* SPDX-License-Identifier: MIT */
/*
 * zone_table.c - runs of memory become zones.
 *
 * The bookkeeping memory holds the zones, sorted, from its start upwards; what belongs to them (bits and
 * clusters) grows down from its end:
 *
 *    zones            zones + zone_count       bookkeeping_top                    end
 *    |  struct frames_zone, sorted  |     unused     |  of the zone added last ... of the first  |
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

enum frames_status frames_zone_table_check(const struct frames *frames, struct frame_run run)
{
    if (run.end > FRAME_LIMIT)
        return FRAMES_TOO_HIGH;
    uint32_t below = zones_up_to(frames, run.end - 1);
    if (below > 0 && frames->zones[below - 1].end > run.start)
        return FRAMES_OVERLAP;
    return FRAMES_OK;
}

uint64_t frames_zone_table_space(const struct frames *frames)
{
    return (uint64_t)(frames->bookkeeping_top - (unsigned char *)(frames->zones + frames->zone_count));
}

struct frames_zone *frames_zone_table_insert(struct frames *frames, struct frame_run run)
{
    uint32_t place = zones_up_to(frames, run.start);
    for (uint32_t i = frames->zone_count; i > place; i--)
        frames->zones[i] = frames->zones[i - 1];
    frames->zone_count++;
    frames->bookkeeping_top -= frames_zone_bytes(run) - sizeof(struct frames_zone);
    frames_zone_make(&frames->zones[place], run, frames->bookkeeping_top);
    frames->total += run.end - run.start;
    frames->free_count += run.end - run.start;
    return &frames->zones[place];
}

/* Adds a run of free frames. *zone is NULL if nothing is left of it, or on an error. */
static enum frames_status add_run(struct frames *frames, struct frame_run run, struct frames_zone **zone)
{
    *zone = NULL;
    if (run.start > run.end)
        return FRAMES_REVERSED;
    if (!frame_run_clip(&run))
        return FRAMES_OK;
    enum frames_status status = frames_zone_table_check(frames, run);
    if (status == FRAMES_OK && frames_zone_bytes(run) > frames_zone_table_space(frames))
        status = FRAMES_NO_SPACE;
    if (status == FRAMES_OK)
        *zone = frames_zone_table_insert(frames, run);
    return status;
}

void frames_zone_table_init(struct frames *frames, void *bookkeeping, uint64_t bytes)
{
    uintptr_t start = (uintptr_t)bookkeeping;
    uintptr_t skipped = (8 - start % 8) % 8;
    uintptr_t usable = bytes > skipped ? (bytes - skipped) / 8 * 8 : 0;
    frames->zones = (void *)(start + skipped);
    frames->zone_count = 0;
    frames->bookkeeping_top = (unsigned char *)(start + skipped + usable);
}

struct frames_zone *frames_zone_table_find(const struct frames *frames, uint64_t frame)
{
    uint32_t count = zones_up_to(frames, frame);
    if (count == 0 || frame >= frames->zones[count - 1].end)
        return NULL;
    return &frames->zones[count - 1];
}

bool frames_first_free(const struct frames *frames, struct frames_run run, paging_frame_t *frame)
{
    uint32_t at = zones_up_to(frames, run.start.number);
    for (at -= at > 0; at < frames->zone_count && frames->zones[at].start < run.end.number; at++) {
        const struct frames_zone *zone = &frames->zones[at];
        uint64_t from = run.start.number > zone->start ? run.start.number : zone->start;
        uint64_t end = run.end.number < zone->end ? run.end.number : zone->end;
        if (frames_zone_first_free(zone, from, end, &frame->number))
            return true;
    }
    return false;
}

enum frames_status frames_add_free(struct frames *frames, paging_frame_t start, paging_frame_t end)
{
    struct frames_zone *zone;
    return add_run(frames, (struct frame_run){start.number, end.number}, &zone);
}

enum frames_status frames_add_taken(struct frames *frames, paging_frame_t start, paging_frame_t end)
{
    struct frames_zone *zone;
    enum frames_status status = add_run(frames, (struct frame_run){start.number, end.number}, &zone);
    if (zone == NULL)
        return status;
    for (uint64_t left = zone->end - zone->start; status == FRAMES_OK && left > 0; left--) {
        unsigned tier = 0;
        while (zone->tiers[tier].head == LIST_END)
            tier++;
        uint64_t frame;
        status = frames_zone_take(zone, tier, 0, &frame);
        frames->free_count--;
    }
    return status;
}

uint64_t frames_zone_table_extra(void)
{
    struct frame_run costly = {CLUSTER_ITEMS * SUPERBLOCK - 1, CLUSTER_ITEMS * SUPERBLOCK + 1};
    return frames_zone_bytes(costly);
}

uint64_t frames_bytes_for_runs(const struct frames_run *runs, size_t count, uint64_t pieces)
{
    uint64_t bytes = BOOKKEEPING_SLACK + pieces * frames_zone_table_extra();
    for (size_t i = 0; i < count; i++) {
        struct frame_run run = {runs[i].start.number, runs[i].end.number};
        if (frame_run_clip(&run))
            bytes += frames_zone_bytes(run);
    }
    return bytes;
}
