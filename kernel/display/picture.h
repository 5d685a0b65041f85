/*
 * picture.h - pictures of physical memory and of the address space.
 */
#ifndef KERNEL_DISPLAY_PICTURE_H
#define KERNEL_DISPLAY_PICTURE_H

#include "console/canvas.h"
#include "frames/usable_memory.h"
#include <selfmap/space.h>

struct picture_subject {
    const struct memory_region *memory; /* sorted and disjoint */
    size_t memory_count;
    const struct paging_space *space; /* the active one; NULL: draw it again as it was the last time */
};

/* How many rows of text the two pictures need at least. */
enum { MEMORY_PICTURE_ROWS = 5, SPACE_PICTURE_ROWS = 8 };

/* Draws physical memory by kind: a bar in the order of addresses, and a legend with sizes. */
void picture_of_memory(const struct canvas *canvas, struct canvas_area area,
                       const struct picture_subject *subject);

/*
 * Draws the address space from its tables as they are now: a bar in the order of addresses, by rights and page
 * size, the slots of the root, and as many runs in words as there is room for.
 */
void picture_of_space(const struct canvas *canvas, struct canvas_area area,
                      const struct picture_subject *subject);

#endif
