/*
 * image.h - a memory image of the tables, packed: what the explorer (explore.c) calls a state.
 *
 * An image has a byte per entry, table after table, in the order in which a walk meets them. It says all that
 * the core, the processor and the frame source can tell apart, and leaves out only the *names* of frames:
 *
 *   - Which frame a table or an owned page has. The core compares frame numbers in one place only: merge asks
 *     whether frames lie side by side. The source hands out runs that never do (`apart` in machine.h), so
 *     that only parts of one run can, and for those the image says so: the size of the run they came in.
 *     Parts of a run are never moved, so the place of a page says which part it has.
 *   - In what order free frames lie in the source. It hands out any of them, and the core knows no other.
 *
 * So two images that differ in names only have the same future, but for names, and one of them will do:
 * image_restore gives the frames out anew, lowest first, in the order of the walk. Likewise an image does not
 * hold what follows from the rest: counts, the flags of entries that point to tables. The rig checks those in
 * full after every operation.
 *
 * Accessed bits are left out for another reason: before every operation the processor has loaded every page there
 * is, so that they are all set. What happens to pages that were never accessed is for the random tests.
 */
#ifndef EXPLORE_IMAGE_H
#define EXPLORE_IMAGE_H

#include "rig/rig.h"

#define IMAGE_BYTES 32u /* entries of all tables, without slots that the core keeps: see image_take */

struct image {
    uint8_t bytes[IMAGE_BYTES];
};

/* Frames that are mapped without being owned are those with the number of the page, or one more. */
#define MOST_SHIFT 1u

/*
 * The space at hand (rig.at) is empty, and all frames that are out are single ones: remembers what no image
 * holds, the root and the tables of another space.
 */
void image_open(void);

/* What the space at hand holds now. Ends the test if that does not fit into an image, or is unknown. */
struct image image_take(void);

/*
 * Make memory, the frame source, the space and the abstract map those of the image, and the TLB empty. The
 * map is read out of the image alone.
 */
void image_restore(const struct image *image);

#endif
