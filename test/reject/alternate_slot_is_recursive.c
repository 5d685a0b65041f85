/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: ALTERNATE_SLOT and .* must differ */
#ifdef REJECT
#    define PAGING_ALTERNATE_SLOT PAGING_RECURSIVE_SLOT
#else
#    define PAGING_RECURSIVE_SLOT 300
#endif
#include <selfmap/space.h>
