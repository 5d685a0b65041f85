/* SPDX-License-Identifier: MIT */
/*
 * steps.h - everything that can be done to a space in a toy geometry: each operation of the table, with every
 * argument, within a scope.
 */
#ifndef EXPLORE_STEPS_H
#define EXPLORE_STEPS_H

#include "rig/rig.h"

/* Which steps there are. All images that they lead to are finite in number, and often too many. */
struct scope {
    const char *name;
    unsigned has; /* EXPLORE_* of operation_table.h */
};

/*
 * Makes all steps of the scope. Returns how many.
 *
 *   EXPLORE_RIGHTS     pages are writable or not; they are protected, and written to by the processor
 *   EXPLORE_OWNED      frames of the source's choosing
 *   EXPLORE_MARKERS    markers, and pages that take their place
 *   EXPLORE_SHIFTED    frames of which no larger page can be made
 *   EXPLORE_RANGES     the operations of range.h
 *   EXPLORE_DIRECT     it lives through a direct map
 *   EXPLORE_CACHING    pages have PAT or not, and that is changed
 *   EXPLORE_ALTERNATE  the space is inactive, and attached to one that is active
 */
unsigned steps_make(const struct scope *scope, unsigned levels);
const struct operation *step_at(unsigned number);

#endif
