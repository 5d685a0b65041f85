/*
 * space_internal.h - what making one space and making several share.
 *
 * Internal to the core.
 */
#ifndef PAGING_SRC_SPACE_INTERNAL_H
#define PAGING_SRC_SPACE_INTERNAL_H

#include <selfmap/space.h>

/* From here on the tables are reached so: windows and fast path follow from that. */
void paging_set_mode(struct paging_space *space, enum paging_mode reach);

/*
 * Make the tables of an empty space whose cpu and reach are set. The root is left within reach of
 * paging_temp_map, which the caller ends.
 *
 *   PAGING_NO_FRAMES
 */
PAGING_MUST_CHECK enum paging_status paging_build_space(struct paging_space *space,
                                                        struct paging_frame_source *frames);

/* One space more, or one less, borrows the upper half of this one. */
void paging_count_sharers(struct paging_space *lender, int change);

#endif
