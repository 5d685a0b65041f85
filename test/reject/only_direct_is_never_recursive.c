/* SPDX-License-Identifier: MIT */
/* A build that knows no recursive slot cannot be told to use it. expect: paging_mark_active */
#ifdef REJECT
#    define PAGING_ONLY_DIRECT
#endif
#include <selfmap/space.h>

void attempt(struct paging_space *space);

void attempt(struct paging_space *space)
{
    paging_mark_active(space);
}
