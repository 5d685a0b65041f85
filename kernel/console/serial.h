/*
 * serial.h - the first 16550 serial port, 115200 8N1, polled.
 */
#ifndef KERNEL_CONSOLE_SERIAL_H
#define KERNEL_CONSOLE_SERIAL_H

#include <stdbool.h>

/* False, and serial_put does nothing from then on, if no 16550 answers at COM1. */
bool serial_start(void);
void serial_put(char c);

#endif
