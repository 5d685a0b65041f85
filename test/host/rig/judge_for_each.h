/* SPDX-License-Identifier: MIT */
/*
 * judge_for_each.h - paging_for_each and paging_count must agree with what the emulated processor finds.
 */
#ifndef HOST_RIG_JUDGE_FOR_EACH_H
#define HOST_RIG_JUDGE_FOR_EACH_H

#include "rig/rig.h"
#include <selfmap/for_each.h>

#define MOST_ENTRIES 8192u

/* All used entries, in order, as the walker finds them: it has no code in common with the core. */
struct met_entry {
    unsigned level;
    uint64_t page, entry;
};

extern struct walked_entries {
    unsigned count;
    struct met_entry entries[MOST_ENTRIES];
    uint64_t tables, shared, markers, malformed, owned, writable_executable, leaves[4],
        tables_of[PAGING_MAX_LEVELS];
} walked;

/*
 * Calls for_each and count on the space at hand, as it is and by direct map: each entry is shown in its
 * place, without gap or overlap. No byte changes, nothing is flushed, and the number of loads is in
 * proportion to the tables, wherever the holes are. Returns the number of calls of the callback.
 */
unsigned judge_all(void);

#endif
