/* A frame is no page. expect: (incompatible type|passing) */
#include "paging/mapper.h"

enum paging_status attempt(struct address_space *space, page_t page, frame_t frame,
                           struct frame_source *frames);

enum paging_status attempt(struct address_space *space, page_t page, frame_t frame,
                           struct frame_source *frames)
{
#ifdef REJECT
    return paging_map_to(space, frame, page, 0, frames);
#else
    return paging_map_to(space, page, frame, 0, frames);
#endif
}
