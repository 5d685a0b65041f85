/* SPDX-License-Identifier: MIT */
/* serial.c - a 16550 that is used only after it passed a loopback test. */
#include "console/serial.h"
#include "console/mmio.h"
#include "console/ports.h"

enum { /* registers, and their bits */
       DATA = 0,
       DIVISOR_LOW = 0,
       DIVISOR_HIGH = 1,
       INTERRUPTS = 1,
       FIFO_CONTROL = 2,
       LINE_CONTROL = 3,
       MODEM_CONTROL = 4,
       LINE_STATUS = 5,
       LATCH_DIVISOR = 0x80,
       EIGHT_BITS = 0x03,
       LOOP_BACK = 0x1e,
       READY_AND_OUT = 0x0f,
       TRANSMIT_EMPTY = 0x20,
       TRANSMITTER_IDLE = 0x40,
       DATA_READY = 0x01,
};

static struct uart port;
static bool present;

static uint8_t read_register(const struct uart *uart, unsigned index)
{
    uint64_t address = uart->address + (uint64_t)index * uart->stride;
    if (!uart->is_mmio)
        return port_read8((uint16_t)address);
    if (uart->width == 4)
        return (uint8_t)mmio_read32(address);
    return uart->width == 2 ? (uint8_t)mmio_read16(address) : mmio_read8(address);
}

static void write_register(unsigned index, uint8_t value)
{
    uint64_t address = port.address + (uint64_t)index * port.stride;
    if (!port.is_mmio)
        port_write8((uint16_t)address, value);
    else if (port.width == 4)
        mmio_write32(address, value);
    else if (port.width == 2)
        mmio_write16(address, value);
    else
        mmio_write8(address, value);
}

/* Returns false after a million tries: a port that stops answering must not stop the run. */
static bool wait_for(uint8_t bit)
{
    for (unsigned tries = 0; tries < 1000000; tries++) {
        if (read_register(&port, LINE_STATUS) & bit)
            return true;
        __builtin_ia32_pause();
    }
    return false;
}

static bool echoes(uint8_t byte)
{
    write_register(DATA, byte);
    return wait_for(DATA_READY) && read_register(&port, DATA) == byte;
}

static void set_speed(void)
{
    if (port.divisor == 0)
        return;
    write_register(LINE_CONTROL, LATCH_DIVISOR);
    write_register(DIVISOR_LOW, (uint8_t)port.divisor);
    write_register(DIVISOR_HIGH, (uint8_t)(port.divisor >> 8));
}

bool serial_answers(const struct uart *uart)
{
    /* An absent chip reads as ones. Bit 7 of the interrupt enable register of a present one is zero. */
    return read_register(uart, LINE_STATUS) != 0xff && read_register(uart, INTERRUPTS) != 0xff;
}

const char *serial_start(const struct uart *uart)
{
    port = *uart;
    present = false;
    if (!serial_answers(uart))
        return "no 16550 answers";
    /* Characters of the firmware may still be in the transmitter. */
    (void)wait_for(TRANSMITTER_IDLE);
    write_register(INTERRUPTS, 0);
    set_speed();
    write_register(LINE_CONTROL, EIGHT_BITS);
    write_register(FIFO_CONTROL, 0x07); /* enabled, both directions emptied */
    write_register(MODEM_CONTROL, LOOP_BACK);
    present = echoes(0x53) && echoes(0xac);
    write_register(MODEM_CONTROL, READY_AND_OUT);
    return present ? NULL : "the loopback test failed";
}

void serial_put(char c)
{
    if (!present)
        return;
    present = wait_for(TRANSMIT_EMPTY);
    write_register(DATA, (uint8_t)c);
}
