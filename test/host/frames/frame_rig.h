/* SPDX-License-Identifier: MIT */
/*
 * frame_rig.h - one frame allocator to test, and the expectations that the tests share.
 *
 * The bookkeeping memory is filled with junk before the allocator gets it, and is exactly as large as was
 * asked for, so that the sanitizer watches its ends.
 */
#ifndef HOST_FRAMES_FRAME_RIG_H
#define HOST_FRAMES_FRAME_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/frames/usable_frames.h"

#define BLOCK      ((uint64_t)FRAMES_CLUSTER_ITEMS)
#define SUPERBLOCK (BLOCK * FRAMES_CLUSTER_ITEMS)
#define GIB(n)     ((n)*SUPERBLOCK)

extern struct frames frames;
extern uint64_t left_out; /* by the last add_usable */

/* What the bookkeeping memory holds before the allocator gets it. */
enum junk { JUNK_ZERO, JUNK_ONES, JUNK_RANDOM, JUNK_COUNT };

/* The same seed, which must not be 0, gives the same sequence. */
void seed_random(uint64_t seed);
uint64_t random_below(uint64_t bound);

uint64_t pages_of(enum paging_size size);
paging_frame_t frame_at(uint64_t number);
struct memory_region region(uint64_t start, uint64_t end, enum memory_kind kind);

/* Begins an allocator without frames, with this much bookkeeping memory. */
void begin_with(uint64_t bytes, enum junk junk);

/* Calls frames_add_usable. */
enum frames_status add_usable(const struct memory_region *regions, size_t count);
/* Begins one with all that is usable in the map. */
void begin(const struct memory_region *regions, size_t count, enum junk junk);
int end_test(void **state);

void expect_allocate(enum paging_size size, paging_frame_t *frame);
void expect_free(enum paging_size size, paging_frame_t frame);
void expect_none(enum paging_size size);
/* Expect that the call returns this status, and that the number of free frames stays. */
void expect_refused(enum paging_size size, uint64_t number, enum frames_status status);
void expect_no_split(enum paging_size size, uint64_t number, enum frames_status status);
void expect_no_join(enum paging_size size, uint64_t number, enum frames_status status);

/* A test, named by what it shows, and a teardown. */
#define FRAME_TEST(name, function)           \
    {                                        \
        name, function, NULL, end_test, NULL \
    }

#endif
