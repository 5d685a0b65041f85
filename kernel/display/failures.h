/* SPDX-License-Identifier: MIT */
/*
 * failures.h - keeps what failed, and why, in sight.
 *
 * The reasons are lines that a test prints before its result. They are found in the log (console/log.h),
 * where they stay.
 */
#ifndef KERNEL_DISPLAY_FAILURES_H
#define KERNEL_DISPLAY_FAILURES_H

#include "console/canvas.h"

/* Forgets everything; the lines of the next failure begin here. */
void failures_start(void);

/* Says that a test runs now. */
void failures_test(const char *name);

/* Says that a test has given its result: the lines of the next failure begin behind it. */
void failures_result(bool failed, unsigned number, const char *name);

/* Keeps why the run stopped: the exception's name, or a sentence. */
void failures_crash(const char *why);

/* Returns how many rows of text it takes to show everything that is kept, in rows as wide as the area. */
unsigned failures_rows(const struct canvas *canvas, struct canvas_area area);

/* Draws as much as fits into the area, what stopped the run first. */
void failures_draw(const struct canvas *canvas, struct canvas_area area);

#endif
