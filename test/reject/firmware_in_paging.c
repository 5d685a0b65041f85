/* SPDX-License-Identifier: MIT */
/* paging/ sees no header but its own and the freestanding ones. expect: (No such file|not found) */
#include <selfmap/map.h>
#ifdef REJECT
#    include <stdio.h>
#endif

int attempt(void);

int attempt(void)
{
    return PAGING_PAGE_SHIFT;
}
