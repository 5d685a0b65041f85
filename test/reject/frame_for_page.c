/* SPDX-License-Identifier: MIT */
/* A frame is not a page. expect: (incompatible type|passing) */
#include <selfmap/map.h>

enum paging_status attempt(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                           struct paging_frame_source *frames);

enum paging_status attempt(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                           struct paging_frame_source *frames)
{
#ifdef REJECT
    return paging_map_to(space, frame, page, 0, frames);
#else
    return paging_map_to(space, page, frame, 0, frames);
#endif
}
