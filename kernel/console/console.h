/*
 * console.h - prints to every sink that works: the serial port and the screen.
 */
#ifndef KERNEL_CONSOLE_CONSOLE_H
#define KERNEL_CONSOLE_CONSOLE_H

#include "console/framebuffer.h"
#include <stdbool.h>

/* The sinks that shall be used if the machine has them. */
struct console_options {
    bool serial, screen;
};

/* Starts the sinks that are wanted and present. Text that is printed earlier is lost. */
void console_start(const struct framebuffer *framebuffer, struct console_options wanted);

/* Return whether the sink was started. */
bool console_has_serial(void);
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
