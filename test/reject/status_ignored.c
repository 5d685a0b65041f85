/* A verb's status has to be looked at. expect: (unused.result|warn_unused_result) */
#include "paging/mapper.h"

void attempt(struct address_space *space, page_t page, struct frame_source *frames);

void attempt(struct address_space *space, page_t page, struct frame_source *frames)
{
#ifdef REJECT
    paging_map(space, page, 0, frames);
#else
    if (paging_map(space, page, 0, frames) != PAGING_OK)
        return;
#endif
}
