/*
 * console.h - prints to every sink that works: the serial port and the screen.
 */
#ifndef KERNEL_CONSOLE_CONSOLE_H
#define KERNEL_CONSOLE_CONSOLE_H

#include "console/framebuffer.h"
#include "console/uart.h"
#include <stdbool.h>

/* The sinks that shall be used if the machine has them. */
struct console_options {
    const struct uart *serial; /* the first of these ports that works is used */
    unsigned serial_count;     /* up to SERIAL_CANDIDATES */
    bool screen;
};

/* Starts the sinks that are wanted and present. Text that is printed earlier is lost. */
void console_start(const struct framebuffer *framebuffer, struct console_options wanted);

/* Returns the serial port that is used, or NULL. */
const struct uart *console_serial(void);

/* Returns in words why a port (by its place in the options) was tried in vain, or NULL if it was not. */
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
