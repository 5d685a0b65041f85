/* SPDX-License-Identifier: MIT */
/* no_devices.c - a machine on which nothing answers at any port, and nothing may be looked for in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/console/mmio.h"
#include "devices/console/ports.h"

uint8_t port_read8(uint16_t port)
{
    (void)port;
    return 0xff;
}

void port_write8(uint16_t port, uint8_t value)
{
    (void)port, (void)value;
}

uint32_t mmio_read32(uint64_t address)
{
    fail_msg("%#lx is read", (unsigned long)address);
    return 0;
}

uint16_t mmio_read16(uint64_t address)
{
    return (uint16_t)mmio_read32(address);
}

uint8_t mmio_read8(uint64_t address)
{
    return (uint8_t)mmio_read32(address);
}

void mmio_write32(uint64_t address, uint32_t value)
{
    fail_msg("%#lx is written, %#x", (unsigned long)address, value);
}

void mmio_write16(uint64_t address, uint16_t value)
{
    mmio_write32(address, value);
}

void mmio_write8(uint64_t address, uint8_t value)
{
    mmio_write32(address, value);
}
