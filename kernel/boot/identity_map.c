/* identity_map.c - maps a region in one piece, or around what is mapped already. */
#include "boot/identity_map.h"
#include <selfmap/range.h>
#include <selfmap/translate.h>

/*
 * Returns whether the page leads to its own address already. Then *pages is the number of pages from it on
 * that the same leaf maps.
 */
static bool leads_to_itself(const struct paging_space *space, paging_frame_t frame, uint64_t *pages)
{
    struct paging_translation found;
    paging_virt_t address = {paging_frame_start(frame).value};
    if (paging_translate(space, address, &found) != PAGING_OK || found.address.value != address.value)
        return false;
    *pages = paging_level_pages(found.size) - frame.number % paging_level_pages(found.size);
    return true;
}

/* Returns the number of pages from here on that do not lead to themselves yet. */
static uint64_t pages_to_map(const struct paging_space *space, paging_frame_t at, paging_frame_t end)
{
    uint64_t ignored, first = at.number;
    while (at.number < end.number && !leads_to_itself(space, at, &ignored))
        at.number++;
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
