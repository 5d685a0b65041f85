/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: must be the index of an entry */
#ifdef REJECT
#    define PAGING_RECURSIVE_SLOT 512
#else
#    define PAGING_RECURSIVE_SLOT 510
#endif
#include <selfmap/space.h>
