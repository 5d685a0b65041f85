/* SPDX-License-Identifier: MIT */
/* Counting the owners of frames. */
#include "machines/frame_owners.h"
#include "machines/frame_pools.h"
#include "machines/machine_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
    uint8_t *of; /* by frame */
    unsigned most;
} owners;

void owners_open(void)
{
    owners.of = calloc(MEMORY_FRAMES, sizeof(*owners.of));
    owners.most = UINT8_MAX;
}

void owners_close(void)
{
    free(owners.of);
    memset(&owners, 0, sizeof(owners));
}

void owners_reset(void)
{
    memset(owners.of, 0, MEMORY_FRAMES * sizeof(*owners.of));
    owners.most = UINT8_MAX;
}

void owners_limit(unsigned most)
{
    owners.most = most;
}

unsigned owners_of(uint64_t frame)
{
    return frame < MEMORY_FRAMES ? owners.of[frame] : 0;
}

bool owners_have_room(uint64_t frame)
{
    unsigned pages = owners_of(frame);
    return (pages > 0 ? pages : 1) < owners.most;
}

/* Begins to count: the pools hold single frames in the place of the run. */
static void begin_to_count(enum paging_size size, uint64_t frame)
{
    if (size == PAGING_4K) {
        pools_must_hold("share", PAGING_FRAME_FOR_PAGE, size, frame);
        owners.of[frame] = 1;
        return;
    }
    pools_split(size, frame);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++)
        begin_to_count(size - 1, frame + i * paging_level_pages(size - 1));
}

bool owners_add(enum paging_size size, uint64_t frame)
{
    uint64_t count = paging_level_pages(size);
    bool is_counted = owners_of(frame) > 0;
    for (uint64_t i = 0; i < count; i++) {
        if ((owners_of(frame + i) > 0) != is_counted)
            fail_msg("a run of size %u at frame %#lx is shared, and counted in part", size,
                     (unsigned long)frame);
        if (!owners_have_room(frame + i))
            return false;
    }
    if (!is_counted)
        begin_to_count(size, frame);
    for (uint64_t i = 0; i < count; i++)
        owners.of[frame + i]++;
    return true;
}

bool owners_drop(uint64_t frame)
{
    if (owners_of(frame) == 0)
        fail_msg("frame %#lx of a shared run is released, and not counted", (unsigned long)frame);
    return --owners.of[frame] == 0;
}

bool owners_share(enum paging_size size, uint64_t frame)
{
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        if (owners_of(frame + i) > 1)
            return true;
    return false;
}

void owners_join_parts(enum paging_size size, uint64_t frame)
{
    if (owners_share(size, frame))
        fail_msg("a run of size %u at frame %#lx is joined, and shared", size, (unsigned long)frame);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        uint64_t part = frame + i * paging_level_pages(size - 1);
        if (owners_of(part) == 0)
            continue;
        if (size > PAGING_2M) {
            owners_join_parts(size - 1, part);
            pools_join(size - 1, part);
        }
        owners.of[part] = 0;
    }
}
