/* SPDX-License-Identifier: MIT */
/*
 * status.h - what an operation of the core returns.
 *
 * Nothing in paging/ panics or asserts on input: bad input has a status of its own. With any status except
 * PAGING_OK the tables, the frames and the out-parameters are as they were before the call. There are two
 * exceptions: paging_walk_address fills its result also when the walk ends early, because it is wanted most
 * then, and PAGING_BROKEN_SOURCE.
 */
#ifndef SELFMAP_STATUS_H
#define SELFMAP_STATUS_H

#include <selfmap/language.h>

PAGING_BEGIN_C

enum paging_status {
    PAGING_OK,
    PAGING_NOT_CANONICAL,  /* the address lies in the gap between the lower and the upper half */
    PAGING_BAD_PAGE,       /* the page number is too large for the number of levels of the space */
    PAGING_NOT_MAPPED,     /* no entry maps the page: the last one of the walk is all zeroes */
    PAGING_MARKED,         /* the page's entry is a marker: not present, with a value of the caller's */
    PAGING_ALREADY_MAPPED, /* the page, or a smaller page inside it, is mapped */
    PAGING_INSIDE_HUGE,    /* a larger page covers the page */
    PAGING_RESERVED_SLOT,  /* the page lies below a reserved root slot (config.h) */
    PAGING_MISALIGNED,     /* the page or the frame is not aligned to the page size */
    PAGING_FRAME_TOO_HIGH, /* the frame, or its end, lies beyond MAXPHYADDR */
    PAGING_BAD_FLAGS,      /* a flag that is the core's own, or GLOBAL on a page of the lower half */
    PAGING_NOT_SUPPORTED,  /* this processor lacks no-execute, 1 GiB pages, or the number of levels */
    PAGING_NO_FRAMES,      /* the frame source does not have enough frames */
    PAGING_BROKEN_SOURCE,  /* the frame source refused a frame that it had promised (frame_source.h) */
    PAGING_MALFORMED,      /* a table holds an entry that the processor would refuse (reserved bit) */
    PAGING_EMPTY_RANGE,    /* the length is zero */
    PAGING_RANGE_TOO_LONG, /* the range runs into the gap, or past the end of the address space */
    PAGING_NOT_HUGE,       /* the page is a 4 KiB page, which cannot be split */
    PAGING_DENIED,         /* the tables do not grant this access */
    PAGING_ACTIVE,         /* the space is active: CR3 holds its root */
    PAGING_NOT_ACTIVE,     /* the space is not active */
    PAGING_UNREACHABLE,    /* the tables cannot be reached: neither active, nor attached, nor by direct map */
    PAGING_ATTACHED,       /* the space is attached through the alternate slot of the active one */
    PAGING_SLOT_BUSY,      /* another space is attached through the alternate slot */
    PAGING_SHARED,         /* spaces share the upper half, and this one must not change or end it */
    PAGING_BUSY,           /* what a gather has removed waits there for its flush (gather.h) */
    PAGING_UNSORTED,       /* a page of a list is not above the one before it (list.h) */
    PAGING_NO_HOLE,        /* no unused addresses of that length and alignment are left there */
    PAGING_COPY_NEEDED,    /* others own the page's frame, too: to be written it needs a copy (clone.h) */
    PAGING_STATUS_COUNT
};

/* Returns the name as it stands above, in lower case and without the prefix: "not mapped". Never NULL. */
const char *paging_status_name(enum paging_status status);

PAGING_END_C

#endif
