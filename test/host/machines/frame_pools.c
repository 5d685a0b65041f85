/* SPDX-License-Identifier: MIT */
/* Runs of frames in three sizes. */
#include "machines/frame_pools.h"
#include "machines/machine_internal.h"
#include "machines/memcheck.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One pool per page size. Runs of the larger sizes lie where the memory is aligned for them. */
struct pool {
    uint64_t first, stride; /* in frames */
    unsigned count, free_count;
    uint64_t room;    /* how many there may be in the stack */
    uint64_t *free;   /* a stack: what came back last goes out first, which is what a stale path needs */
    uint64_t *out;    /* how many frames of each run are handed out */
    uint64_t *broken; /* not 0: the run cannot be had, its frames are in the pool of single ones */
};

static struct pool pools[PAGING_1G + 1];
static bool lie_apart;
/*
 * By frame: the size of the run that was handed out and begins there, or 0; and what that run is for. The
 * machine is opened thousands of times: what nobody has written to stays as it is.
 */
static uint8_t held[MEMORY_FRAMES];
static uint8_t uses[MEMORY_FRAMES];
static uint8_t *copy_of_all;
static uint64_t copy_room; /* in frames */

static struct pool *pool_with(uint64_t frame)
{
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        struct pool *pool = &pools[size];
        if (frame >= pool->first && frame < pool->first + pool->count * pool->stride)
            return pool;
    }
    return NULL;
}

unsigned pools_home(uint64_t frame)
{
    const struct pool *pool = pool_with(frame);
    return pool ? (unsigned)(pool - pools) : 0;
}

bool pools_overlap(uint64_t frame, uint64_t count)
{
    bool overlap = false;
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        const struct pool *pool = &pools[size];
        overlap |= frame < pool->first + pool->count * pool->stride && pool->first < frame + count;
    }
    return overlap;
}

static void push(struct pool *pool, uint64_t frame)
{
    pool->free[pool->free_count++] = frame;
}

/* ---- out and back ---- */

unsigned pools_run_at(uint64_t frame)
{
    return frame < MEMORY_FRAMES ? held[frame] : 0;
}

enum paging_frame_use pools_use_at(uint64_t frame)
{
    return (enum paging_frame_use)uses[frame];
}

unsigned pools_left(enum paging_size size)
{
    return pools[size].free_count;
}

uint64_t pools_take(enum paging_frame_use use, enum paging_size size)
{
    struct pool *pool = &pools[size];
    uint64_t frame = pool->free[--pool->free_count];
    struct pool *home = pool_with(frame);
    home->out[(frame - home->first) / home->stride] += paging_level_pages(size);
    held[frame] = (uint8_t)size;
    uses[frame] = (uint8_t)use;
    return frame;
}

/* All frames of a broken run are back among the single ones. */
static void mend(struct pool *pool, uint64_t number)
{
    struct pool *singles = &pools[PAGING_4K];
    uint64_t first = pool->first + number * pool->stride;
    unsigned kept = 0;
    for (unsigned i = 0; i < singles->free_count; i++)
        if (singles->free[i] - first >= pool->stride)
            singles->free[kept++] = singles->free[i];
    singles->free_count = kept;
    singles->room -= pool->stride;
    pool->broken[number] = 0;
    push(pool, first);
}

/* A run goes to its pool when the last piece of it is back. */
static void put_back(uint64_t frame, uint64_t end)
{
    while (frame < end) {
        struct pool *pool = pool_with(frame);
        uint64_t number = (frame - pool->first) / pool->stride;
        uint64_t first = pool->first + number * pool->stride, limit = first + pool->stride;
        bool single = pool->stride == 1 || pool->broken[number];
        limit = single ? frame + 1 : limit < end ? limit : end;
        pool->out[number] -= limit - frame;
        if (single)
            push(&pools[PAGING_4K], frame);
        if (pool->broken[number] && pool->out[number] == 0)
            mend(pool, number);
        else if (!single && pool->out[number] == 0)
            push(pool, first);
        frame = limit;
    }
}

void pools_must_hold(const char *what, enum paging_frame_use use, enum paging_size size, uint64_t frame)
{
    if (frame >= MEMORY_FRAMES || held[frame] != size)
        fail_msg("%s of frame %#lx as a run of size %u, but it was handed out as %u", what,
                 (unsigned long)frame, size, frame < MEMORY_FRAMES ? held[frame] : 0);
    if (uses[frame] != use)
        fail_msg("%s of frame %#lx, which is for a %s", what, (unsigned long)frame,
                 use == PAGING_FRAME_FOR_TABLE ? "page, as a table" : "table, as a page");
}

void pools_give(enum paging_frame_use use, enum paging_size size, uint64_t frame)
{
    pools_must_hold("release", use, size, frame);
    held[frame] = 0;
    put_back(frame, frame + paging_level_pages(size));
}

bool pools_hold(uint64_t frame)
{
    for (unsigned size = PAGING_4K; frame < MEMORY_FRAMES && size <= PAGING_1G; size++)
        if (held[frame & ~(paging_level_pages(size) - 1)] == size)
            return true;
    return false;
}

/* ---- larger and smaller ---- */

void pools_split(enum paging_size size, uint64_t frame)
{
    if (size == PAGING_4K)
        fail_msg("frame %#lx cannot be split further", (unsigned long)frame);
    pools_must_hold("split", PAGING_FRAME_FOR_PAGE, size, frame);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        held[frame + i * paging_level_pages(size - 1)] = (uint8_t)(size - 1);
        uses[frame + i * paging_level_pages(size - 1)] = PAGING_FRAME_FOR_PAGE;
    }
}

void pools_join(enum paging_size size, uint64_t frame)
{
    if (size == PAGING_4K || frame % paging_level_pages(size) != 0)
        fail_msg("no run of size %u begins at frame %#lx", size, (unsigned long)frame);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        pools_must_hold("join", PAGING_FRAME_FOR_PAGE, size - 1, frame + i * paging_level_pages(size - 1));
        held[frame + i * paging_level_pages(size - 1)] = 0;
    }
    held[frame] = (uint8_t)size;
}

void pools_break(void)
{
    for (unsigned size = PAGING_2M; size <= PAGING_1G; size++) {
        struct pool *pool = &pools[size];
        if (pool->free_count == 0)
            continue;
        uint64_t first = pool->free[--pool->free_count];
        pool->broken[(first - pool->first) / pool->stride] = 1;
        pools[PAGING_4K].room += pool->stride;
        pools[PAGING_4K].free = realloc(pools[PAGING_4K].free, pools[PAGING_4K].room * sizeof(*pool->free));
        for (uint64_t frame = first + pool->stride; frame > first; frame--)
            push(&pools[PAGING_4K], frame - 1);
        return;
    }
}

/* ---- the snapshot ---- */

/* Copy frames to the next place in the snapshot, or compare them with it. */
static bool watch(bool copy, uint8_t **place, uint64_t frame, uint64_t count)
{
    size_t bytes = count * PAGING_PAGE_BYTES;
    uint8_t *kept = *place;
    *place += bytes;
    if (copy)
        memcpy(kept, machine_frame(frame), bytes);
    memcheck_look_away();
    bool same = copy || memcmp(kept, machine_frame(frame), bytes) == 0;
    memcheck_look_again();
    memcheck_trust(&same, sizeof(same));
    return same;
}

/* Of a real run the first frame, but all that were made single frames of a 2 MiB run. */
static uint64_t watched_in_run(const struct pool *pool, unsigned number)
{
    bool all =
        PAGING_TABLE_ENTRIES < 512 || (pool->broken[number] && pool->stride == paging_level_pages(PAGING_2M));
    return all ? pool->stride : 1;
}

static uint64_t watched_frames(const struct pool *pool)
{
    uint64_t frames = 0;
    for (unsigned i = 0; i < pool->count; i++)
        frames += watched_in_run(pool, i);
    return frames;
}

static bool watch_all(bool copy)
{
    uint8_t *place = copy_of_all;
    bool same = true;
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        const struct pool *pool = &pools[size];
        if (watched_frames(pool) == pool->count * pool->stride)
            same &= watch(copy, &place, pool->first, pool->count * pool->stride);
        else
            for (unsigned i = 0; i < pool->count; i++)
                same &= watch(copy, &place, pool->first + i * pool->stride, watched_in_run(pool, i));
    }
    return same;
}

void pools_copy(void)
{
    uint64_t frames = 0;
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++)
        frames += watched_frames(&pools[size]);
    if (frames > copy_room) {
        copy_of_all = realloc(copy_of_all, frames * PAGING_PAGE_BYTES);
        copy_room = frames;
    }
    (void)watch_all(true);
}

bool pools_are_unchanged(void)
{
    return watch_all(false);
}

/* ---- open and close ---- */

static void pool_open(struct pool *pool, uint64_t first, uint64_t stride, unsigned count)
{
    *pool = (struct pool){.first = first, .stride = stride, .count = count, .room = count};
    pool->free = calloc(count, sizeof(*pool->free));
    pool->out = calloc(count, sizeof(*pool->out));
    pool->broken = calloc(count, sizeof(*pool->broken));
}

/* Nothing of the pool is handed out any more. What is held lies in runs of which frames are out. */
static void forget_held(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->out[i] > 0)
            memset(held + pool->first + i * pool->stride, 0, pool->stride);
}

void pools_reset(void)
{
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        struct pool *pool = &pools[size];
        forget_held(pool);
        memset(pool->out, 0, pool->count * sizeof(*pool->out));
        memset(pool->broken, 0, pool->count * sizeof(*pool->broken));
        pool->free_count = 0;
        for (uint64_t left = pool->count; left > 0; left--)
            if (!lie_apart || left % 2 == 1)
                push(pool, pool->first + (left - 1) * pool->stride);
    }
}

void pools_open(unsigned singles, unsigned runs_2m, bool apart)
{
    bool real = PAGING_TABLE_ENTRIES == 512;
    uint64_t first_2m = real ? paging_level_pages(2) * 8 : 296, first_1g = SOURCE_FRAMES;
    unsigned count_2m = real ? 8 : 24, count_1g = real ? 3 : PAGING_INDEX_BITS == 1 ? 8 : 6;
    if (runs_2m > 0) { /* near the bottom there is no room for many */
        first_2m = first_1g + count_1g * paging_level_pages(3);
        count_2m = runs_2m;
    }
    if (FIRST_FRAME + singles > first_2m || first_2m + count_2m * paging_level_pages(2) > MEMORY_FRAMES)
        fail_msg("%u frames and %u runs are more than there is room for", singles, count_2m);
    pool_open(&pools[PAGING_4K], FIRST_FRAME, 1, singles);
    pool_open(&pools[PAGING_2M], first_2m, paging_level_pages(2), count_2m);
    pool_open(&pools[PAGING_1G], first_1g, paging_level_pages(3), count_1g);
    lie_apart = apart;
    pools_reset();
}

void pools_close(void)
{
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        if (pools[size].out)
            forget_held(&pools[size]);
        free(pools[size].free);
        free(pools[size].out);
        free(pools[size].broken);
    }
    memset(pools, 0, sizeof(pools));
    free(copy_of_all);
    copy_of_all = NULL;
    copy_room = 0;
}
