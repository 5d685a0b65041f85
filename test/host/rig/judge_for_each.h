/*
 * judge_for_each.h - is what paging_for_each shows and paging_count counts what the emulated processor finds?
 */
#ifndef HOST_RIG_JUDGE_FOR_EACH_H
#define HOST_RIG_JUDGE_FOR_EACH_H

#include "rig/rig.h"
#include <selfmap/for_each.h>

#define MOST_ENTRIES 8192u

/* All used entries, in order, by the walker: a second enumeration that shares nothing with the core's. */
struct visit_seen {
    unsigned level;
    uint64_t page, entry;
};

extern struct visit_walked {
    unsigned count;
    struct visit_seen entries[MOST_ENTRIES];
    uint64_t tables, shared, markers, malformed, owned, writable_executable, leaves[4],
        tables_of[PAGING_MAX_LEVELS];
} walked;

/*
 * Enumerate, then visit and count, live and by offset: each entry in its place, without gap or overlap. It
 * costs no byte, frame or flush, and loads in proportion to the tables, however the holes lie. Returns how
 * many visits there were.
 */
unsigned judge_all(void);

#endif
