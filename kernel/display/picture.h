/* SPDX-License-Identifier: MIT */
/*
 * picture.h - pictures of physical memory and of the address space. Memory regions are sorted and disjoint.
 */
#ifndef KERNEL_DISPLAY_PICTURE_H
#define KERNEL_DISPLAY_PICTURE_H

#include "console/canvas.h"
#include "frames/usable_memory.h"
#include <selfmap/space.h>

/* How many rows of text the two pictures need at least. */
enum { MEMORY_PICTURE_ROWS = 5, SPACE_PICTURE_ROWS = 8 };

/* Draws physical memory by kind: a bar in the order of addresses, and a legend with sizes. */
void picture_of_memory(const struct canvas *canvas, struct canvas_area area,
                       const struct memory_region *regions, size_t count);

/* Looks at the tables of a space. Until the next call, this is what picture_of_space shows. */
void picture_take_space(const struct paging_space *space);

/*
 * Draws the address space as it was looked at last: a bar in the order of addresses, by rights and page size,
 * the slots of the root, and as many runs in words as there is room for.
 */
void picture_of_space(const struct canvas *canvas, struct canvas_area area);

#endif
