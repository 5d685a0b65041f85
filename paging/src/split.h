/* SPDX-License-Identifier: MIT */
/*
 * split.h - split huge pages, for paging_split and at the two boundaries of a range.
 */
#ifndef PAGING_SRC_SPLIT_H
#define PAGING_SRC_SPLIT_H

#include "cursor.h"
#include "leaf.h"

/* Returns PAGING_MALFORMED if an entry of the range above the P1s is one that the processor would refuse. */
PAGING_MUST_CHECK enum paging_status paging_check_tables(const struct paging_space *space,
                                                         struct page_range range);

/*
 * A huge page that reaches across a boundary of a range, of which only a part is in the range, must be split
 * before that part can change:
 *
 *      |<------------- 1 GiB leaf ------------->|
 *      |                      range ->          |
 *      |  2 MiB leaves  | 4K  |####|  2 MiB ... |
 *
 * `leaf` is the level of that leaf, and it is split down to the level at which a leaf can begin or end at the
 * boundary. Equal levels: nothing is split there.
 */
struct boundary_split {
    unsigned leaf, down_to;
};
struct boundary_splits {
    struct boundary_split start, end;
};

/*
 * Checks the tables of the range, finds what has to be split, and reserves the frames. Without a change,
 * every leaf and every marker that reaches across a boundary is split; with one, only leaves to which it
 * makes a difference. It is decided here, once, because the processor may set accessed and dirty bits
 * before the splits are made.
 */
PAGING_MUST_CHECK enum paging_status paging_find_splits(const struct paging_space *space,
                                                        struct page_range range,
                                                        const struct flag_change *change,
                                                        struct paging_frame_source *frames,
                                                        struct boundary_splits *splits);

/*
 * Makes them, and ends the reservation. PAGING_BROKEN_SOURCE: some are made, which changes no translation.
 */
PAGING_MUST_CHECK enum paging_status paging_make_splits(struct paging_space *space, struct page_range range,
                                                        const struct boundary_splits *splits,
                                                        struct paging_frame_source *frames);

#endif
