/* SPDX-License-Identifier: MIT */
/* Of several processors the core must know which one it runs on. expect: must be defined */
#define PAGING_PROCESSORS 2
#ifndef REJECT
#    define PAGING_PROCESSOR_INDEX() 0
#endif
#include <selfmap/space.h>
