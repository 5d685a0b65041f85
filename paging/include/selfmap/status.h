/*
 * status.h - what an operation of the core answers.
 *
 * There is no panic and no assertion on input inside paging/. Bad input has its own status, and with any
 * status but PAGING_OK the tables, the frames and the out-parameters are as they were before the call. (The
 * path that paging_walk_address fills is the one exception: it is wanted most when the walk ended early.)
 */
#ifndef SELFMAP_STATUS_H
#define SELFMAP_STATUS_H

enum paging_status {
    PAGING_OK,
    PAGING_NOT_CANONICAL,  /* the address is in the gap between the lower and the upper half */
    PAGING_NOT_MAPPED,     /* no entry maps the page; the one where the walk ended is all zeroes */
    PAGING_MARKED,         /* the page is not present, but its entry belongs to the owner of the space */
    PAGING_ALREADY_MAPPED, /* the page, or a smaller page inside it, is mapped */
    PAGING_INSIDE_HUGE,    /* a larger page covers the page */
    PAGING_RESERVED_SLOT,  /* the page lies below a slot of the root that the core keeps for itself */
    PAGING_MISALIGNED,     /* the page or the frame is not aligned to the page size */
    PAGING_FRAME_TOO_HIGH, /* the frame, or its end, lies beyond MAXPHYADDR */
    PAGING_BAD_FLAGS,      /* a flag that is the core's own, or GLOBAL on a page of the lower half */
    PAGING_NOT_SUPPORTED,  /* this processor lacks no-execute, 1 GiB pages, or the number of levels */
    PAGING_NO_FRAMES,      /* the frame source ran dry */
    PAGING_MALFORMED,      /* a table holds an entry that the processor would refuse (reserved bit) */
    PAGING_EMPTY_RANGE,    /* the length is zero */
    PAGING_RANGE_TOO_LONG, /* the range runs into the gap, or past the end of the address space */
    PAGING_NOT_HUGE,       /* a 4 KiB page cannot be split */
    PAGING_DENIED,         /* the tables do not grant this access */
    PAGING_ACTIVE,         /* the space is live */
    PAGING_NOT_ACTIVE,     /* the space is not live */
    PAGING_UNREACHABLE,    /* the space is neither live nor open, and its tables are not reached by offset */
    PAGING_ATTACHED,       /* the space is open through the alternate slot */
    PAGING_SLOT_BUSY,      /* another space is open through the alternate slot */
    PAGING_SHARED,         /* spaces share the upper half: a change of it, or its end, is not for this one */
    PAGING_STATUS_COUNT
};

/* The name as it stands above, without the prefix: "not mapped". Never NULL. */
const char *paging_status_name(enum paging_status status);

#endif
