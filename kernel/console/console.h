/* SPDX-License-Identifier: MIT */
/*
 * console.h - prints to every sink that works: the serial port and the screen.
 */
#ifndef KERNEL_CONSOLE_CONSOLE_H
#define KERNEL_CONSOLE_CONSOLE_H

#include "console/framebuffer.h"
#include "console/uart.h"
#include <stdbool.h>

/*
 * Each starts a sink, which gets what is printed from then on. Of the ports, up to SERIAL_CANDIDATES, the
 * first one that works is used. The framebuffer must be mapped; one that has no room for text is not used.
 */
void console_start_serial(const struct uart *ports, unsigned count);
void console_start_screen(const struct framebuffer *framebuffer);

/* Returns the serial port that is used, or NULL. */
const struct uart *console_serial(void);

/* Returns in words why a port (by its number) was tried in vain, or NULL if it was not. */
const char *console_serial_fault(unsigned index);

/* Returns whether the screen was started. */
bool console_has_screen(void);

/*
 * Sends what is printed from now on to this sink and nowhere else, until it is called with NULL. The report
 * of an exception ends it.
 */
struct format_sink;
void console_divert(struct format_sink *sink);

/* Prints formatted text (format.h lists the conversions). */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

#endif
