/* SPDX-License-Identifier: MIT */
/*
 * spcr.h - reads the ACPI table SPCR: the serial port that the firmware's console uses (Microsoft, "Serial
 * Port Console Redirection Table", revisions 1 to 4).
 */
#ifndef KERNEL_CONSOLE_SPCR_H
#define KERNEL_CONSOLE_SPCR_H

#include "console/uart.h"
#include <stddef.h>

/*
 * Reads table[bytes], whose checksum is right. `limit` is the end of the addresses that can be mapped to
 * themselves. Returns false, and puts a sentence into `why`, if it names no port that can be used.
 */
bool spcr_read(const uint8_t *table, size_t bytes, uint64_t limit, struct uart *uart,
               struct format_sink *why);

#endif
