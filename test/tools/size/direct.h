/* SPDX-License-Identifier: MIT */
/* The core for one world, whose size test/tools/size.t measures. */
#define PAGING_ONLY_DIRECT
#define PAGING_ONLY_LEVELS 4
