/* SPDX-License-Identifier: MIT */
/*
 * uart.h - a 16550 serial port: where its registers are, and how fast it sends.
 */
#ifndef KERNEL_CONSOLE_UART_H
#define KERNEL_CONSOLE_UART_H

#include "console/format.h"
#include <stdbool.h>
#include <stdint.h>

enum { UART_REGISTERS = 8, UART_STANDARD_CLOCK = 1843200 /* Hz, of the one on a PC */ };

/* Eight registers of a byte each, at I/O ports or in memory; there they may be wider, and further apart. */
struct uart {
    const char *name; /* com1, com2 or spcr */
    bool is_fixed;    /* the name tells where it is, and how fast */
    bool is_mmio;
    uint8_t width;    /* bytes of an access: 1, 2 or 4; at I/O ports 1 */
    uint8_t stride;   /* bytes from one register to the next; at I/O ports 1 */
    uint16_t divisor; /* of the clock; 0: the speed stays as the firmware set it */
    uint32_t baud;    /* that the divisor means; 0 with a divisor of 0 */
    uint64_t address; /* of the first register; memory is mapped to the same virtual address */
};

/* Returns the number of bytes that the registers take. */
static inline uint64_t uart_span(const struct uart *uart)
{
    return (uint64_t)UART_REGISTERS * uart->stride;
}

/* The options' choice (console=). */
enum serial_choice { SERIAL_AUTO, SERIAL_COM1, SERIAL_COM2, SERIAL_SPCR, SERIAL_OFF };

enum { SERIAL_CANDIDATES = 2 };

/*
 * Lists the ports to try, the first choice first, and returns their number. `spcr` is what the ACPI table
 * SPCR names, or NULL. With SERIAL_AUTO that is tried first, because it has somebody at the other end, and
 * then COM1.
 */
unsigned uart_choose(enum serial_choice choice, const struct uart *spcr,
                     struct uart chosen[SERIAL_CANDIDATES]);

/* Writes where the port is and how fast it sends: "io 2f8 115200", "mmio fe032000 stride 4 as-is". */
void uart_describe_place(const struct uart *uart, struct format_sink *sink);

/* Writes its name, and its place if the name does not tell it: "com1", "spcr io 2f8 115200". */
void uart_describe(const struct uart *uart, struct format_sink *sink);

#endif
