/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: SCRATCH_SLOT must be the index */
#ifdef REJECT
#    define PAGING_SCRATCH_SLOT 513
#else
#    define PAGING_SCRATCH_SLOT 512
#endif
#include <selfmap/space.h>
