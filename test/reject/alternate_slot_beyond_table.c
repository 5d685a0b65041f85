/* SPDX-License-Identifier: MIT */
/* Reserved root slots are checked when the core is compiled. expect: ALTERNATE_SLOT must be the index */
#ifdef REJECT
#    define PAGING_ALTERNATE_SLOT 513
#else
#    define PAGING_ALTERNATE_SLOT 512
#endif
#include <selfmap/space.h>
