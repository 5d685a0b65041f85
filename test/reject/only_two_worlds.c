/* SPDX-License-Identifier: MIT */
/* A build is for one world. expect: exclude each other */
#define PAGING_ONLY_RECURSIVE
#ifdef REJECT
#    define PAGING_ONLY_DIRECT
#endif
#include <selfmap/space.h>
