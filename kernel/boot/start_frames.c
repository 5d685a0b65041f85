/* SPDX-License-Identifier: MIT */
/* start_frames.c - from descriptors to regions, from regions to zones. */
#include "boot/start_frames.h"
#include "boot/late_audit.h"
#include "boot/memory_regions.h"
#include "console/console.h"
#include "console/format.h"
#include "report/report.h"

static size_t region_count;
static uint64_t excluded_frames, left_out, tables_not_adopted;

static void must(enum frames_status status, const char *what)
{
    if (status == FRAMES_OK)
        return;
    print("# %s: %s\n", what, frames_status_name(status));
    report_crash("the frame allocator cannot start");
}

static void find_regions(struct handoff *handoff)
{
    enum memory_map_status status = memory_regions_find(handoff, &region_count);
    if (status != MEMORY_MAP_OK) {
        print("# memory map: %s\n", memory_map_status_name(status));
        report_crash("the memory map cannot be used");
    }
    excluded_frames = memory_excluded_frames(handoff->memory, region_count);
}

/*
 * Adopts the arena, except what the options exclude and the first MiB: the tables it handed out stay in use,
 * the rest is free. A table that is not adopted stays in use too, but never comes back to be handed out
 * again. Comes before all other memory, so that there is room to keep books of it.
 */
static void adopt_arena(const struct handoff *handoff, struct frames *frames)
{
    enum { LIMIT = 1 + MEMORY_EXTRA_REGIONS(OPTION_EXCLUDE_LIMIT) };
    const struct arena *arena = &handoff->arena;
    struct memory_region parts[LIMIT] = {{arena->start, arena->end, 0, MEMORY_CONVENTIONAL, 0}};
    size_t count = 1;
    if (!memory_exclude(parts, &count, LIMIT, handoff->options.exclude, handoff->options.exclude_count))
        must(FRAMES_NO_SPACE, "excluding parts of the arena");
    excluded_frames += memory_excluded_frames(parts, count);
    struct frame_run run;
    for (size_t at = 0; memory_next_usable(parts, count, &at, &run);) {
        must(frames_add_taken(frames, (paging_frame_t){run.start}, (paging_frame_t){run.end}),
             "adopting the arena");
        uint64_t unused = arena->next.number > run.start ? arena->next.number : run.start;
        for (; unused < run.end; unused++)
            must(frames_free(frames, PAGING_4K, (paging_frame_t){unused}), "freeing the rest of the arena");
    }
    tables_not_adopted = arena->next.number - arena->start.number - frames_handed_out(frames);
}

static void add_usable(const struct handoff *handoff, struct frames *frames)
{
    must(frames_add_usable(frames, handoff->memory, region_count, &left_out), "usable memory");
    if (left_out > 0)
        print("# usable memory: %lu pages are not used: the map has grown, and the bookkeeping has no room\n",
              left_out);
}

static void check_memory_is_enough(const struct frames *frames)
{
    static char sentence[HANDOFF_SENTENCE_LIMIT];
    struct text_sink text = text_sink(sentence, sizeof sentence);
    format(&text.sink, "too little memory: %lu pages are free, %d are needed", frames_free_count(frames),
           FRAMES_NEEDED);
    if (frames_free_count(frames) < FRAMES_NEEDED)
        report_crash(sentence);
}

/* Says which excluded frames of ours stay in use: the loader took them before anybody could prevent it. */
static void tell_excluded_in_use(const struct options *options, const char *name, paging_frame_t start,
                                 paging_frame_t end)
{
    for (unsigned i = 0; i < options->exclude_count; i++) {
        const struct frame_run *range = &options->exclude[i];
        uint64_t from = range->start > start.number ? range->start : start.number;
        uint64_t to = range->end < end.number ? range->end : end.number;
        if (from < to)
            print("# exclude: %lx..%lx is in use all the same, and is not handed out: %s\n",
                  from * PAGING_PAGE_BYTES, to * PAGING_PAGE_BYTES, name);
    }
}

static void tell_excluded(const struct handoff *handoff, const struct frames *frames)
{
    for (unsigned i = 0; i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        if (region->exact)
            tell_excluded_in_use(&handoff->options, region->name, region->start, region->end);
    }
    tell_excluded_in_use(&handoff->options, "page tables", handoff->arena.start, handoff->arena.next);
    if (handoff->options.exclude_count > 0 && frames_free_count(frames) == 0)
        print("# exclude: no memory is left\n");
}

void frames_start(struct handoff *handoff, struct frames *frames)
{
    find_regions(handoff);
    late_audit_before_hand_over(handoff, &region_count);
    frames_init(frames, handoff->bookkeeping, handoff->bookkeeping_bytes);
    adopt_arena(handoff, frames);
    add_usable(handoff, frames);
    tell_excluded(handoff, frames);
    check_memory_is_enough(frames);
}

size_t memory_region_count(void)
{
    return region_count;
}

uint64_t memory_left_out(void)
{
    return left_out;
}

uint64_t memory_tables_not_adopted(void)
{
    return tables_not_adopted;
}

void memory_note_dropped_tables(uint64_t count)
{
    tables_not_adopted -= count;
}

uint64_t memory_excluded_total(void)
{
    return excluded_frames;
}
