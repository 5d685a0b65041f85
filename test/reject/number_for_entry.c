/* An entry is not any number. expect: (incompatible type|passing) */
#include "paging/access.h"

void attempt(volatile entry_t *slot, frame_t frame);

void attempt(volatile entry_t *slot, frame_t frame)
{
#ifdef REJECT
    entry_store(slot, frame.number);
#else
    entry_store(slot, entry_make(frame, 0));
#endif
}
