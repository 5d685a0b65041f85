/* SPDX-License-Identifier: MIT */
/* One processor at least. expect: at least 1 */
#ifdef REJECT
#    define PAGING_PROCESSORS 0
#endif
#include <selfmap/space.h>
