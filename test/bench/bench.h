/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the parts of the benchmark share: the worlds, the works, and the state of one measurement.
 *
 * A *world* is a way to reach the tables and a number of levels. A *work* is a row of the report: something
 * the core does, and the least that anybody would have to do for it (the limit). Both run in the same
 * process, on the same memory, compiled with the same flags.
 */
#ifndef BENCH_H
#define BENCH_H

#include "kernel/frames/frame_sharing.h"
#include "kernel/frames/frames.h"
#include "operations.h"
#include "survey.h"

struct world {
    const char *name;
    enum paging_mode mode;
    unsigned levels;
};

enum side {
    CORE,
    LIMIT,
    LOOP,   /* the harness's own loop, where the harness loops over pages */
    VECTOR, /* the limit once more, as the compiler vectorises it */
    SIDES
};

/* How much of a work is done at once: a number of ranges, or of single pages. */
struct size {
    uint64_t bytes;
    unsigned count;
};

struct bench;
typedef void step_function(struct bench *bench);
typedef void side_function(struct bench *bench, const struct operations *operations);

struct work {
    const char *name;
    const char *title;
    const char *unit;        /* what ns and instructions are counted per */
    struct size full, small; /* small: to count instructions, where size does not matter */
    unsigned most_in_window; /* single pages whose tables a process can show at their window addresses */
    uint64_t start, to;      /* of the first range, virtual and physical */
    uint64_t stride;         /* from one range to the next; 0: side by side */
    enum paging_size leaf;
    bool identity;   /* start is both addresses, in every world */
    bool without_1g; /* on a processor that lacks 1 GiB pages */
    bool random;     /* pages anywhere in 128 TiB */
    bool whole;      /* unmap all ranges in one call, with what lies between them */
    bool once;       /* does not depend on the world */
    bool no_window;  /* not recursively, because a second space would have to be attached */
    bool live;       /* done in the live worlds too: it flushes there, or must cost no more than elsewhere */
    unsigned least_levels;
    unsigned list;         /* pages in a call, where lists are measured */
    unsigned leaves_after; /* per unit */
    step_function *setup;  /* before each run, not measured, always by direct map */
    side_function *sides[SIDES];
    unsigned most_percent;      /* of the limit's time; 0: no target */
    unsigned most_instructions; /* per unit; 0: no target */
};

struct bench {
    const struct world *world;
    const struct work *work;
    struct size size;
    uint64_t units;
    uint64_t start;
    struct paging_space space;
    struct frames frames;
    uint64_t *numbers;    /* pages in random order, or frames: one per unit */
    uint64_t *to;         /* frames to map to: one per unit */
    struct survey survey; /* before or after the work, whichever has more leaves */
    uint64_t after;       /* the signature of what the work leaves */
    unsigned failures;    /* operations that did not answer PAGING_OK */
};

extern const struct world worlds[];
extern const unsigned world_count;
extern const struct work works[];
extern const unsigned work_count;

/* ---- memory.c: frames, tables, windows ----------------------------------------------------------------- */

#define MEMORY_FRAMES ((uint64_t)1 << 19) /* 2 GiB, of which only what is touched is real */

/* Once per process: the memory behind the frames. */
void memory_open(void);

/* All frames free, an empty space, the work's setup done by direct map. Always ends in the same bytes. */
void memory_restart(struct bench *bench);

/* From here on the space is used as its world says. */
void memory_enter_world(struct bench *bench);

/* Show the survey's tables at their window addresses, until the other is called. */
void memory_show(const struct bench *bench, const struct survey *survey);
void memory_hide(void);

/* ---- works.c: what the core does ----------------------------------------------------------------------- */

step_function set_up_ranges, set_up_owned, set_up_translate, set_up_scattered, set_up_free;
step_function set_up_small_frames; /* the source has none larger than 4 KiB */
step_function set_up_allocated;    /* and the ranges are mapped to those */
side_function map_ranges, map_ranges_alloc, unmap_ranges, protect_ranges, split_leaves;
side_function map_pages, map_scattered, unmap_pages, translate_pages; /* with the side's operations */
step_function set_up_dirty;                                           /* every page is */
side_function map_owned_pages, protect_pages, remap_pages, clear_dirty;
step_function set_up_shareable; /* owned pages, in front of whose frames a source counts */
side_function clone_space;
step_function set_up_map_list, set_up_mapped_list;
side_function map_lists, unmap_lists, translate_lists; /* with the side's operations, a list a call */
side_function allocate_frames, free_frames, touch_numbers;

/* ---- limits.c, vector.c: the least that ranges take ---------------------------------------------------- */

side_function limit_map;       /* zero every table, then store every leaf */
side_function limit_map_each;  /* table by table: zero it, store its leaves */
side_function limit_fill;      /* store every leaf; the tables are filled whole */
side_function limit_allocate;  /* zero every table, then take a frame for every leaf and store that */
side_function limit_clear;     /* store a zero per leaf */
side_function limit_give_back; /* the same, and give the leaf's frame back */
side_function limit_protect;   /* load, change, store */
side_function limit_clone;     /* zero a table each; share each frame, change the leaf, store it there too */
side_function vector_map;
side_function vector_clear;
side_function vector_protect;

/* The flags that protect_range sets and clears in the work of that name. */
#define PROTECT_SET   PAGING_NO_EXECUTE
#define PROTECT_CLEAR PAGING_WRITABLE

/* The source in front of the frames, in the work that shares them. */
extern struct frames_sharing bench_sharing;

/* ---- measure.c ----------------------------------------------------------------------------------------- */

/* False if the work did not do what it is for. Says so on stderr. */
bool measure_time(const struct work *work, const struct world *world, unsigned rounds);
bool measure_counts(const struct work *work, const struct world *world);

#endif
