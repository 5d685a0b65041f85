/* SPDX-License-Identifier: MIT */
/*
 * bench_run.h - measures what each operation costs on this processor, through the active tables (option
 * bench=yes).
 *
 *   # bench_counter=instructions scale=128
 *   # bench_map_to=calls=4096 pages=4096 instructions=315230 flushes=20 full_flushes=0 tables=10
 *
 * The numbers are totals of all calls. `pages` counts 4 KiB pages (for_each and count: pages of any size;
 * heap_...: blocks, or their pages).
 * Without an instruction counter (cpu/tsc.h) the line says cycles: ticks of the time stamp counter, which
 * vary. An invlpg counts as one instruction, and `rep stosq` as one per word, so flushes are printed as well:
 * of single pages, and of the whole TLB. `tables` is the number taken, or given back if negative. The cost of
 * an empty call in the same loop is subtracted; that of passing arguments, up to eight instructions, is not.
 *
 * There are several rounds. The first one finds the frame allocator in an arbitrary state. The last one is
 * printed, and its instructions must be those of the round before.
 */
#ifndef KERNEL_SELFTEST_BENCH_BENCH_RUN_H
#define KERNEL_SELFTEST_BENCH_BENCH_RUN_H

#include "selftest/selftest.h"

enum {
    BENCH_RANGE_PAGES = 16384, /* 64 MiB */
    BENCH_PAGES = 4096,        /* for operations that take one page at a time */
    BENCH_HUGE_PAGES = 32      /* pages of 2 MiB in 64 MiB */
};

struct bench_run {
    struct paging_space *space;
    struct paging_frame_source *source;
    paging_page_t first; /* of an area that nothing else uses; aligned to 512 GiB */
    paging_virt_t start; /* its address */
    paging_frame_t to;   /* free memory to map, aligned to 2 MiB: BENCH_RANGE_PAGES + 1 frames */
    uint64_t flags;      /* read-only, no-execute if the processor has it */
    struct selftest_run *t;
};

/* Makes call number n of an operation. */
typedef enum paging_status (*bench_call)(const struct bench_run *b, uint64_t n);

/* Makes `calls` calls, each for `pages` pages, and prints what they cost. */
void bench_measure(struct bench_run *b, const char *operation, bench_call call, uint64_t calls,
                   uint64_t pages);

/* Makes `calls` calls without measuring them. */
void bench_do(struct bench_run *b, bench_call call, uint64_t calls);

/* Unmaps BENCH_RANGE_PAGES from b->start on. */
enum paging_status bench_unmap_area(const struct bench_run *b, uint64_t n);

/* Measures some operations and leaves nothing mapped. Lists of groups end with NULL. */
typedef void (*bench_group)(struct bench_run *b);
extern const bench_group bench_page_groups[] __attribute__((visibility("hidden")));
extern const bench_group bench_range_groups[] __attribute__((visibility("hidden")));
extern const bench_group bench_heap_groups[] __attribute__((visibility("hidden")));

#endif
