/* SPDX-License-Identifier: MIT */
/* serial.c - lines on COM1, whatever has become of the firmware's console. */
#include "kernel/console/format.h"
#include "kernel/console/ports.h"
#include "shim.h"

enum { COM1 = 0x3f8, LINE_STATUS = 5, CAN_TAKE = 0x20 };

void serial_put(char c)
{
    while (!(port_read8(COM1 + LINE_STATUS) & CAN_TAKE))
        ;
    port_write8(COM1, (uint8_t)c);
}

static void put(struct format_sink *sink, char c)
{
    (void)sink;
    serial_put(c);
}

void tell(const char *text, ...)
{
    struct format_sink sink = {put};
    va_list arguments;
    format(&sink, "shim: ");
    va_start(arguments, text);
    format_list(&sink, text, arguments);
    va_end(arguments);
    format(&sink, "\n");
}

/* The harness sees a processor that halts with interrupts off. */
_Noreturn void stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void give_up(const char *text, ...)
{
    struct format_sink sink = {put};
    va_list arguments;
    format(&sink, "\nshim: this case cannot be tried: ");
    va_start(arguments, text);
    format_list(&sink, text, arguments);
    va_end(arguments);
    format(&sink, "\n");
    stop();
}
