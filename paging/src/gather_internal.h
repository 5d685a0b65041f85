/* SPDX-License-Identifier: MIT */
/*
 * gather_internal.h - what the operations on ranges and lists do for a gather, and what others must know of
 * one.
 */
#ifndef PAGING_SRC_GATHER_INTERNAL_H
#define PAGING_SRC_GATHER_INTERNAL_H

#include "cursor.h"
#include "flush.h"
#include <selfmap/gather.h>

/*
 * Clears the range, at the highest entries that it empties, and appends what is cached of it to the list.
 * What was present is detached, because others may come before the flush; what is detached already is left
 * alone.
 */
void paging_clear_waiting(const struct paging_space *space, struct page_range range,
                          struct paging_flush_list *list);

/* Gives back what the detached entries of the range name, and makes them unused. */
void paging_sweep_waiting(struct paging_space *space, struct page_range range,
                          struct paging_frame_source *frames);

/* Checks the range, and splits huge pages at its ends: afterwards it can be cleared. */
PAGING_MUST_CHECK enum paging_status paging_prepare_unmap(struct paging_space *space, paging_virt_t start,
                                                          uint64_t bytes, struct paging_frame_source *frames,
                                                          struct page_range *range);

/* Does what paging_protect_range does, except for the flush. */
PAGING_MUST_CHECK enum paging_status paging_protect_into(struct paging_space *space, paging_virt_t start,
                                                         uint64_t bytes, uint64_t set, uint64_t clear,
                                                         struct paging_frame_source *frames,
                                                         struct paging_flush_list *list);

/* The removal of a list of pages that has been checked. */
struct list_removal {
    struct paging_space *space;
    const paging_page_t *pages;
    uint64_t count;
    struct paging_flush_list *list;
    struct paging_unmapped *unmapped; /* one for each page, or NULL */
    bool waits;                       /* for a gather: all that goes is detached */
};

/* Checks what paging_unmap_list refuses. */
PAGING_MUST_CHECK enum paging_status paging_check_unmap_list(const struct paging_space *space,
                                                             const paging_page_t *pages, uint64_t count);

/*
 * Clears page *i of the list and those after it that the same walk serves, and appends what is cached of them
 * to the list of flushes. *i is where the next run begins. Returns whether, after the flush, something has to
 * be freed.
 */
bool paging_take_run(const struct list_removal *removal, uint64_t *i);

/*
 * If the space has a gather, carries out what that has so far, and gives back what waits for it: a table that
 * goes may have entries that wait.
 */
static inline void finish_gather_of(struct paging_space *space)
{
    if (__builtin_expect(space->gather != NULL, 0))
        space->gather->finish(space->gather);
}

#endif
