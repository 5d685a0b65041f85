/* SPDX-License-Identifier: MIT */
/* map_range.h - what the check of a range to map (map_range.c) hands to its filling (fill_range.c). */
#ifndef PAGING_SRC_MAP_RANGE_H
#define PAGING_SRC_MAP_RANGE_H

#include "cursor.h"

/* How a range is mapped: page p to frame p + delta, modulo 2^64, or to frames that the source chooses. */
struct mapping {
    struct paging_space *space;
    struct paging_frame_source *frames;
    uint64_t delta, flags;
    unsigned largest; /* level of the largest leaves that alignments, processor and flags allow */
    unsigned certain; /* of the largest that can be had for certain: the source may lack huge frames */
    bool replace_marker;
    paging_entry_t marker; /* put into each entry instead of a leaf, if it is not unused */
};

/*
 * Maps the range, which is free, with frames that are reserved. PAGING_BROKEN_SOURCE: it is mapped up to
 * where a frame was missing. The caller calls paging_temp_unmap.
 */
PAGING_MUST_CHECK enum paging_status paging_fill_range(const struct mapping *mapping,
                                                       struct page_range range);

#endif
