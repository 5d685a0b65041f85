/* SPDX-License-Identifier: MIT */
/*
 * page_list.h - a list of pages in one number, as an argument of operations.
 *
 *   bits 0 to 53    bit i: the page i steps after the first place is in the list
 *   bits 54 to 59   the step: 2 to the power of this many pages; at most 2^40
 *   bit 62          without the array in which an operation stores what it has found
 *   bit 63          the last page stands in the list twice, so that it is out of order
 */
#ifndef HOST_RIG_PAGE_LIST_H
#define HOST_RIG_PAGE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#define LIST_PLACES     54u
#define LIST_STEP_SHIFT 54u
#define LIST_MOST_SHIFT 40u
#define LIST_NO_ARRAY   ((uint64_t)1 << 62)
#define LIST_TWICE      ((uint64_t)1 << 63)
#define MOST_LISTED     (LIST_PLACES + 1)

/* Pages side by side. */
#define LIST_OF(pages)          (((uint64_t)1 << (pages)) - 1)
/* The same with a step of 2^shift pages. */
#define LIST_EACH(pages, shift) (LIST_OF(pages) | (uint64_t)(shift) << LIST_STEP_SHIFT)

/* Stores how far from the first place each page is. Returns how many there are. */
static inline unsigned list_offsets(uint64_t list, uint64_t offsets[MOST_LISTED])
{
    unsigned count = 0, shift = (unsigned)(list >> LIST_STEP_SHIFT) & 0x3f;
    shift = shift < LIST_MOST_SHIFT ? shift : LIST_MOST_SHIFT;
    for (unsigned i = 0; i < LIST_PLACES; i++)
        if (list >> i & 1)
            offsets[count++] = (uint64_t)i << shift;
    if ((list & LIST_TWICE) != 0 && count > 0) {
        offsets[count] = offsets[count - 1];
        count++;
    }
    return count;
}

#endif
