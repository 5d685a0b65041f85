/*
 * space_parts.h - what making one space and making several share.
 *
 * Internal to the core.
 */
#ifndef PAGING_SPACE_PARTS_H
#define PAGING_SPACE_PARTS_H

#include "space.h"

/* From here on the tables are reached so: windows and express way follow from that. */
void set_reach(struct address_space *space, enum paging_reach reach);

/*
 * Make the tables of an empty space whose cpu and reach are set. The root is left within reach of
 * unlinked_open, which the caller ends.
 *
 *   PAGING_NO_FRAMES
 */
MUST_CHECK enum paging_status build_space(struct address_space *space, struct frame_source *frames);

/* One space more, or one less, borrows the upper half of this one. */
void count_borrowers(struct address_space *lender, int change);

#endif
