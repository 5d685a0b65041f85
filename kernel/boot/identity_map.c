/* SPDX-License-Identifier: MIT */
/* identity_map.c - maps a region in one piece, or around what is mapped already. */
#include "boot/identity_map.h"
#include <selfmap/range.h>
#include <selfmap/translate.h>

/*
 * Returns whether the page leads to its own address already. *pages is the number of pages from it on that
 * the same entry is about: a leaf, or the one where the walk stopped.
 */
static bool leads_to_itself(const struct paging_space *space, paging_frame_t frame, uint64_t *pages)
{
    struct paging_walk_result walk = {.level = PAGING_4K};
    paging_virt_t address = {paging_frame_start(frame).value};
    enum paging_status status = paging_walk_address(space, address, &walk);
    uint64_t span = paging_level_pages(walk.level);
    *pages = span - frame.number % span;
    return status == PAGING_OK && paging_leaf_frame(walk.entries[walk.level], walk.level).number ==
                                      frame.number - frame.number % span;
}

/* Returns the number of pages from here on that do not lead to themselves yet. */
static uint64_t pages_to_map(const struct paging_space *space, paging_frame_t at, paging_frame_t end)
{
    uint64_t pages, first = at.number;
    while (at.number < end.number && !leads_to_itself(space, at, &pages))
        at.number += pages < end.number - at.number ? pages : end.number - at.number;
    return at.number - first;
}

enum paging_status identity_map_region(struct paging_space *space, paging_frame_t start, paging_frame_t end,
                                       uint64_t flags, struct paging_frame_source *frames)
{
    uint64_t pages = end.number - start.number;
    enum paging_status status =
        paging_identity_map_range(space, paging_frame_start(start), pages * PAGING_PAGE_BYTES, flags, frames);
    if (status != PAGING_ALREADY_MAPPED)
        return status;
    for (paging_frame_t at = start; at.number < end.number; at.number += pages) {
        if (leads_to_itself(space, at, &pages))
            continue;
        pages = pages_to_map(space, at, end);
        status = paging_identity_map_range(space, paging_frame_start(at), pages * PAGING_PAGE_BYTES, flags,
                                           frames);
        if (status != PAGING_OK)
            return status;
    }
    return PAGING_OK;
}
