/* SPDX-License-Identifier: MIT */
/*
 * log_page.h - the page that shows the log.
 */
#ifndef KERNEL_DISPLAY_LOG_PAGE_H
#define KERNEL_DISPLAY_LOG_PAGE_H

#include "display/pages.h"

extern const struct display_page log_page __attribute__((visibility("hidden")));

#endif
