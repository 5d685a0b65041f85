/* SPDX-License-Identifier: MIT */
/* unshare_page.c - a page that is copied on write becomes writable, because its frame is shared no more. */
#include <selfmap/clone.h>

#include "flush.h"

enum paging_status paging_unshare_page(struct paging_space *space, paging_page_t page,
                                       struct paging_frame_source *frames)
{
    const uint64_t change = PAGING_WRITABLE | PAGING_SHARED_FRAME | PAGING_COPY_ON_WRITE;
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    unsigned level = walk.level;
    paging_entry_t leaf = walk.entries[level];
    if ((leaf.bits & PAGING_WRITABLE) != 0)
        return PAGING_OK;
    if ((leaf.bits & change) != (PAGING_SHARED_FRAME | PAGING_COPY_ON_WRITE))
        return PAGING_DENIED;
    if (!frames->is_shared)
        return PAGING_NOT_SUPPORTED;
    if (frames->is_shared(frames, space, (enum paging_size)level, paging_leaf_frame(leaf, level)))
        return PAGING_COPY_NEEDED;
    paging_entry_xor(walk.slots[level], change);
    struct paging_flush_list list;
    flush_begin(&list);
    flush_add_leaf(space, &list, level,
                   (paging_page_t){page.number - page.number % paging_level_pages(level)});
    paging_carry_out(space, &list);
    return PAGING_OK;
}
