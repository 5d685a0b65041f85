/* SPDX-License-Identifier: MIT */
/*
 * strip.h - draws runs of addresses side by side: the picture of memory, and of the address space.
 *
 *      +--------+-----------+--+----+- - -+---------------+
 *      |        |           |##|    |     |  ##########   |  a run is as wide as the logarithm of its size
 *      |########|###########|##|####|. . .|###############|  a hole is narrow whatever its size
 *      +--------+-----------+--+----+- - -+---------------+
 *      0        100000         800000     fffc0000            where runs begin, as far as there is room
 */
#ifndef KERNEL_DISPLAY_STRIP_H
#define KERNEL_DISPLAY_STRIP_H

#include "console/canvas.h"

enum { STRIP_FULL = 4 };

struct strip_run {
    uint64_t start; /* the address of its first byte */
    uint64_t pages; /* of 4 KiB */
    enum canvas_colour colour;
    unsigned char height; /* of STRIP_FULL, from below; 0: a hole */
    bool is_folded;       /* drawn in the same width whatever its size */
};

/* Draws the runs into the area: one row of labels at the bottom, the runs above it. */
void strip_draw(const struct canvas *canvas, struct canvas_area area, const struct strip_run *runs,
                unsigned count);

#endif
