/*
 * steps.h - everything that can be done to a space in a toy geometry: every operation with every argument, within
 * a scope. Each is a call of the rig (rig.h), which judges it.
 */
#ifndef EXPLORE_STEPS_H
#define EXPLORE_STEPS_H

#include "rig/rig.h"

/* Which arguments there are. All images that they lead to are finite in number, and often too many. */
struct scope {
    const char *name;
    bool rights;   /* pages are writable or not; they are protected, and written to by the processor */
    bool owned;    /* frames of the source's choosing */
    bool reserved; /* entries of the owner's, and pages that take their place */
    bool shifted;  /* frames of which no larger page can be made */
    bool ranges;   /* the operations of range.h */
    bool foreign;  /* the space is not live, but open through the alternate slot of one that is */
};

enum step_operation {
    STEP_MAP_TO,
    STEP_IDENTITY_MAP,
    STEP_MAP_SIZED,
    STEP_MAP,
    STEP_UNMAP,
    STEP_RESERVE,
    STEP_UNRESERVE,
    STEP_SPLIT,
    STEP_WRITE, /* the processor writes to a page */
    STEP_MAP_RANGE,
    STEP_IDENTITY_MAP_RANGE,
    STEP_MAP_RANGE_ALLOC,
    STEP_UNMAP_RANGE,
    STEP_PROTECT_RANGE,
    STEP_MERGE_RANGE,
    STEP_REOPEN, /* close it, and open it again */
};

struct step {
    enum step_operation operation;
    uint64_t page, pages, frame;
    uint64_t flags, clear; /* for protect: set and clear */
    unsigned size;
    unsigned huge; /* runs larger than PAGING_4K that the source has */
};

/* All steps of the scope. Answers how many. */
unsigned steps_make(const struct scope *scope, unsigned levels);
const struct step *step_at(unsigned number);

/* Do it, from the image that was restored last. What the rig does not like ends the test. */
enum paging_status step_take(const struct step *step);

/* Could another number of frames left in the source make a difference? */
bool step_takes_frames(const struct step *step);

/* As a line of C. */
void step_print(const struct step *step);

#endif
