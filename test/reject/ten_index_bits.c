/* SPDX-License-Identifier: MIT */
/* Nine bits index a table, in tests fewer. expect: must be 1 to 9 */
#ifdef REJECT
#    define PAGING_INDEX_BITS 10
#else
#    define PAGING_INDEX_BITS 8
#endif
#include <selfmap/space.h>
