/* SPDX-License-Identifier: MIT */
/*
 * visited.h - the images that were met so far, in this order, and how each was first reached.
 */
#ifndef EXPLORE_VISITED_H
#define EXPLORE_VISITED_H

#include "image.h"

struct visited {
    struct image image;
    uint32_t from; /* the number of the image before the last step; its own for the first one */
    uint16_t step; /* the number of that step, */
    uint16_t left; /* and the frames that the source had left */
};

/* Adds the image if it is new. */
void visited_add(const struct image *image, uint32_t from, unsigned step, unsigned left);
uint32_t visited_count(void);
const struct visited *visited_at(uint32_t number);
void visited_forget(void);

#endif
