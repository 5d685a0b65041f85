/* identity.c - a region, page by page, as large as they come. */
#include "identity.h"
#include "paging/mapper.h"
#include "paging/translate.h"

/* Does the page lead to its own address already? Then *pages tells how many do so by the same leaf. */
static bool leads_to_itself(const struct address_space *space, frame_t frame, uint64_t *pages)
{
    struct paging_translation found;
    virt_addr_t address = {frame_start(frame).value};
    if (paging_translate(space, address, &found) != PAGING_OK || found.address.value != address.value)
        return false;
    *pages = level_pages(found.size) - frame.number % level_pages(found.size);
    return true;
}

static bool fits(const struct address_space *space, frame_t frame, frame_t end, enum page_size size)
{
    uint64_t pages = level_pages(size);
    return frame.number % pages == 0 && end.number - frame.number >= pages &&
           (size != PAGE_1G || space->cpu.has_1g_pages);
}

static enum paging_status map_one(struct address_space *space, frame_t frame, enum page_size size,
                                  uint64_t flags, struct frame_source *frames)
{
    page_t page;
    enum paging_status status =
        page_containing(space->cpu.levels, (virt_addr_t){frame_start(frame).value}, &page);
    return status == PAGING_OK ? paging_map_sized(space, page, frame, size, flags, frames) : status;
}

enum paging_status identity_map_region(struct address_space *space, frame_t start, frame_t end,
                                       uint64_t flags, struct frame_source *frames)
{
    uint64_t pages;
    for (frame_t at = start; at.number < end.number; at.number += pages) {
        if (leads_to_itself(space, at, &pages))
            continue;
        enum paging_status status = PAGING_ALREADY_MAPPED;
        for (unsigned size = PAGE_1G; size >= PAGE_4K && status == PAGING_ALREADY_MAPPED; size--) {
            if (size != PAGE_4K && !fits(space, at, end, (enum page_size)size))
                continue;
            pages = level_pages(size);
            status = map_one(space, at, (enum page_size)size, flags, frames);
        }
        if (status != PAGING_OK)
            return status;
    }
    return PAGING_OK;
}
