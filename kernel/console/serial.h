/*
 * serial.h - prints on the first 16550 serial port, COM1: 115200 baud, 8N1, polled.
 */
#ifndef KERNEL_CONSOLE_SERIAL_H
#define KERNEL_CONSOLE_SERIAL_H

#include <stdbool.h>

/* Returns false, and serial_put does nothing, if no 16550 answers at COM1. */
bool serial_start(void);

/* Sends a character. The port is given up for good when it stops accepting them. */
void serial_put(char c);

#endif
