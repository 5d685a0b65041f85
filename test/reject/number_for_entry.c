/* SPDX-License-Identifier: MIT */
/* An entry is not any number. expect: (incompatible type|passing) */
#include <selfmap/access.h>

void attempt(volatile paging_entry_t *slot, paging_frame_t frame);

void attempt(volatile paging_entry_t *slot, paging_frame_t frame)
{
#ifdef REJECT
    paging_entry_store(slot, frame.number);
#else
    paging_entry_store(slot, paging_entry_make(frame, 0));
#endif
}
