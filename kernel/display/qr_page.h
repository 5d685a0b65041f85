/* SPDX-License-Identifier: MIT */
/*
 * qr_page.h - shows the report as QR codes, after the end of the run: the summary, then part by part.
 */
#ifndef KERNEL_DISPLAY_QR_PAGE_H
#define KERNEL_DISPLAY_QR_PAGE_H

#include "display/pages.h"

/* Has a sheet for each code. It takes the report out of the log (console/log.h). */
extern const struct display_page qr_page;

#endif
