/* SPDX-License-Identifier: MIT */
/* console.c - lines on the first serial port, and the end through QEMU's isa-debug-exit. */
#include "boot.h"

enum {
    COM1 = 0x3f8,
    LINE_STATUS = 5,
    TRANSMITTER_EMPTY = 1 << 5,
    DEBUG_EXIT = 0xf4,
    EXIT_PASSED = 0x10, /* QEMU ends with twice this plus one: 33, and 35. A reset would be 0 */
    EXIT_FAILED = 0x11,
};

static unsigned planned, done, failed;

static void out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(in(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY))
            ;
        out(COM1, (uint8_t)*text);
    }
}

static void print_number(uint64_t number, unsigned base)
{
    char digits[21], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    print(at);
}

static _Noreturn void end(uint8_t code)
{
    for (;;)
        out(DEBUG_EXIT, code);
}

void tap_plan(unsigned tests)
{
    planned = tests;
    print("1..");
    print_number(tests, 10);
    print("\n");
}

void tap(bool passed, const char *what)
{
    failed += !passed;
    print(passed ? "ok " : "not ok ");
    print_number(++done, 10);
    print(" ");
    print(what);
    print("\n");
}

_Noreturn void tap_end(void)
{
    end(failed == 0 && done == planned ? EXIT_PASSED : EXIT_FAILED);
}

_Noreturn void bail_out(const char *why, uint64_t number)
{
    print("Bail out! ");
    print(why);
    print(" ");
    print_number(number, 16);
    print("\n");
    end(EXIT_FAILED);
}

void must(enum paging_status status, const char *what)
{
    if (status == PAGING_OK)
        return;
    print("# ");
    print(paging_status_name(status));
    print("\n");
    bail_out(what, status);
}
