/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: SCRATCH_SLOT and .* must differ */
#ifdef REJECT
#    define PAGING_SCRATCH_SLOT PAGING_RECURSIVE_SLOT
#else
#    define PAGING_SCRATCH_SLOT PAGING_TABLE_ENTRIES
#endif
#include <selfmap/space.h>
