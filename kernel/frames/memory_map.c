/* SPDX-License-Identifier: MIT */
/*
 * memory_map.c - sweeps over the sorted edges of all descriptors.
 *
 * Plain arithmetic, and loops whose bounds are obvious, because test/frama proves all of it.
 */
#include "frames/memory_map.h"

#define FRAME_BYTES     4096u
#define ADDRESS_FRAMES  ((uint64_t)1 << 52) /* frames below 2^64 */
#define MOST_FRAMES     ((uint64_t)1 << 40) /* frames below 2^52 */
#define ATTRIBUTE_BITS  64u
#define MAX_DESCRIPTORS 0x7fffffffu

/* Of one kind: how many descriptors cover the sweep's position, and how many of these have each attribute. */
struct cover {
    uint32_t count;
    uint32_t attributes[ATTRIBUTE_BITS];
};

struct sweep {
    struct cover covers[MEMORY_KIND_COUNT];
    uint32_t runtime; /* descriptors that cover the position and that runtime services need */
};

struct output {
    struct memory_region *regions;
    size_t count;
    size_t capacity;
};

static enum memory_kind known_kind(enum memory_kind kind)
{
    return (unsigned)kind < MEMORY_KIND_COUNT ? kind : MEMORY_RESERVED;
}

/* Returns the number of frames below 2^physical_bits bytes. That halving cannot overflow is easy to prove. */
static uint64_t frame_limit(unsigned physical_bits)
{
    uint64_t frames = MOST_FRAMES;
    for (unsigned bit = 52; bit > physical_bits; bit--)
        frames /= 2;
    return frames;
}

/* Finds the frames below limit that a descriptor is about. Returns false if there are none. */
static bool covered_frames(const struct memory_descriptor *descriptor, uint64_t limit, uint64_t *start,
                           uint64_t *end)
{
    bool usable = memory_kind_is_usable(known_kind(descriptor->kind));
    uint64_t first = descriptor->start / FRAME_BYTES;
    uint64_t ragged = descriptor->start % FRAME_BYTES > 0 ? 1 : 0; /* then both ends are inside a frame */
    if (first >= limit || descriptor->page_count == 0)
        return false;
    if (usable && descriptor->page_count > ADDRESS_FRAMES - first - ragged)
        return false;
    uint64_t room = limit - first;
    uint64_t count = descriptor->page_count < room ? descriptor->page_count : room;
    *start = usable ? first + ragged : first;
    *end = first + count;
    if (!usable && *end < limit)
        *end += ragged;
    return *start < *end;
}

static size_t collect_edges(const struct memory_descriptor *descriptors, size_t count, uint64_t limit,
                            struct memory_edge *edges)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t start;
        uint64_t end;
        if (!covered_frames(&descriptors[i], limit, &start, &end))
            continue;
        edges[used] = (struct memory_edge){.frame = start, .descriptor = (uint32_t)i, .is_start = 1};
        edges[used + 1] = (struct memory_edge){.frame = end, .descriptor = (uint32_t)i, .is_start = 0};
        used += 2;
    }
    return used;
}

static void swap_edges(struct memory_edge *edges, size_t i, size_t j)
{
    struct memory_edge first = edges[i];
    edges[i] = edges[j];
    edges[j] = first;
}

/* Part of a heap sort, which needs no recursion and no memory, and which no input makes slow. */
static void sift_down(struct memory_edge *edges, size_t root, size_t count)
{
    while (2 * root + 1 < count) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && edges[child + 1].frame > edges[child].frame)
            child++;
        if (edges[root].frame >= edges[child].frame)
            return;
        swap_edges(edges, root, child);
        root = child;
    }
}

/* Moves the largest element of a heap to its end, and makes the others a heap again. */
static void largest_to_end(struct memory_edge *edges, size_t count)
{
    swap_edges(edges, 0, count - 1);
    sift_down(edges, 0, count - 1);
}

static void sort_edges(struct memory_edge *edges, size_t count)
{
    for (size_t root = count / 2; root > 0; root--)
        sift_down(edges, root - 1, count);
    for (size_t end = count; end > 1; end--) {
        largest_to_end(edges, end);
    }
}

/* Counts a descriptor in at its first edge, and out at its second: that one lies above. */
static void cross_edge(struct sweep *sweep, const struct memory_descriptor *descriptor, bool is_start)
{
    struct cover *cover = &sweep->covers[known_kind(descriptor->kind)];
    cover->count = is_start ? cover->count + 1 : cover->count - 1;
    if (memory_is_runtime(descriptor->kind, descriptor->attributes))
        sweep->runtime = is_start ? sweep->runtime + 1 : sweep->runtime - 1;
    uint64_t rest = descriptor->attributes;
    for (unsigned bit = 0; bit < ATTRIBUTE_BITS; bit++) {
        if (rest % 2 == 1)
            cover->attributes[bit] = is_start ? cover->attributes[bit] + 1 : cover->attributes[bit] - 1;
        rest /= 2;
    }
}

static uint64_t joined_attributes(const struct cover *cover)
{
    uint64_t joined = 0;
    for (unsigned bit = ATTRIBUTE_BITS; bit > 0; bit--)
        joined = joined * 2 + (cover->attributes[bit - 1] > 0 ? 1 : 0);
    return joined;
}

/* Returns what runtime services need at the sweep's position, whatever kind holds there. */
static enum memory_needs joined_needs(const struct sweep *sweep)
{
    bool code = sweep->covers[MEMORY_RUNTIME_CODE].count > 0;
    if (sweep->runtime == 0)
        return MEMORY_NEEDS_NOTHING;
    if (sweep->covers[MEMORY_MMIO].count > 0)
        return code ? MEMORY_NEEDS_UNCACHED_CODE : MEMORY_NEEDS_UNCACHED_DATA;
    return code ? MEMORY_NEEDS_CODE : MEMORY_NEEDS_DATA;
}

/* Returns whether the next region begins where the last one ends, and is like it in all else. */
static bool is_continued(const struct memory_region *last, struct memory_region next)
{
    return last->end.number == next.start.number && last->kind == next.kind &&
           last->attributes == next.attributes && last->needs == next.needs;
}

/* Appends a region, or makes the last one longer by it. Returns false if it does not fit. */
static bool append(struct output *output, struct memory_region region)
{
    if (output->count > 0 && is_continued(&output->regions[output->count - 1], region)) {
        output->regions[output->count - 1].end.number = region.end.number;
        return true;
    }
    if (output->count == output->capacity)
        return false;
    output->regions[output->count] = region;
    output->count++;
    return true;
}

/* Appends what holds between two edges, if anything does. Returns false if it does not fit. */
static bool emit(const struct sweep *sweep, uint64_t start, uint64_t end, struct output *output)
{
    unsigned kind = MEMORY_KIND_COUNT;
    while (kind > 0 && sweep->covers[kind - 1].count == 0)
        kind--;
    if (kind == 0 || start == end)
        return true;
    struct memory_region region = {.start = {start},
                                   .end = {end},
                                   .attributes = joined_attributes(&sweep->covers[kind - 1]),
                                   .kind = (enum memory_kind)(kind - 1),
                                   .needs = joined_needs(sweep)};
    return append(output, region);
}

/* Sweeps from the first edge to the last. Returns false if the regions do not fit. */
static bool sweep_edges(const struct memory_descriptor *descriptors, const struct memory_edge *edges,
                        size_t edge_count, struct sweep *sweep, struct output *output)
{
    for (size_t i = 0; i < edge_count; i++) {
        uint64_t next = i + 1 < edge_count ? edges[i + 1].frame : edges[i].frame;
        cross_edge(sweep, &descriptors[edges[i].descriptor], edges[i].is_start == 1);
        if (!emit(sweep, edges[i].frame, next, output))
            return false;
    }
    return true;
}

enum memory_map_status memory_map_normalise(const struct memory_descriptor *descriptors, size_t count,
                                            unsigned physical_bits, struct memory_edge *edges,
                                            struct memory_region *regions, size_t capacity,
                                            size_t *region_count)
{
    if (physical_bits < 12 || physical_bits > 52)
        return MEMORY_MAP_BAD_WIDTH;
    if (count > MAX_DESCRIPTORS)
        return MEMORY_MAP_TOO_MANY;
    size_t edge_count = collect_edges(descriptors, count, frame_limit(physical_bits), edges);
    sort_edges(edges, edge_count);
    struct sweep sweep = {0};
    struct output output = {.regions = regions, .count = 0, .capacity = capacity};
    if (!sweep_edges(descriptors, edges, edge_count, &sweep, &output))
        return MEMORY_MAP_NO_SPACE;
    *region_count = output.count;
    return MEMORY_MAP_OK;
}

const char *memory_map_status_name(enum memory_map_status status)
{
    static const char *const names[MEMORY_MAP_STATUS_COUNT] = {
        [MEMORY_MAP_OK] = "ok",
        [MEMORY_MAP_NO_SPACE] = "no space",
        [MEMORY_MAP_BAD_WIDTH] = "bad width",
        [MEMORY_MAP_TOO_MANY] = "too many",
    };
    return (unsigned)status < MEMORY_MAP_STATUS_COUNT ? names[status] : "unknown";
}
