/* SPDX-License-Identifier: MIT */
/* spcr.c - the fields of SPCR, none of which is believed. */
#include "console/spcr.h"

enum { /* offsets in the table */
       TABLE_REVISION = 8,
       INTERFACE_TYPE = 36,
       SPACE = 40, /* a Generic Address Structure (ACPI 6.5, 5.2.3.2) */
       REGISTER_BITS = 41,
       ACCESS_SIZE = 43,
       ADDRESS = 44,
       BAUD_CODE = 58,
       SMALLEST_TABLE = 59,
       CLOCK = 76,        /* Hz, since revision 3; 0: not told */
       PRECISE_BAUD = 80, /* since revision 4; 0: the code is right */
};
enum { SPACE_MEMORY = 0, SPACE_IO = 1 };
enum { TYPE_16550 = 0, TYPE_16450 = 1, TYPE_16550_AS_ADDRESSED = 0x12 };

static uint32_t read32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Returns a field of a later revision, or 0 if this table does not have it. */
static uint32_t later_field(const uint8_t *table, size_t bytes, unsigned revision, size_t offset)
{
    return table[TABLE_REVISION] >= revision && bytes >= offset + 4 ? read32(table + offset) : 0;
}

/* The codes of the field for the speed. Code 0, and those that nobody has defined, leave it as it is. */
static uint32_t baud_of_code(uint8_t code)
{
    static const uint32_t bauds[] = {[3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200};
    return code < sizeof bauds / sizeof bauds[0] ? bauds[code] : 0;
}

/*
 * Sets the divisor. The speed stays as it is if the table says so, if it cannot be made from the clock (by
 * more than 3 percent), or if nobody tells the clock of registers in memory.
 */
static void set_divisor(struct uart *uart, uint32_t baud, uint32_t clock)
{
    if (clock == 0 && !uart->is_mmio)
        clock = UART_STANDARD_CLOCK;
    uint64_t step = 16 * (uint64_t)baud, divisor = baud == 0 ? 0 : (clock + step / 2) / step;
    if (divisor == 0 || divisor > UINT16_MAX)
        return;
    uint64_t made = divisor * step, error = made > clock ? made - clock : clock - made;
    if (error * 100 > 3 * (uint64_t)clock)
        return;
    uart->divisor = (uint16_t)divisor;
    uart->baud = baud;
}

/* Finds how wide the registers are. Returns false if that makes no sense. */
static bool set_geometry(const uint8_t *table, struct uart *uart)
{
    uint8_t bits = table[REGISTER_BITS], access = table[ACCESS_SIZE];
    if (!uart->is_mmio) {
        uart->width = uart->stride = 1;
        return true;
    }
    /* The access size is a code: 1, 2, 3 for 1, 2, 4 bytes; 0 is "undefined". */
    if (access > 3 || (bits != 0 && bits != 8 && bits != 16 && bits != 32))
        return false;
    uint8_t spacing = bits == 0 ? 1 : bits / 8;
    uart->width = access == 0 ? spacing : (uint8_t)(1u << (access - 1));
    uart->stride = spacing > uart->width ? spacing : uart->width;
    return true;
}

static bool check_place(const struct uart *uart, uint64_t limit, struct format_sink *why)
{
    uint64_t end = uart->is_mmio ? limit : 0x10000;
    if (uart->address > end - uart_span(uart))
        return format_refusal(why, "%s %lx is out of reach", uart->is_mmio ? "mmio" : "io", uart->address);
    if (uart->is_mmio && uart->address % uart->width != 0)
        return format_refusal(why, "mmio %lx is not aligned to its accesses", uart->address);
    return true;
}

bool spcr_read(const uint8_t *table, size_t bytes, uint64_t limit, struct uart *uart, struct format_sink *why)
{
    if (bytes < SMALLEST_TABLE)
        return format_refusal(why, "it has %lu bytes", (uint64_t)bytes);
    uint8_t type = table[INTERFACE_TYPE], space = table[SPACE];
    struct uart found = {.name = "spcr",
                         .is_mmio = space == SPACE_MEMORY,
                         .address = read32(table + ADDRESS) | (uint64_t)read32(table + ADDRESS + 4) << 32};
    if (found.address == 0)
        return format_refusal(why, "it says that no port is used");
    if (type != TYPE_16550 && type != TYPE_16450 && type != TYPE_16550_AS_ADDRESSED)
        return format_refusal(why, "its port is of type %x, which is not a 16550", type);
    if (space != SPACE_MEMORY && space != SPACE_IO)
        return format_refusal(why, "its port is in the address space %u", space);
    if (!set_geometry(table, &found))
        return format_refusal(why, "its registers have %u bits and the access size %u", table[REGISTER_BITS],
                              table[ACCESS_SIZE]);
    if (!check_place(&found, limit, why))
        return false;
    uint32_t precise = later_field(table, bytes, 4, PRECISE_BAUD);
    set_divisor(&found, precise ? precise : baud_of_code(table[BAUD_CODE]),
                later_field(table, bytes, 3, CLOCK));
    *uart = found;
    return true;
}
