/* SPDX-License-Identifier: MIT */
/* The frame source of the core under test: hostile on purpose, and it counts. */
#include "machines/frame_owners.h"
#include "machines/frame_pools.h"
#include "machines/machine_internal.h"
#include "machines/memcheck.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MOST_REQUESTS 4096u

const struct paging_space machine_nobody;

static struct {
    struct paging_frame_source source;
    uint64_t out;
    bool limited, huge_limited, breaks;
    unsigned left, huge_left;
    const struct paging_space *expected; /* whose operation this one must be; NULL for anybody's */
    const struct paging_space *holder;   /* whose reservation is held; NULL for none */
    uint64_t tables, pages;              /* what is left of it */
    bool has_reserved, went_without;     /* since this operation began */
    unsigned request_count;
    struct machine_request requests[MOST_REQUESTS]; /* of larger runs, by this operation */
} frames;

/* Fails the test if an operation names another space than its own. */
static void judge_space(const char *what, const struct paging_space *space)
{
    if (!space || (frames.expected && space != frames.expected) || (frames.holder && space != frames.holder))
        fail_msg("%s for the space %p, expected %p", what, (const void *)space,
                 (const void *)(frames.holder ? frames.holder : frames.expected));
}

static bool reserve(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                    uint64_t pages)
{
    (void)source;
    if (frames.holder || (frames.expected && frames.has_reserved))
        fail_msg("a second reservation");
    judge_space("reserve", space);
    if (tables > machine_frames_left() || pages > machine_frames_left() - tables)
        return false;
    frames.holder = space;
    frames.has_reserved = true;
    frames.tables = tables;
    frames.pages = pages;
    return true;
}

static void unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source;
    if (!frames.holder)
        fail_msg("a reservation is ended, and there is none");
    judge_space("unreserve", space);
    frames.holder = NULL;
}

/*
 * An operation takes only what it has reserved. A larger run counts as its frames: an operation that reserves
 * for the worst case has those to spare, and no others. Without a reservation it may take one frame for a
 * page.
 */
static void use_reservation(const struct paging_space *space, enum paging_frame_use use,
                            enum paging_size size)
{
    uint64_t count = paging_level_pages(size);
    uint64_t *left = use == PAGING_FRAME_FOR_TABLE ? &frames.tables : &frames.pages;
    judge_space("allocate", space);
    if (use == PAGING_FRAME_FOR_TABLE && size != PAGING_4K)
        fail_msg("a table of size %u", size);
    if (!frames.holder) {
        if (use != PAGING_FRAME_FOR_PAGE || size != PAGING_4K || (frames.expected && frames.went_without))
            fail_msg("frames are taken without a reservation");
        frames.went_without = true;
        return;
    }
    if (count > *left)
        fail_msg("%lu frames for %s are taken, of which %lu are reserved", (unsigned long)count,
                 use == PAGING_FRAME_FOR_TABLE ? "tables" : "pages", (unsigned long)*left);
    *left -= count;
}

/* Junk, so that nobody relies on what was there. Of a real huge page the first frame has to do. */
static void fill_run(uint64_t frame, uint64_t count)
{
    for (uint64_t i = 0; i < (PAGING_TABLE_ENTRIES < 512 ? count : 1); i++) {
        machine_fill(frame + i);
        if (machine_frame(frame + i))
            memcheck_forget(machine_frame(frame + i), PAGING_PAGE_BYTES);
    }
}

static bool can_have(enum paging_size size)
{
    if (size == PAGING_4K && frames.breaks && pools_left(PAGING_4K) == 0)
        pools_break();
    if (frames.limited && frames.left < paging_level_pages(size))
        return false;
    if (size != PAGING_4K && frames.huge_limited && frames.huge_left == 0)
        return false;
    return pools_left(size) > 0;
}

static void log_request(enum paging_size size, bool granted, uint64_t frame)
{
    if (frames.request_count == MOST_REQUESTS)
        fail_msg("more than %u requests for larger runs", MOST_REQUESTS);
    frames.requests[frames.request_count++] = (struct machine_request){size, granted, frame};
}

static bool allocate(struct paging_frame_source *source, const struct paging_space *space,
                     enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    uint64_t count = paging_level_pages(size);
    bool can = can_have(size);
    (void)source;
    if (space != &machine_nobody && (can || size == PAGING_4K))
        use_reservation(space, use, size);
    if (!can && size != PAGING_4K)
        log_request(size, false, 0);
    if (!can) {
        if (space != &machine_nobody && frames.holder && size == PAGING_4K)
            fail_msg("a reserved frame is not there");
        return false;
    }
    frames.left -= frames.limited ? (unsigned)count : 0;
    frames.huge_left -= size != PAGING_4K && frames.huge_limited;
    frames.out += count;
    frame->number = pools_take(use, size);
    if (size != PAGING_4K)
        log_request(size, true, frame->number);
    fill_run(frame->number, count);
    return true;
}

/* Takes back a run that nobody owns any more: nothing may lead to it. */
static void take_back(enum paging_frame_use use, enum paging_size size, uint64_t frame)
{
    uint64_t count = paging_level_pages(size);
    pools_must_hold("release", use, size, frame);
    const struct translation *stale = tlb_leading_to(&machine.tlb, &machine.walker, frame, count);
    if (stale)
        fail_msg("released frame %#lx while %#lx is cached and leads to it", (unsigned long)frame,
                 (unsigned long)stale->address);
    if (walk_cache_leads_to(&machine.cache, &machine.walker, frame))
        fail_msg("released frame %#lx while a cached path leads through it", (unsigned long)frame);
    pools_give(use, size, frame);
    fill_run(frame, count);
}

static void release(struct paging_frame_source *source, const struct paging_space *space,
                    enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)source;
    if (space != &machine_nobody)
        judge_space("release", space);
    if (owners_of(frame.number) == 0)
        take_back(use, size, frame.number);
    else if (use == PAGING_FRAME_FOR_TABLE)
        fail_msg("frame %#lx is shared by pages, and released as a table", (unsigned long)frame.number);
    else
        for (uint64_t i = 0; i < paging_level_pages(size); i++)
            if (owners_drop(frame.number + i))
                take_back(use, PAGING_4K, frame.number + i);
    frames.out -= paging_level_pages(size);
}

/* Of a run that is counted frame by frame, there is nothing to note. */
static void split(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame)
{
    (void)source;
    if (space != &machine_nobody)
        judge_space("split", space);
    if (owners_of(frame.number) == 0)
        pools_split(size, frame.number);
}

static void join(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                 paging_frame_t frame)
{
    (void)source;
    if (space != &machine_nobody)
        judge_space("join", space);
    owners_join_parts(size, frame.number);
    pools_join(size, frame.number);
}

static bool share(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame)
{
    (void)source;
    judge_space("share", space);
    if (!owners_add(size, frame.number))
        return false;
    frames.out += paging_level_pages(size);
    return true;
}

static bool is_shared(struct paging_frame_source *source, const struct paging_space *space,
                      enum paging_size size, paging_frame_t frame)
{
    (void)source;
    judge_space("is_shared", space);
    return owners_share(size, frame.number);
}

void frames_open(const struct machine_setup *setup)
{
    unsigned count = setup->frames ? setup->frames : MACHINE_FRAMES;
    frames.source = (struct paging_frame_source){
        .reserve = reserve,
        .unreserve = unreserve,
        .allocate = allocate,
        .release = release,
        .split = split,
        .join = join,
        .share = share,
        .is_shared = is_shared,
    };
    owners_open();
    pools_open(count, setup->runs_2m, setup->apart);
    for (unsigned i = 0; i < count; i++)
        machine_fill(FIRST_FRAME + i);
}

void frames_close(void)
{
    pools_close();
    owners_close();
    memset(&frames, 0, sizeof(frames));
}

struct paging_frame_source *machine_frames(void)
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

void machine_limit_huge(unsigned left)
{
    frames.huge_limited = true;
    frames.huge_left = left;
}

void machine_unlimit_huge(void)
{
    frames.huge_limited = false;
}

void machine_break_huge(void)
{
    frames.breaks = true;
}

void machine_end_operation(void)
{
    if (frames.holder)
        fail_msg("an operation has ended, and its reservation is still held");
    frames.expected = NULL;
}

void machine_begin_operation(const struct paging_space *space)
{
    machine_end_operation();
    frames.expected = space;
    frames.has_reserved = frames.went_without = false;
    frames.request_count = 0;
}

bool machine_holds_reservation(void)
{
    return frames.holder != NULL;
}

bool machine_take(enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    return allocate(&frames.source, &machine_nobody, use, size, frame);
}

void machine_give(enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    release(&frames.source, &machine_nobody, use, size, frame);
}

const struct machine_request *machine_request(unsigned number)
{
    return number < frames.request_count ? &frames.requests[number] : NULL;
}

unsigned machine_runs_left(enum paging_size size)
{
    unsigned left = pools_left(size);
    return frames.huge_limited && frames.huge_left < left ? frames.huge_left : left;
}

unsigned machine_frames_left(void)
{
    uint64_t left = pools_left(PAGING_4K);
    if (frames.breaks)
        left += pools_left(PAGING_2M) * paging_level_pages(PAGING_2M) +
                pools_left(PAGING_1G) * paging_level_pages(PAGING_1G);
    return frames.limited && frames.left < left ? frames.left : (unsigned)left;
}

unsigned machine_frames_out(void)
{
    return (unsigned)frames.out;
}

bool machine_frame_is_out(uint64_t frame)
{
    return pools_hold(frame);
}

bool machine_is_the_sources(uint64_t frame, uint64_t count)
{
    return pools_overlap(frame, count);
}

unsigned machine_home_of(uint64_t frame)
{
    return pools_home(frame);
}

void machine_reset_frames(void)
{
    pools_reset();
    owners_reset();
    frames.out = 0;
    frames.limited = frames.huge_limited = frames.breaks = false;
    frames.holder = NULL;
    machine_begin_operation(NULL);
}

void machine_limit_owners(unsigned most)
{
    owners_limit(most);
}

bool machine_can_share(uint64_t frame)
{
    return owners_have_room(frame);
}

unsigned machine_owners_of(uint64_t frame)
{
    return owners_of(frame);
}

bool machine_is_shared(uint64_t frame, enum paging_size size)
{
    return owners_share(size, frame);
}

unsigned machine_run_at(uint64_t frame)
{
    return pools_run_at(frame);
}

enum paging_frame_use machine_use_at(uint64_t frame)
{
    return pools_use_at(frame);
}

void machine_snapshot(void)
{
    pools_copy();
}

bool machine_unchanged(void)
{
    return pools_are_unchanged();
}
