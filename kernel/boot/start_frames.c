/* memory.c - frames begin here. */
#include "boot/start_frames.h"
#include "boot/identity_map.h"
#include "boot/runtime_memory.h"
#include "console/console.h"
#include "report/report.h"

static size_t region_count;

size_t memory_region_count(void)
{
    return region_count;
}

static void must(enum frames_status status, const char *what)
{
    if (status == FRAMES_OK)
        return;
    print("# %s: %s\n", what, frames_status_name(status));
    report_crash("the frame allocator cannot start");
}

static void sort_map(struct handoff *handoff)
{
    enum memory_map_status status = memory_map_normalise(
        handoff->descriptors, handoff->descriptor_count, handoff->space.cpu.physical_bits, handoff->edges,
        handoff->memory, handoff->memory_capacity, &region_count);
    if (status == MEMORY_MAP_OK)
        return;
    print("# memory map: %s\n", memory_map_status_name(status));
    report_crash("the memory map cannot be used");
}

/* What the arena did not hand out, or got back, is free; the tables it handed out stay in use. */
static void adopt_arena(const struct arena *arena, struct frames *frames)
{
    must(frames_add_taken(frames, arena->start, arena->end), "adopting the arena");
    for (paging_frame_t frame = arena->next; frame.number < arena->end.number; frame.number++)
        must(frames_free(frames, PAGING_4K, frame), "freeing the rest of the arena");
}

/* The map may have changed between the one the tables were built from and the last one. */
static void map_late_runtime_regions(struct handoff *handoff, struct frames *frames)
{
    for (size_t i = 0; i < region_count; i++) {
        const struct memory_region *region = &handoff->memory[i];
        if (!memory_region_is_runtime(region))
            continue;
        uint64_t flags = memory_region_runtime_flags(region);
        if (!handoff->space.cpu.has_no_execute)
            flags &= ~PAGING_NO_EXECUTE;
        enum paging_status status =
            identity_map_region(&handoff->space, region->start, region->end, flags, &frames->source);
        if (status == PAGING_OK)
            continue;
        print("# runtime region at %lx: %s\n", paging_frame_start(region->start).value,
              paging_status_name(status));
        report_crash("runtime services cannot be mapped");
    }
}

void frames_start(struct handoff *handoff, struct frames *frames)
{
    sort_map(handoff);
    frames_init(frames, handoff->bookkeeping, handoff->bookkeeping_bytes);
    must(frames_add_usable(frames, handoff->memory, region_count), "usable memory");
    adopt_arena(&handoff->arena, frames);
    map_late_runtime_regions(handoff, frames);
}
