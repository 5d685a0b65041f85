/*
 * rig_internal.h - how the files of the rig judge an operation. For rig*.c only.
 */
#ifndef HOST_RIG_RIG_INTERNAL_H
#define HOST_RIG_RIG_INTERNAL_H

#include "rig/rig.h"

/* What a call must leave alone when it refuses. */
struct rig_before {
    struct paging_space space;
    unsigned frames;
    unsigned refusals; /* set of statuses that would be right; 0: it must succeed */
};

/* Just before the call. Memory is remembered if it must refuse. */
struct rig_before rig_look_before(unsigned refusals);

/* Is the status right? And if it is a refusal, has nothing changed? */
void rig_judge_status(const struct rig_before *before, enum paging_status status);

/* No byte, frame, flush or number of the space is another. Memory must have been remembered. */
void rig_judge_nothing_changed(const struct rig_before *before, const char *why);

/* No page that was not present needs a flush; only the scratch page may be flushed. */
void rig_judge_map_flushes(void);

#endif
