/* SPDX-License-Identifier: MIT */
/*
 * areas.h - addresses that are filled when they are touched: the policy of the page fault handler.
 *
 * An area is a range of pages of one space with a kind and rights. When it is opened it takes only markers; a
 * page fault in it is answered by its kind:
 *
 *   AREA_ON_DEMAND   the page gets a frame of zeroes
 *   AREA_STACK       the same, for the one page below those it has: it grows. The lowest page is its guard
 *   AREA_GUARD       refused
 *
 *     AREA_STACK  start                                        end
 *                 | guard | marker | marker | marker | filled |      a fault in the fourth page: it is filled
 *
 * A space that is cloned (clone.h) goes on with the same areas: areas_inherit. Neither of the two can write
 * to the pages that both have then, and the first write gets a copy: copy-on-write. Who is left over as the
 * only owner of a frame gets the write right back without a copy.
 *
 * All of it calls the public operations of the core. So it is for faults that interrupt none of them: what
 * the core itself touches (spaces, frame source, bookkeeping, structs of the caller's for results) lies in no
 * area, and code that calls the core does not run on a growing stack. One processor, interrupts off while a
 * fault is handled.
 */
#ifndef KERNEL_FAULTS_AREAS_H
#define KERNEL_FAULTS_AREAS_H

#include "console/format.h"
#include "frames/frame_sharing.h"
#include <selfmap/space.h>

enum area_kind { AREA_ON_DEMAND, AREA_STACK, AREA_GUARD };

/* The memory of an area is the caller's, from areas_open to areas_close. */
struct area {
    const char *name;
    enum area_kind kind;
    uint64_t rights;          /* of PAGING_WRITABLE, PAGING_USER and PAGING_NO_EXECUTE */
    paging_page_t start, end; /* half-open */

    /* The rest is written by the functions below. */
    paging_page_t lowest; /* of a stack: the first page that it has; `end` while there is none */
    uint64_t filled;      /* pages that were given a frame of zeroes */
    uint64_t copied;      /* copies made for a write, of pages of any size */
    uint64_t unshared;    /* pages of any size that got the write right back without a copy */
    struct area *next;
};

/* What became of a page fault. */
enum area_answer {
    AREA_FAULT_HANDLED,
    AREA_FAULT_ELSEWHERE,    /* in no area */
    AREA_FAULT_GUARD,        /* in an AREA_GUARD */
    AREA_FAULT_STACK_END,    /* in the guard page of a stack: it is used up */
    AREA_FAULT_BELOW_STACK,  /* not in the next page of a stack */
    AREA_FAULT_FORBIDDEN,    /* the area has not the right */
    AREA_FAULT_ODD_ENTRY,    /* the entry is neither the area's marker nor a page that may be copied */
    AREA_FAULT_NO_FRAME,     /* the frame source has none of the size */
    AREA_FAULT_IN_OPERATION, /* it came while another one was handled, or an operation held frames */
    AREA_ANSWERS
};

/* The areas of one space. */
struct areas {
    struct paging_space *space;
    struct frames_sharing *frames;
    paging_page_t work; /* where frames are filled: WORK_PAGES pages that nothing else uses */
    struct area *first;
    bool is_busy;             /* a fault is being handled */
    enum area_answer answer;  /* of the last fault, */
    const struct area *place; /* and where it was, or NULL */
    struct areas *next;       /* page_faults.h */
};

/* The work pages (work_pages.h): three blocks of 2 MiB. */
#define WORK_PAGES (3 * paging_level_pages(PAGING_2M))

/* The value of all markers that areas take. */
enum { AREA_MARKER = 0xa5ea };

/*
 * Begins without an area. `work` is a multiple of 2 MiB, and the WORK_PAGES pages from there on do not cross
 * a multiple of 1 GiB (PAGING_MISALIGNED). Their tables are taken now, so that no fault has to take them;
 * else statuses as for paging_set_marker.
 */
PAGING_MUST_CHECK enum paging_status areas_init(struct areas *areas, struct paging_space *space,
                                                struct frames_sharing *frames, paging_page_t work);

/* Gives the tables of the work pages back. All areas are closed by then. Statuses: paging_clear_marker. */
PAGING_MUST_CHECK enum paging_status areas_end(struct areas *areas);

/*
 * Opens an area: gives its pages markers. The caller has filled in its first members. Statuses as for
 * paging_set_marker_range: something that is mapped or marked there refuses it, another area too; and
 *
 *   PAGING_EMPTY_RANGE     it has no page, or as a stack only its guard
 *   PAGING_BAD_FLAGS       another right than those named above
 *   PAGING_NOT_SUPPORTED   PAGING_NO_EXECUTE on a processor without it
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status areas_open(struct areas *areas, struct area *area);

/*
 * Closes an area: its pages and markers go, and frames that no other page owns. Statuses as for
 * paging_unmap_range; PAGING_NOT_MAPPED if it is not open.
 */
PAGING_MUST_CHECK enum paging_status areas_close(struct areas *areas, struct area *area);

/*
 * Begins with copies of the areas of `parent`, for a clone of its space (paging_clone_lower_half, with the
 * same source of frames) in which nothing has changed since: markers, pages, and the tables of the work pages
 * are there. From then on the two are independent; each is closed and ended by itself. `copies` has room for
 * as many areas as `parent` has, and they are the caller's, as other areas are. Changes neither space.
 *
 *   PAGING_BAD_PAGE   the work pages or an area of `parent` lie in the upper half: nothing has changed
 */
PAGING_MUST_CHECK enum paging_status areas_inherit(struct areas *areas, struct paging_space *clone,
                                                   const struct areas *parent, struct area *copies);

/*
 * Answers a page fault in the space: `error_code` is PAGING_FAULT_* (selfmap/check_access.h). If it returns
 * AREA_FAULT_HANDLED, the access can be made again. With every other answer nothing has changed. Costs a look
 * at each area, a walk, a frame, and four operations on single pages.
 */
enum area_answer areas_handle_fault(struct areas *areas, paging_virt_t address, uint64_t error_code);

/* Returns the area that the page is in, or NULL. */
struct area *areas_find(const struct areas *areas, paging_page_t page);

/* Writes a line that says why the last fault was refused, if it was in an area: "area: NAME: REASON". */
void areas_explain(const struct areas *areas, struct format_sink *sink);

#endif
