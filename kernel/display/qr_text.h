/* SPDX-License-Identifier: MIT */
/*
 * qr_text.h - cuts the report into pieces for QR codes.
 *
 * The summary is short, so that any phone reads its code off a photo: the result, what failed, and what
 * machine it was. The whole report takes several codes. Each begins with a line "SELFMAP 2/13"; what follows
 * these lines, in this order, is the report.
 */
#ifndef KERNEL_DISPLAY_QR_TEXT_H
#define KERNEL_DISPLAY_QR_TEXT_H

#include <stddef.h>

enum { QR_SUMMARY_BYTES = 400, QR_PART_BYTES = 1000 };

/* Returns how many bytes of the log are the report: all up to the line that sums it up, or to its end. */
size_t qr_report_bytes(const char *log, size_t bytes);

/* Writes the summary of a report. Returns its length. A line that does not fit is left out. */
size_t qr_summary(const char *report, size_t bytes, char text[QR_SUMMARY_BYTES]);

/* Returns how many parts the report has. */
unsigned qr_part_count(const char *report, size_t bytes);

/* Writes one part, from 1 on. Returns its length; 0 if there is no such part. */
size_t qr_part(const char *report, size_t bytes, unsigned number, char text[QR_PART_BYTES]);

#endif
