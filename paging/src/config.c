/* SPDX-License-Identifier: MIT */
/* config.c - the configuration that the core was compiled with, as a symbol (config.h). */
#include <selfmap/config.h>

#ifndef PAGING_HEADERS_ONLY
const char PAGING_CONFIG_SYMBOL = 0;
#endif
