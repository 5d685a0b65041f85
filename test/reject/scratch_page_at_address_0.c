/* SPDX-License-Identifier: MIT */
/* The scratch page is reached through a pointer that must not be NULL. expect: must not be 0 */
#ifdef REJECT
#    define PAGING_SCRATCH_SLOT 0
#else
#    define PAGING_RECURSIVE_SLOT 0
#endif
#include <selfmap/space.h>
