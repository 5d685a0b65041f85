/* SPDX-License-Identifier: MIT */
/*
 * serial.h - prints on a 16550 serial port: 8 data bits, no parity, 1 stop bit, polled.
 */
#ifndef KERNEL_CONSOLE_SERIAL_H
#define KERNEL_CONSOLE_SERIAL_H

#include "console/uart.h"

/* Returns whether something answers where the port's registers should be. Changes nothing. */
bool serial_answers(const struct uart *uart);

/*
 * Uses the port from now on. Returns NULL, or in words what is wrong with it: then serial_put does nothing.
 * The port is used only after it passed a loopback test.
 */
const char *serial_start(const struct uart *uart);

/* Sends a character. The port is given up for good when it stops accepting them. */
void serial_put(char c);

#endif
