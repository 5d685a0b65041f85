/*
 * console.h - one way to print, to every sink that works: serial port and screen.
 */
#ifndef KERNEL_CONSOLE_CONSOLE_H
#define KERNEL_CONSOLE_CONSOLE_H

#include "boot/handoff.h"

/* Start what is there and wanted. Printing before this is lost. */
void console_start(const struct framebuffer *framebuffer, const struct options *options);
bool console_has_serial(void);
bool console_has_screen(void);

__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

#endif
