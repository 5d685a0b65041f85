/* SPDX-License-Identifier: MIT */
/*
 * image.h - a memory image of the tables, packed. It is a state of the explorer (explore.c).
 *
 * An image has a byte per entry, table after table, in the order in which a walk meets them. It contains all
 * that the core, the processor and the frame source can tell apart. Left out are only the *names* of frames:
 *
 *   - Which frame a table or an owned page has. The core compares frame numbers in one place only: merge
 *     tests whether frames are contiguous. Runs of this source never are (`apart`, machine.h), only parts of
 *     one run can be, and for those the image has the size of the run they came in. Parts of a run are never
 *     moved, so the place of a page says which part it has.
 *   - The order of free frames in the source. It hands out any of them, and the core knows no other.
 *
 * Two images that differ in names only have the same future except for names, so one of them is enough:
 * image_restore hands the frames out anew, lowest first, in the order of the walk. An image does not
 * contain what follows from the rest either: counts, and the flags of entries that point to tables. The rig
 * checks those in full after every operation.
 *
 * Accessed bits are left out for another reason: before every operation the processor has loaded every
 * page, so they are all set. Pages that were never accessed are for the random tests.
 */
#ifndef EXPLORE_IMAGE_H
#define EXPLORE_IMAGE_H

#include "rig/rig.h"

#define IMAGE_BYTES 32u /* entries of all tables, without reserved slots: see image_take */

struct image {
    uint8_t bytes[IMAGE_BYTES];
};

/* A frame that is mapped but not owned has the number of the page, or one more. */
#define MOST_SHIFT 1u

/*
 * Remembers what no image contains: the root, and the tables of another space. The space at hand (rig.at)
 * must be empty, and all frames that are out must be single ones.
 */
void image_open(void);

/* Packs the space at hand. Ends the test if an image cannot contain it. */
struct image image_take(void);

/*
 * Makes memory, the frame source, the space and the abstract map those of the image, and empties the TLB. The
 * map is made from the image alone.
 */
void image_restore(const struct image *image);

#endif
