/* SPDX-License-Identifier: MIT */
/* A build for one world has four levels or five. expect: must be 4 or 5 */
#ifdef REJECT
#    define PAGING_ONLY_LEVELS 3
#else
#    define PAGING_ONLY_LEVELS 5
#endif
#include <selfmap/space.h>
