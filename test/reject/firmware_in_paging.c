/* paging/ sees no header but its own and the freestanding ones. expect: (No such file|not found) */
#include "paging/mapper.h"
#ifdef REJECT
#    include <stdio.h>
#endif

int attempt(void);

int attempt(void)
{
    return PAGE_SHIFT;
}
