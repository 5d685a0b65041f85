/* SPDX-License-Identifier: MIT */
/* An operation's status has to be looked at. expect: (unused.result|warn_unused_result) */
#include <selfmap/map.h>

void attempt(struct paging_space *space, paging_page_t page, struct paging_frame_source *frames);

void attempt(struct paging_space *space, paging_page_t page, struct paging_frame_source *frames)
{
#ifdef REJECT
    paging_map(space, page, 0, frames);
#else
    if (paging_map(space, page, 0, frames) != PAGING_OK)
        return;
#endif
}
