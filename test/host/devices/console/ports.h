/* SPDX-License-Identifier: MIT */
/*
 * ports.h - stands in for kernel/console/ports.h in host tests: the ports of a made-up machine.
 *
 * The build looks for headers here first. A test defines these functions.
 */
#ifndef TEST_HOST_DEVICES_CONSOLE_PORTS_H
#define TEST_HOST_DEVICES_CONSOLE_PORTS_H

#include <stdint.h>

void port_write8(uint16_t port, uint8_t value);
void port_write16(uint16_t port, uint16_t value);
void port_write32(uint16_t port, uint32_t value);
uint8_t port_read8(uint16_t port);
uint32_t port_read32(uint16_t port);

#endif
