/*
 * known.h - the images that were met so far, in the order they were met, and how each was first reached.
 */
#ifndef EXPLORE_KNOWN_H
#define EXPLORE_KNOWN_H

#include "image.h"

struct known {
    struct image image;
    uint32_t from; /* the number of the image before the last step; its own for the first one */
    uint16_t step; /* the number of that step, */
    uint16_t left; /* and the frames that the source had left */
};

/* Remember the image if it is new. */
void known_add(const struct image *image, uint32_t from, unsigned step, unsigned left);
uint32_t known_count(void);
const struct known *known_at(uint32_t number);
void known_forget(void);

#endif
