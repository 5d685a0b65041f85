/* The frame source of the core under test: hostile on purpose, and it counts. */
#include "machine_parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One pool per page size. Frames of the larger sizes lie where the memory is aligned for them. */
struct pool {
    uint64_t first, stride; /* in frames */
    unsigned count, free_count;
    unsigned *free; /* a stack: what came back last goes out first, which is what a stale path needs */
    bool *out;
};

static struct {
    struct frame_source source;
    struct pool pools[PAGE_1G + 1];
    uint64_t out;
    bool limited;
    unsigned left;
    bool promised;    /* reserve has said yes since the last verb began: */
    uint64_t promise; /* so many allocations are sure, and more were not asked for */
    uint8_t *snapshot;
} frames;

static struct pool *pool_with(uint64_t frame)
{
    for (unsigned size = PAGE_4K; size <= PAGE_1G; size++) {
        struct pool *pool = &frames.pools[size];
        if (pool->count && frame >= pool->first && frame < pool->first + pool->count * pool->stride)
            return pool;
    }
    return NULL;
}

static bool reserve(struct frame_source *source, uint64_t count)
{
    (void)source;
    if (count > machine_frames_left())
        return false;
    frames.promised = true;
    frames.promise = count;
    return true;
}

/* A verb that reserves must have reserved all it takes. */
static void use_promise(enum page_size size)
{
    if (!frames.promised || size != PAGE_4K)
        return;
    if (frames.promise == 0)
        fail_msg("a frame is taken beyond those that were reserved");
    frames.promise--;
}

static bool allocate(struct frame_source *source, enum page_size size, frame_t *frame)
{
    struct pool *pool = &frames.pools[size];
    (void)source;
    use_promise(size);
    if (pool->free_count == 0 || (frames.limited && frames.left == 0)) {
        if (frames.promised)
            fail_msg("a reserved frame is not there");
        return false;
    }
    frames.left -= frames.limited;
    unsigned number = pool->free[--pool->free_count];
    pool->out[number] = true;
    frames.out += pool->stride;
    frame->number = pool->first + number * pool->stride;
    machine_fill(frame->number);
    return true;
}

static void release(struct frame_source *source, enum page_size size, frame_t frame)
{
    struct pool *pool = pool_with(frame.number);
    (void)source;
    if (pool != &frames.pools[size] || (frame.number - pool->first) % pool->stride != 0)
        fail_msg("released frame %#lx, which is not the source's", (unsigned long)frame.number);
    unsigned number = (unsigned)((frame.number - pool->first) / pool->stride);
    if (!pool->out[number])
        fail_msg("released frame %#lx twice", (unsigned long)frame.number);
    const struct translation *stale = tlb_leading_to(&machine.tlb, &machine.walker, frame.number);
    if (stale)
        fail_msg("released frame %#lx while %#lx is cached and leads to it", (unsigned long)frame.number,
                 (unsigned long)stale->address);
    if (walk_cache_leads_to(&machine.cache, &machine.walker, frame.number))
        fail_msg("released frame %#lx while a cached path leads through it", (unsigned long)frame.number);
    pool->out[number] = false;
    pool->free[pool->free_count++] = number;
    frames.out -= pool->stride;
    machine_fill(frame.number);
}

static void pool_open(struct pool *pool, uint64_t first, uint64_t stride, unsigned count)
{
    *pool = (struct pool){.first = first, .stride = stride, .count = count, .free_count = count};
    pool->free = calloc(count ? count : 1, sizeof(*pool->free));
    pool->out = calloc(count ? count : 1, sizeof(*pool->out));
    for (unsigned i = 0; i < count; i++)
        pool->free[i] = count - 1 - i;
}

void frames_open(unsigned count)
{
    bool real = PAGING_INDEX_BITS == 9;
    frames.source = (struct frame_source){.reserve = reserve, .allocate = allocate, .release = release};
    pool_open(&frames.pools[PAGE_4K], FIRST_FRAME, 1, count);
    pool_open(&frames.pools[PAGE_2M], level_pages(2) * 8, level_pages(2), real ? 8 : 0);
    pool_open(&frames.pools[PAGE_1G], level_pages(3) * 2, level_pages(3), real ? 1 : 0);
    frames.snapshot = malloc(count * PAGE_BYTES);
    for (unsigned i = 0; i < count; i++)
        machine_fill(FIRST_FRAME + i);
}

void frames_close(void)
{
    for (unsigned size = PAGE_4K; size <= PAGE_1G; size++) {
        free(frames.pools[size].free);
        free(frames.pools[size].out);
    }
    free(frames.snapshot);
    memset(&frames, 0, sizeof(frames));
}

struct frame_source *machine_frames(void)
{
    return &frames.source;
}

void machine_limit_frames(unsigned left)
{
    frames.limited = true;
    frames.left = left;
}

void machine_unlimit_frames(void)
{
    frames.limited = false;
}

void machine_forget_promise(void)
{
    frames.promised = false;
}

unsigned machine_frames_left(void)
{
    unsigned left = frames.pools[PAGE_4K].free_count;
    return frames.limited && frames.left < left ? frames.left : left;
}

unsigned machine_frames_out(void)
{
    return (unsigned)frames.out;
}

bool machine_frame_is_out(uint64_t frame)
{
    const struct pool *pool = pool_with(frame);
    return pool && pool->out[(frame - pool->first) / pool->stride];
}

void machine_snapshot(void)
{
    memcpy(frames.snapshot, machine_frame(FIRST_FRAME), frames.pools[PAGE_4K].count * PAGE_BYTES);
}

bool machine_unchanged(void)
{
    return memcmp(frames.snapshot, machine_frame(FIRST_FRAME), frames.pools[PAGE_4K].count * PAGE_BYTES) == 0;
}
