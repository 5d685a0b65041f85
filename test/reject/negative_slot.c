/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: RECURSIVE_SLOT must be the index */
#ifdef REJECT
#    define PAGING_RECURSIVE_SLOT -1
#else
#    define PAGING_RECURSIVE_SLOT 1
#endif
#include <selfmap/space.h>
