/*
 * bench.h - what each operation costs on this processor, through the live tables (option bench=yes).
 *
 *   # bench_counter=instructions scale=128
 *   # bench_map_to=calls=4096 pages=4096 instructions=315230 flushes=20 full_flushes=0 tables=10
 *
 * The numbers are totals of all calls; pages are the 4 KiB pages concerned (walk and count: pages of any
 * size). Without an instruction counter (tsc.h) they say cycles instead: ticks of the time stamp counter,
 * which vary. An instruction count prices an invlpg at one, and `rep stosq` at one for each word, so the
 * flushes stand beside it: single pages, and the whole TLB. Tables are those taken, or given back if
 * negative. What an empty call in the same loop costs is taken off; the arguments of a call, up to eight
 * instructions, remain.
 *
 * All is measured in rounds. The first finds the frame allocator as it happens to be; the last one is
 * printed, and its instructions must be those of the round before.
 */
#ifndef KERNEL_SELFTEST_BENCH_BENCH_H
#define KERNEL_SELFTEST_BENCH_BENCH_H

#include "selftest/selftest.h"

enum {
    BENCH_RANGE_PAGES = 16384, /* 64 MiB */
    BENCH_PAGES = 4096,        /* for operations that take one page at a time */
    BENCH_HUGE_PAGES = 32      /* of 2 MiB, in 64 MiB */
};

struct bench {
    struct paging_space *space;
    struct paging_frame_source *source;
    paging_page_t first; /* of a part of the address space that nothing else uses; aligned to 512 GiB */
    paging_virt_t start; /* the same, as an address */
    paging_frame_t to;   /* free memory to map: BENCH_RANGE_PAGES + 1 frames, by 2 MiB; never touched */
    uint64_t flags;      /* to map it with: read-only, no-execute if the processor has it */
    struct selftest_run *t;
};

/* Call number n of an operation. */
typedef enum paging_status (*bench_call)(const struct bench *b, uint64_t n);

/* Make so many calls, each of which changes or looks at so many pages, and print what that cost. */
void bench_measure(struct bench *b, const char *operation, bench_call call, uint64_t calls, uint64_t pages);

/* Make so many calls that are not measured. */
void bench_do(struct bench *b, bench_call call, uint64_t calls);

/* Unmap BENCH_RANGE_PAGES from b->start on, whatever is there: sparse pages lie further away. */
enum paging_status bench_unmap_area(const struct bench *b, uint64_t n);

/* Each measures a few operations and leaves nothing mapped. Lists end with NULL. */
typedef void (*bench_group)(struct bench *b);
extern const bench_group bench_page_groups[] __attribute__((visibility("hidden")));
extern const bench_group bench_range_groups[] __attribute__((visibility("hidden")));

#endif
