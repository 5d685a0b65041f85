/*
 * memory_map.c - a sweep over the sorted edges of all descriptors.
 *
 * Written with plain arithmetic and loops whose bounds are obvious, as that is what a prover understands.
 * What it proves stands in the comments that begin with an @ (test/frama/README.md).
 */
#include "frames/memory_map.h"

#define FRAME_BYTES     4096u
#define ADDRESS_FRAMES  ((uint64_t)1 << 52) /* frames below 2^64 */
#define MOST_FRAMES     ((uint64_t)1 << 40) /* frames below 2^52 */
#define ATTRIBUTE_BITS  64u
#define MAX_DESCRIPTORS 0x7fffffffu

/* How many of the descriptors that cover the sweep's position are of a kind, and have an attribute. */
struct cover {
    uint32_t count;
    uint32_t attributes[ATTRIBUTE_BITS];
};

struct sweep {
    struct cover covers[MEMORY_KIND_COUNT];
};

struct output {
    struct memory_region *regions;
    size_t count;
    size_t capacity;
};

/*@ assigns \nothing;
    ensures 0 <= \result < MEMORY_KIND_COUNT;
    ensures \result == (kind < MEMORY_KIND_COUNT ? kind : MEMORY_RESERVED); */
static enum memory_kind known_kind(enum memory_kind kind)
{
    return (unsigned)kind < MEMORY_KIND_COUNT ? kind : MEMORY_RESERVED;
}

/* Halved from the most there can be, so that it is plain that nothing overflows. */
/*@ requires 12 <= physical_bits <= 52;
    assigns \nothing;
    ensures \result <= MOST_FRAMES; */
static uint64_t frame_limit(unsigned physical_bits)
{
    uint64_t frames = MOST_FRAMES;
    /*@ loop invariant physical_bits <= bit <= 52;
        loop invariant frames <= MOST_FRAMES;
        loop assigns bit, frames;
        loop variant bit; */
    for (unsigned bit = 52; bit > physical_bits; bit--)
        frames /= 2;
    return frames;
}

/* The frames below limit that a descriptor speaks about. False if there is none. */
/*@ requires limit <= MOST_FRAMES;
    requires \valid_read(descriptor) && \valid(start) && \valid(end);
    requires \separated(descriptor, start, end);
    assigns *start, *end;
    behavior usable:
      assumes descriptor->kind == MEMORY_CONVENTIONAL || descriptor->kind == MEMORY_BOOT;
      ensures inside: \result ==> descriptor->start <= *start * 4096 &&
                      *end * 4096 <= descriptor->start + descriptor->page_count * 4096 <= 0x10000000000000000;
    behavior restricted:
      assumes descriptor->kind != MEMORY_CONVENTIONAL && descriptor->kind != MEMORY_BOOT;
      ensures around: \result ==> *start * 4096 <= descriptor->start &&
        (*end == limit || descriptor->start + descriptor->page_count * 4096 <= *end * 4096);
      ensures never_forgotten: !\result ==> descriptor->page_count == 0 || descriptor->start / 4096 >= limit;
    behavior always:
      ensures a_range: \result ==> *start < *end <= limit; */
static bool covered_frames(const struct memory_descriptor *descriptor, uint64_t limit, uint64_t *start,
                           uint64_t *end)
{
    bool usable = memory_kind_is_usable(known_kind(descriptor->kind));
    uint64_t first = descriptor->start / FRAME_BYTES;
    uint64_t ragged = descriptor->start % FRAME_BYTES > 0 ? 1 : 0; /* both ends are, or none */
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

/*@ predicate an_edge(struct memory_edge *edge, integer descriptors) =
      edge->descriptor < descriptors && edge->frame <= MOST_FRAMES && edge->opens <= 1;
    predicate all_edges{L}(struct memory_edge *edges, integer start, integer end, integer descriptors) =
      \forall integer k; start <= k < end ==> an_edge(edges + k, descriptors); */

/*@ requires limit <= MOST_FRAMES && count <= MAX_DESCRIPTORS;
    requires \valid_read(descriptors + (0 .. count - 1)) && \valid(edges + (0 .. 2 * count - 1));
    requires \separated(descriptors + (0 .. count - 1), edges + (0 .. 2 * count - 1));
    assigns edges[0 .. 2 * count - 1];
    ensures \result <= 2 * count && \result % 2 == 0;
    ensures all_edges(edges, 0, \result, count); */
static size_t collect_edges(const struct memory_descriptor *descriptors, size_t count, uint64_t limit,
                            struct memory_edge *edges)
{
    size_t used = 0;
    /*@ loop invariant 0 <= i <= count;
        loop invariant used <= 2 * i && used % 2 == 0;
        loop invariant all_edges(edges, 0, used, count);
        loop assigns i, used, edges[0 .. 2 * count - 1];
        loop variant count - i; */
    for (size_t i = 0; i < count; i++) {
        uint64_t start;
        uint64_t end;
        if (!covered_frames(&descriptors[i], limit, &start, &end))
            continue;
        edges[used] = (struct memory_edge){.frame = start, .descriptor = (uint32_t)i, .opens = 1};
        edges[used + 1] = (struct memory_edge){.frame = end, .descriptor = (uint32_t)i, .opens = 0};
        used += 2;
    }
    return used;
}

/*@ predicate heap{L}(struct memory_edge *edges, integer root, integer count) =
      \forall integer k; root <= (k - 1) / 2 && 0 < k < count ==> edges[(k - 1) / 2].frame >= edges[k].frame;
    predicate not_above{L}(struct memory_edge *edge, integer frame) = edge->frame <= frame;
    predicate below{L}(struct memory_edge *edges, integer count, integer frame) =
      \forall integer k; 0 <= k < count ==> not_above(edges + k, frame);
    predicate sorted{L}(struct memory_edge *edges, integer start, integer end) =
      \forall integer k; start <= k && k + 1 < end ==> edges[k].frame <= edges[k + 1].frame; */

/*@ requires \valid(edges + i) && \valid(edges + j);
    assigns edges[i], edges[j];
    ensures edges[i] == \old(edges[j]) && edges[j] == \old(edges[i]);
    ensures still_edges: \forall integer n, most; 0 <= i < n && 0 <= j < n ==>
      all_edges{Pre}(edges, 0, n, most) ==> all_edges(edges, 0, n, most);
    ensures none_rises: \forall integer n, most; 0 <= i < n && 0 <= j < n ==>
      below{Pre}(edges, n, most) ==> below(edges, n, most); */
static void swap_edges(struct memory_edge *edges, size_t i, size_t j)
{
    struct memory_edge first = edges[i];
    edges[i] = edges[j];
    edges[j] = first;
}

/* Heap sort: no recursion, no memory, and no input makes it slow. */
/*@ requires count <= 2 * MAX_DESCRIPTORS && \valid(edges + (0 .. count - 1));
    requires root < count && heap(edges, root + 1, count);
    assigns edges[0 .. count - 1];
    ensures heap: heap(edges, root, count);
    ensures none_rises: \forall integer most; below{Pre}(edges, count, most) ==> below(edges, count, most);
    ensures still_edges: \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                         all_edges(edges, 0, count, most); */
static void sift_down(struct memory_edge *edges, size_t root, size_t count)
{
    /*@ loop invariant \at(root, Pre) <= root < count;
        loop invariant \forall integer k; \at(root, Pre) <= (k - 1) / 2 && 0 < k < count &&
          (k - 1) / 2 != root ==> edges[(k - 1) / 2].frame >= edges[k].frame;
        loop invariant \at(root, Pre) < root ==> \at(root, Pre) <= (root - 1) / 2 &&
          (\forall integer k; 0 < k < count && (k - 1) / 2 == root ==>
             edges[(root - 1) / 2].frame >= edges[k].frame);
        loop invariant \forall integer most; below{Pre}(edges, count, most) ==> below(edges, count, most);
        loop invariant \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                       all_edges(edges, 0, count, most);
        loop assigns root, edges[0 .. count - 1];
        loop variant count - root; */
    while (2 * root + 1 < count) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && edges[child + 1].frame > edges[child].frame)
            child++;
        if (edges[root].frame >= edges[child].frame)
            return;
        swap_edges(edges, root, child);
        /*@ assert \forall integer k; 0 < k < count && (k - 1) / 2 == root ==>
              edges[root].frame >= edges[k].frame; */
        /*@ assert \at(root, Pre) < root ==> edges[(root - 1) / 2].frame >= edges[root].frame; */
        root = child;
    }
}

/* Of a heap: the largest goes to the end, and the others are a heap again. */
/*@ requires 1 < count <= 2 * MAX_DESCRIPTORS && \valid(edges + (0 .. count - 1));
    requires heap(edges, 0, count);
    assigns edges[0 .. count - 1];
    ensures heap: heap(edges, 0, count - 1);
    ensures largest: below(edges, count - 1, edges[count - 1].frame);
    ensures none_rises: \forall integer most; below{Pre}(edges, count, most) ==> below(edges, count, most);
    ensures still_edges: \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                         all_edges(edges, 0, count, most); */
static void largest_to_end(struct memory_edge *edges, size_t count)
{
    /*@ ghost
      size_t top = 0;
      /@ loop invariant 0 <= top <= count;
         loop invariant top > 0 ==> below(edges, top, edges[0].frame);
         loop assigns top;
         loop variant count - top; @/
      while (top < count) {
          /@ assert top > 0 ==> edges[(top - 1) / 2].frame >= edges[top].frame; @/
          top++;
      } */
    swap_edges(edges, 0, count - 1);
    /*@ assert below(edges, count - 1, edges[count - 1].frame); */
    /*@ assert \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
          all_edges(edges, 0, count - 1, most) && an_edge(edges + (count - 1), most); */
    sift_down(edges, 0, count - 1);
    /*@ assert \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
          all_edges(edges, 0, count - 1, most) && an_edge(edges + (count - 1), most); */
}

/*@ requires count <= 2 * MAX_DESCRIPTORS && \valid(edges + (0 .. count - 1));
    assigns edges[0 .. count - 1];
    ensures sorted: sorted(edges, 0, count);
    ensures still_edges: \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                         all_edges(edges, 0, count, most); */
static void sort_edges(struct memory_edge *edges, size_t count)
{
    /*@ loop invariant 0 <= root <= count / 2;
        loop invariant heap(edges, root, count);
        loop invariant \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                       all_edges(edges, 0, count, most);
        loop assigns root, edges[0 .. count - 1];
        loop variant root; */
    for (size_t root = count / 2; root > 0; root--)
        sift_down(edges, root - 1, count);
    /*@ loop invariant 0 <= end <= count && (count > 0 ==> end > 0);
        loop invariant heap: heap(edges, 0, end);
        loop invariant sorted: sorted(edges, end, count);
        loop invariant below: end < count ==> below(edges, end, edges[end].frame);
        loop invariant still_edges: \forall integer most; all_edges{Pre}(edges, 0, count, most) ==>
                       all_edges(edges, 0, end, most) && all_edges(edges, end, count, most);
        loop assigns end, edges[0 .. count - 1];
        loop variant end; */
    for (size_t end = count; end > 1; end--) {
        largest_to_end(edges, end);
        /*@ assert sorted(edges, end, count); */
        /*@ assert end < count ==> edges[end - 1].frame <= edges[end].frame; */
    }
}

/* A descriptor's first edge lies below its second, so no count ever falls below zero. */
/*@ requires \valid(sweep) && \valid_read(descriptor) && \separated(sweep, descriptor);
    assigns sweep->covers[0 .. MEMORY_KIND_COUNT - 1]; */
static void cross_edge(struct sweep *sweep, const struct memory_descriptor *descriptor, bool opens)
{
    struct cover *cover = &sweep->covers[known_kind(descriptor->kind)];
    cover->count = opens ? cover->count + 1 : cover->count - 1;
    uint64_t rest = descriptor->attributes;
    /*@ loop invariant 0 <= bit <= ATTRIBUTE_BITS;
        loop assigns bit, rest, cover->attributes[0 .. ATTRIBUTE_BITS - 1];
        loop variant ATTRIBUTE_BITS - bit; */
    for (unsigned bit = 0; bit < ATTRIBUTE_BITS; bit++) {
        if (rest % 2 == 1)
            cover->attributes[bit] = opens ? cover->attributes[bit] + 1 : cover->attributes[bit] - 1;
        rest /= 2;
    }
}

/*@ requires \valid_read(cover);
    assigns \nothing; */
static uint64_t joined_attributes(const struct cover *cover)
{
    uint64_t joined = 0;
    /*@ loop invariant 0 <= bit <= ATTRIBUTE_BITS;
        loop assigns bit, joined;
        loop variant bit; */
    for (unsigned bit = ATTRIBUTE_BITS; bit > 0; bit--)
        joined = joined * 2 + (cover->attributes[bit - 1] > 0 ? 1 : 0);
    return joined;
}

/*@ predicate not_empty{L}(struct memory_region *regions, integer count, integer position) =
      \forall integer k; 0 <= k < count ==>
        regions[k].start.number < regions[k].end.number <= position &&
        0 <= regions[k].kind < MEMORY_KIND_COUNT;
    predicate one_by_one{L}(struct memory_region *regions, integer count) =
      \forall integer k; 0 < k < count ==> regions[k - 1].end.number <= regions[k].start.number;
    predicate as_few_as_can_be{L}(struct memory_region *regions, integer count) =
      \forall integer k; 0 < k < count ==> regions[k - 1].end.number != regions[k].start.number ||
        regions[k - 1].kind != regions[k].kind || regions[k - 1].attributes != regions[k].attributes;
    predicate an_output{L}(struct output *output) =
      output->count <= output->capacity && \valid(output->regions + (0 .. output->capacity - 1)); */

/* Is the next region of the same sort, and begins where the last one ends? */
/*@ requires \valid_read(last);
    assigns \nothing;
    ensures \result <==> last->end.number == next.start.number && last->kind == next.kind &&
                         last->attributes == next.attributes; */
static bool is_continued(const struct memory_region *last, struct memory_region next)
{
    return last->end.number == next.start.number && last->kind == next.kind &&
           last->attributes == next.attributes;
}

/* Make the last region longer, if this one continues it. False if it does not fit. */
/*@ requires \valid(output) && an_output(output);
    requires \separated(output, output->regions + (0 .. output->capacity - 1));
    requires region.start.number < region.end.number && 0 <= region.kind < MEMORY_KIND_COUNT;
    requires not_empty(output->regions, output->count, region.start.number);
    requires one_by_one(output->regions, output->count) && as_few_as_can_be(output->regions, output->count);
    assigns output->count, output->regions[0 .. output->capacity - 1];
    ensures one_at_most: \old(output->count) <= output->count <= \old(output->count) + 1;
    ensures fits: !\result ==> output->count == output->capacity == \old(output->count);
    ensures an_output(output);
    ensures not_empty: not_empty(output->regions, output->count, region.end.number);
    ensures one_by_one: one_by_one(output->regions, output->count);
    ensures few: as_few_as_can_be(output->regions, output->count); */
static bool append(struct output *output, struct memory_region region)
{
    if (output->count > 0 && is_continued(&output->regions[output->count - 1], region)) {
        output->regions[output->count - 1].end.number = region.end.number;
        return true;
    }
    if (output->count == output->capacity)
        return false;
    output->regions[output->count] = region;
    /*@ assert as_few_as_can_be(output->regions, output->count); */
    /*@ assert as_few_as_can_be(output->regions, output->count + 1); */
    output->count++;
    return true;
}

/* Append what holds between two edges, if anything does. False if it does not fit. */
/*@ requires \valid_read(sweep) && \valid(output) && an_output(output) && start <= end;
    requires \separated(sweep, output, output->regions + (0 .. output->capacity - 1));
    requires not_empty(output->regions, output->count, start);
    requires one_by_one(output->regions, output->count) && as_few_as_can_be(output->regions, output->count);
    assigns output->count, output->regions[0 .. output->capacity - 1];
    ensures one_at_most: \old(output->count) <= output->count <= \old(output->count) + 1;
    ensures fits: !\result ==> output->count == output->capacity == \old(output->count);
    ensures an_output(output);
    ensures not_empty: not_empty(output->regions, output->count, end);
    ensures one_by_one: one_by_one(output->regions, output->count);
    ensures few: as_few_as_can_be(output->regions, output->count); */
static bool emit(const struct sweep *sweep, uint64_t start, uint64_t end, struct output *output)
{
    unsigned kind = MEMORY_KIND_COUNT;
    /*@ loop invariant 0 <= kind <= MEMORY_KIND_COUNT;
        loop invariant \forall integer k; kind <= k < MEMORY_KIND_COUNT ==> sweep->covers[k].count == 0;
        loop assigns kind;
        loop variant kind; */
    while (kind > 0 && sweep->covers[kind - 1].count == 0)
        kind--;
    if (kind == 0 || start == end)
        return true;
    struct memory_region region = {.start = {start},
                                   .end = {end},
                                   .attributes = joined_attributes(&sweep->covers[kind - 1]),
                                   .kind = (enum memory_kind)(kind - 1)};
    return append(output, region);
}

/*@ predicate has_descriptors{L}(struct memory_descriptor *descriptors, struct memory_edge *edges,
                                 integer count) =
      \forall integer k; 0 <= k < count ==> \valid_read(descriptors + edges[k].descriptor);
    predicate not_too_high{L}(struct memory_edge *edges, integer count) =
      \forall integer k; 0 <= k < count ==> edges[k].frame <= MOST_FRAMES;
    predicate same_frames{L1, L2}(struct memory_edge *edges, integer count) =
      \forall integer k; 0 <= k < count ==> \at(edges[k].frame, L1) == \at(edges[k].frame, L2); */

/* From the first edge to the last. False if the regions do not fit. */
/*@ requires \valid_read(edges + (0 .. edge_count - 1)) && \valid(sweep);
    requires \valid(output) && an_output(output);
    requires has_descriptors(descriptors, edges, edge_count);
    requires not_too_high(edges, edge_count) && sorted(edges, 0, edge_count);
    requires \separated(sweep, output, edges + (0 .. edge_count - 1),
                        output->regions + (0 .. output->capacity - 1));
    requires \forall integer k; 0 <= k < edge_count ==> \separated(descriptors + edges[k].descriptor, sweep);
    requires output->count == 0;
    assigns *sweep, output->count, output->regions[0 .. output->capacity - 1];
    ensures not_empty: not_empty(output->regions, output->count, MOST_FRAMES);
    ensures one_by_one: one_by_one(output->regions, output->count);
    ensures few: as_few_as_can_be(output->regions, output->count);
    ensures an_output(output) && output->count <= edge_count;
    ensures fits: !\result ==> output->count == output->capacity && output->count < edge_count; */
static bool sweep_edges(const struct memory_descriptor *descriptors, const struct memory_edge *edges,
                        size_t edge_count, struct sweep *sweep, struct output *output)
{
    /*@ loop invariant 0 <= i <= edge_count;
        loop invariant apart: \forall integer k; 0 <= k < edge_count ==>
          \separated(edges + k, sweep, output, output->regions + (0 .. output->capacity - 1));
        loop invariant kept: has_descriptors(descriptors, edges, edge_count);
        loop invariant same_frames: same_frames{Pre, Here}(edges, edge_count);
        loop invariant same_place: output->regions == \at(output->regions, Pre) &&
                                   output->capacity == \at(output->capacity, Pre);
        loop invariant an_output(output) && output->count <= i;
        loop invariant not_empty: not_empty(output->regions, output->count,
          i < edge_count ? edges[i].frame : MOST_FRAMES);
        loop invariant one_by_one: one_by_one(output->regions, output->count);
        loop invariant few: as_few_as_can_be(output->regions, output->count);
        loop assigns i, *sweep, output->count,
                     \at(output->regions, Pre)[0 .. \at(output->capacity, Pre) - 1];
        loop variant edge_count - i; */
    for (size_t i = 0; i < edge_count; i++) {
        uint64_t next = i + 1 < edge_count ? edges[i + 1].frame : edges[i].frame;
        /*@ assert edges[i].frame <= next <= MOST_FRAMES; */
        cross_edge(sweep, &descriptors[edges[i].descriptor], edges[i].opens == 1);
        /*@ assert has_descriptors(descriptors, edges, edge_count); */
        /*@ assert same_frames{Pre, Here}(edges, edge_count); */
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
    /*@ assert \forall integer k; 0 <= k < capacity ==> \separated(region_count, regions + k); */
    *region_count = output.count;
    /*@ assert not_empty(regions, output.count, MOST_FRAMES); */
    /*@ assert one_by_one(regions, output.count); */
    /*@ assert as_few_as_can_be(regions, output.count); */
    return MEMORY_MAP_OK;
}

const char *memory_kind_name(enum memory_kind kind)
{
    static const char *const names[MEMORY_KIND_COUNT] = {
        [MEMORY_CONVENTIONAL] = "conventional",
        [MEMORY_BOOT] = "boot",
        [MEMORY_LOADER] = "loader",
        [MEMORY_ACPI_RECLAIM] = "acpi reclaim",
        [MEMORY_PERSISTENT] = "persistent",
        [MEMORY_ACPI_NVS] = "acpi nvs",
        [MEMORY_RUNTIME_DATA] = "runtime data",
        [MEMORY_RUNTIME_CODE] = "runtime code",
        [MEMORY_MMIO] = "mmio",
        [MEMORY_UNACCEPTED] = "unaccepted",
        [MEMORY_RESERVED] = "reserved",
        [MEMORY_BAD] = "bad",
    };
    return (unsigned)kind < MEMORY_KIND_COUNT ? names[kind] : "unknown";
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
