/* SPDX-License-Identifier: MIT */
/*
 * last_results.h - which lines of the log stand on the dashboard at the end.
 *
 * Statistics and facts stay on the log's pages: on a photo of the dashboard, results say more.
 */
#ifndef KERNEL_DISPLAY_LAST_RESULTS_H
#define KERNEL_DISPLAY_LAST_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Returns whether the line says that a test was skipped. */
bool is_skipped_result(const char *line, size_t length);

/* Returns whether the line is another result, a table's line, or of the summary. */
bool is_other_result(const char *line, size_t length);

#endif
