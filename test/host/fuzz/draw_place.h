/* SPDX-License-Identifier: MIT */
/*
 * draw_place.h - where the next operation is: its address and length, or its spaces.
 */
#ifndef HOST_FUZZ_DRAW_PLACE_H
#define HOST_FUZZ_DRAW_PLACE_H

#include "rig/rig.h"

/* A case begins: what was drawn before counts no more. */
void draw_begin(void);

/*
 * Sets address, length, size, physical address and spaces, as far as the operation takes them, and for
 * map_range_alloc the limits of the source. Returns the page where the operation begins.
 */
uint64_t draw_place(struct operation *operation);

/* Returns the number of a side with a space, or without one. */
uint64_t draw_side(bool exists);

/* Returns whether the space has so many leaves that every check is slow. */
bool draw_is_crowded(void);

#endif
