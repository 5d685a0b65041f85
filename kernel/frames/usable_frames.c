/* SPDX-License-Identifier: MIT */
/*
 * usable_frames.c - each run of usable regions becomes a zone, as far as the bookkeeping memory has room.
 */
#include "frames/usable_frames.h"
#include "frames/zone_table.h"

/* Returns how many frames of a run, from its start on, the bookkeeping memory has room for. */
static uint64_t frames_that_fit(const struct frames *frames, struct frame_run run)
{
    uint64_t fits = 0, too_many = run.end - run.start + 1;
    while (too_many - fits > 1) {
        uint64_t middle = fits + (too_many - fits) / 2;
        struct frame_run part = {run.start, run.start + middle};
        if (frames_zone_bytes(part) <= frames_zone_table_space(frames))
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
        enum frames_status status = run.start < end ? FRAMES_OVERLAP : frames_zone_table_check(frames, run);
        if (status != FRAMES_OK)
            return status;
    }
    return FRAMES_OK;
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
            (void)frames_zone_table_insert(frames, run);
    }
    return FRAMES_OK;
}

uint64_t frames_bookkeeping_bytes(const struct memory_region *regions, size_t count, uint64_t extra_zones)
{
    struct frame_run run;
    uint64_t bytes = BOOKKEEPING_SLACK + extra_zones * frames_zone_table_extra();
    for (size_t at = 0; memory_next_usable(regions, count, &at, &run);)
        bytes += frames_zone_bytes(run);
    for (size_t i = 0; i < count; i++) {
        run = (struct frame_run){regions[i].start.number, regions[i].end.number};
        if ((regions[i].kind == MEMORY_LOADER || regions[i].kind == MEMORY_OWN) && frame_run_clip(&run))
            bytes += frames_zone_bytes(run);
    }
    return bytes;
}
