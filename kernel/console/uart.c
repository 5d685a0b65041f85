/* SPDX-License-Identifier: MIT */
/* uart.c - the two ports that a PC has at fixed places, and which port is tried. */
#include "console/uart.h"

/* 115200 baud. */
static struct uart com(const char *name, uint64_t address)
{
    return (struct uart){.name = name,
                         .is_fixed = true,
                         .width = 1,
                         .stride = 1,
                         .divisor = 1,
                         .baud = UART_STANDARD_CLOCK / 16,
                         .address = address};
}

unsigned uart_choose(enum serial_choice choice, const struct uart *spcr,
                     struct uart chosen[SERIAL_CANDIDATES])
{
    const struct uart com1 = com("com1", 0x3f8), com2 = com("com2", 0x2f8);
    unsigned count = 0;
    if (spcr && (choice == SERIAL_AUTO || choice == SERIAL_SPCR))
        chosen[count++] = *spcr;
    bool is_com1 = count > 0 && !spcr->is_mmio && spcr->address == com1.address;
    if (choice == SERIAL_COM1 || (choice == SERIAL_AUTO && !is_com1))
        chosen[count++] = com1;
    if (choice == SERIAL_COM2)
        chosen[count++] = com2;
    return count;
}

void uart_describe_place(const struct uart *uart, struct format_sink *sink)
{
    format(sink, "%s %lx", uart->is_mmio ? "mmio" : "io", uart->address);
    if (uart->stride != 1)
        format(sink, " stride %u", uart->stride);
    if (uart->divisor != 0)
        format(sink, " %u", uart->baud);
    else
        format(sink, " as-is");
}

void uart_describe(const struct uart *uart, struct format_sink *sink)
{
    format(sink, "%s", uart->name);
    if (uart->is_fixed)
        return;
    format(sink, " ");
    uart_describe_place(uart, sink);
}
