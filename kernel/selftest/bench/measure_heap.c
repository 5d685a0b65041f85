/* SPDX-License-Identifier: MIT */
/* measure_heap.c - blocks of the heap, small and large, and how it grows and shrinks. */
#include "heap/heap.h"
#include "selftest/bench/bench_run.h"

enum { BLOCKS = 1024, SMALL_BYTES = 40, MIXED_LIMIT = 1000, LARGE_BYTES = 1 << 20, LARGE_BLOCKS = 16 };

static struct heap heap;
static void *blocks[BLOCKS];

/* A measurement during which something is found is none: the operation counts as failed. */
static void note_finding(void *context, const struct heap_finding *finding)
{
    (void)finding;
    ++*(unsigned *)context;
}

static unsigned findings;

static enum paging_status as_paging_status(enum heap_status status)
{
    return status == HEAP_OK && findings == 0 ? PAGING_OK : PAGING_MALFORMED;
}

static bool begin(struct bench_run *b, bool debug)
{
    const struct heap_setup setup = {.space = b->space,
                                     .frames = b->source,
                                     .start = heap_default_start(b->space->cpu.levels),
                                     .limit = 256 << 20,
                                     .debug = debug,
                                     .found = note_finding,
                                     .context = &findings};
    findings = 0;
    return selftest_check(b->t, heap_create(&heap, &setup) == HEAP_OK, "there is a heap", __FILE__, __LINE__);
}

static void end(struct bench_run *b)
{
    bool sound = heap_check(&heap) == HEAP_OK && heap_destroy(&heap) == HEAP_OK;
    selftest_check(b->t, sound, "the heap is sound, and goes", __FILE__, __LINE__);
}

static enum paging_status allocate_small(const struct bench_run *b, uint64_t n)
{
    (void)b;
    return as_paging_status(heap_allocate(&heap, SMALL_BYTES, &blocks[n]));
}

static enum paging_status allocate_mixed(const struct bench_run *b, uint64_t n)
{
    (void)b;
    return as_paging_status(heap_allocate(&heap, 1 + n * 619 % MIXED_LIMIT, &blocks[n]));
}

static enum paging_status allocate_page(const struct bench_run *b, uint64_t n)
{
    (void)b;
    return as_paging_status(heap_allocate(&heap, PAGING_PAGE_BYTES, &blocks[n]));
}

static enum paging_status allocate_large(const struct bench_run *b, uint64_t n)
{
    (void)b;
    return as_paging_status(heap_allocate(&heap, LARGE_BYTES, &blocks[n]));
}

static enum paging_status free_block(const struct bench_run *b, uint64_t n)
{
    (void)b;
    return as_paging_status(heap_free(&heap, blocks[n]));
}

/* One by one, none beside one that is free already, and then those in between. */
static enum paging_status free_scattered(const struct bench_run *b, uint64_t n)
{
    return free_block(b, n * 2 % BLOCKS + n * 2 / BLOCKS);
}

/* The heap is long enough, and stays so while the last block lives: pages are neither mapped nor unmapped. */
static void without_growing(struct bench_run *b)
{
    void *all = NULL, *last = NULL;
    if (!begin(b, false))
        return;
    bool is_long = heap_allocate(&heap, BLOCKS * (PAGING_PAGE_BYTES + 64), &all) == HEAP_OK &&
                   heap_allocate(&heap, 1, &last) == HEAP_OK && heap_free(&heap, all) == HEAP_OK;
    selftest_check(b->t, is_long, "there is memory for the blocks", __FILE__, __LINE__);
    bench_measure(b, "heap_allocate_small", allocate_small, BLOCKS, 1);
    bench_measure(b, "heap_free_small", free_block, BLOCKS, 1);
    bench_measure(b, "heap_allocate_mixed", allocate_mixed, BLOCKS, 1);
    bench_measure(b, "heap_free_mixed", free_scattered, BLOCKS, 1);
    bench_measure(b, "heap_allocate_page", allocate_page, BLOCKS, 1);
    bench_measure(b, "heap_free_page", free_scattered, BLOCKS, 1);
    end(b);
}

/* Each block is behind the one before, in pages that are mapped for it, and its pages go back with it. */
static void growing(struct bench_run *b)
{
    if (!begin(b, false))
        return;
    bench_measure(b, "heap_grow", allocate_large, LARGE_BLOCKS, LARGE_BYTES / PAGING_PAGE_BYTES);
    for (unsigned i = 0; i < LARGE_BLOCKS / 2; i++) { /* the last first */
        void *block = blocks[i];
        blocks[i] = blocks[LARGE_BLOCKS - 1 - i];
        blocks[LARGE_BLOCKS - 1 - i] = block;
    }
    bench_measure(b, "heap_shrink", free_block, LARGE_BLOCKS, LARGE_BYTES / PAGING_PAGE_BYTES);
    end(b);
}

static void in_debug_mode(struct bench_run *b)
{
    if (!begin(b, true))
        return;
    bench_measure(b, "heap_debug_allocate", allocate_small, BLOCKS, 1);
    bench_measure(b, "heap_debug_free", free_block, BLOCKS, 1);
    end(b);
}

const bench_group bench_heap_groups[] = {without_growing, growing, in_debug_mode, NULL};
