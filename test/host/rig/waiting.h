/* SPDX-License-Identifier: MIT */
/*
 * waiting.h - what waits for the end of a gather: a map of its own, beside that of what is mapped.
 *
 * rig_gather.c says what begins to wait, and what ends it. Everything else asks (rig_internal.h).
 */
#ifndef HOST_RIG_WAITING_H
#define HOST_RIG_WAITING_H

#include "rig/model.h"
#include <selfmap/gather.h>

/* Page numbers, half-open. */
struct waiting_range {
    uint64_t at, end;
};

struct waiting {
    bool is_open;         /* there is a gather */
    bool has_changed;     /* rights, since it was carried out */
    bool has_ended_early; /* in the step at hand */
    unsigned pending;     /* pages and windows that must be flushed, at least */
    unsigned count;       /* of ranges that it remembers */
    struct waiting_range ranges[PAGING_GATHER_RANGES];
    struct model leaves; /* that were unmapped, until the flush; and markers, which may take tables */
};

extern struct waiting waiting;

/* A range will wait. If the gather can remember no more of them, it carries out what it has. */
void waiting_add_range(uint64_t start, uint64_t end);

/*
 * A leaf of it waits. Of a marker only its tables do; it gives way if a page has been mapped in its place and
 * goes, too.
 */
void waiting_add(struct model_leaf leaf);

/* Nothing waits any more. */
void waiting_end(void);

/* Judges a call: nothing was flushed, and this many frames were taken, unless there were too many ranges. */
void waiting_judge(int frames);

/* Returns how many pages were flushed, without the scratch page. */
unsigned waiting_count_flushes(void);

#endif
