/* SPDX-License-Identifier: MIT */
/*
 * gather.h - the flushes of many calls, carried out as one.
 *
 *     struct paging_gather gather;
 *     status = paging_gather_begin(&gather, space, frames);
 *     ... paging_gather_unmap, paging_gather_unmap_list, paging_gather_unmap_range,
 *         paging_gather_protect_range, any number of them
 *     paging_gather_end(&gather);
 *
 * Each call is checked, all or nothing, and old or new at every store, like the operation that it is named
 * after. Only its flushes wait: the gather appends them to its list (flush_list.h) and carries that out at
 * the end, or earlier:
 *
 *   - The gather remembers PAGING_GATHER_RANGES ranges that wait: those next to each other, or with only
 *     pages of one P1 between them, as one. With more of them, it carries out what it has so far, and goes
 *     on, also in the middle of a list.
 *   - An operation outside the gather that removes or moves a range, or removes a list or a table, carries it
 *     out first.
 *
 * Until then, the processor may still use what was there before. Frames and tables stay with the core, and
 * what was unmapped is detached: it translates nothing, but its entries still name what will be given back,
 * so the gather needs no other memory. Whoever wants a page that waits, or one below a table that does, gets
 * PAGING_BUSY, and nothing has changed: operations that map, unmap or translate one page or list, and
 * paging_map_range. For a page fault handler such a page is not mapped; between two calls of the gather the
 * handler may fill and copy other pages. Ranges that are unmapped, protected or merged pass over what waits.
 * Mapping flushes nothing, so a gather has no calls for it: elsewhere pages, lists and ranges are mapped as
 * without one.
 *
 * A space has one gather at a time. While it has one, it is neither attached, detached, shared, unshared,
 * switched to or from, nor destroyed: each of these answers PAGING_BUSY. Before paging_mark_active and
 * paging_mark_inactive the gather must have ended. Neither its struct nor the space may be moved.
 */
#ifndef SELFMAP_GATHER_H
#define SELFMAP_GATHER_H

#include <selfmap/flush_list.h>
#include <selfmap/map.h>

PAGING_BEGIN_C

#define PAGING_GATHER_RANGES 8u

/* All of it is the core's to write. */
struct paging_gather {
    struct paging_space *space;
    struct paging_frame_source *frames;
    void (*finish)(struct paging_gather *gather); /* who never begins one does not link this code */
    struct paging_flush_list list;
    unsigned count; /* of ranges that wait: page numbers, half-open */
    struct {
        uint64_t at, end;
    } ranges[PAGING_GATHER_RANGES];
};

/*
 * Begins a gather. Nothing is flushed or taken.
 *
 *   PAGING_UNREACHABLE   the space cannot be changed now
 *   PAGING_BUSY          the space has a gather that has not ended
 */
PAGING_MUST_CHECK enum paging_status paging_gather_begin(struct paging_gather *gather,
                                                         struct paging_space *space,
                                                         struct paging_frame_source *frames);

/*
 * Removes a leaf, as paging_unmap does, with the same statuses and PAGING_BUSY. `unmapped` must not be NULL;
 * its `released` says that the frame is owned, and will go back.
 */
PAGING_MUST_CHECK enum paging_status paging_gather_unmap(struct paging_gather *gather, paging_page_t page,
                                                         struct paging_unmapped *unmapped);

/*
 * Removes the leaf that begins at each of the `count` pages, as paging_unmap_list does, with the same
 * statuses and PAGING_BUSY. What was removed is stored in `unmapped`, an element for each page, or nowhere if
 * that is NULL.
 */
PAGING_MUST_CHECK enum paging_status paging_gather_unmap_list(struct paging_gather *gather,
                                                              const paging_page_t *pages, uint64_t count,
                                                              struct paging_unmapped *unmapped);

/*
 * Removes whatever is in the range, as paging_unmap_range does, with the same statuses. Huge pages at its
 * ends are split, and that is flushed at once. What waits already is passed over.
 */
PAGING_MUST_CHECK enum paging_status paging_gather_unmap_range(struct paging_gather *gather,
                                                               paging_virt_t start, uint64_t bytes);

/*
 * Changes flags, as paging_protect_range does, with the same statuses. Until the flush the processor may use
 * the old flags or the new ones.
 */
PAGING_MUST_CHECK enum paging_status paging_gather_protect_range(struct paging_gather *gather,
                                                                 paging_virt_t start, uint64_t bytes,
                                                                 uint64_t set, uint64_t clear);

/*
 * Flushes once for all calls since the begin, each page by itself or everything, and gives back frames and
 * tables. Afterwards the struct means nothing.
 */
void paging_gather_end(struct paging_gather *gather);

PAGING_END_C

#endif
