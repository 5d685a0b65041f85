/* SPDX-License-Identifier: MIT */
/*
 * mmio.h - stands in for kernel/console/mmio.h in host tests: the registers of a made-up machine.
 *
 * The build looks for headers here first. A test defines these functions.
 */
#ifndef TEST_HOST_DEVICES_CONSOLE_MMIO_H
#define TEST_HOST_DEVICES_CONSOLE_MMIO_H

#include <stdint.h>

uint8_t mmio_read8(uint64_t address);
uint16_t mmio_read16(uint64_t address);
uint32_t mmio_read32(uint64_t address);
void mmio_write8(uint64_t address, uint8_t value);
void mmio_write16(uint64_t address, uint16_t value);
void mmio_write32(uint64_t address, uint32_t value);

#endif
