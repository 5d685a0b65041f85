/* SPDX-License-Identifier: MIT */
/*
 * runs.h - asserts which page sizes follow each other, as the processor meets them: "4K|2M|1G|2M|4K".
 */
#ifndef HOST_RIG_RUNS_H
#define HOST_RIG_RUNS_H

#include "rig/rig.h"

/* N pages of this size next to each other. Size 0: N times 4 KiB without a page. */
struct page_run {
    unsigned size;
    uint64_t count;
};

/* From the address on there are these runs. One of no pages ends the list. Returns where they end. */
static inline uint64_t assert_runs(uint64_t address, const struct page_run *runs)
{
    for (; runs->count > 0; runs++)
        for (uint64_t i = 0; i < runs->count; i++) {
            struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
            unsigned size = walk.faulted ? 0 : walk.level;
            uint64_t bytes = walker_span(machine_walker(), size ? size : 1);
            if (size != runs->size || address % bytes != 0)
                fail_msg("at %#lx a page of size %u, expected %u", (unsigned long)address, size, runs->size);
            address += bytes;
        }
    return address;
}

#define ASSERT_RUNS(address, ...) assert_runs(address, (const struct page_run[]){__VA_ARGS__, {0, 0}})

#endif
