/* SPDX-License-Identifier: MIT */
/*
 * instructions.h - stands in for kernel/cpu/instructions.h in host tests: the instructions of a made-up
 * processor (processor.c).
 *
 * The build of the tests that need it looks for headers here first.
 */
#ifndef TEST_HOST_DEVICES_PROCESSOR_CPU_INSTRUCTIONS_H
#define TEST_HOST_DEVICES_PROCESSOR_CPU_INSTRUCTIONS_H

#include "kernel/cpu/registers.h"
#include "kernel/cpu/selectors.h"

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t read_cr0(void);
void write_cr0(uint64_t value);
uint64_t read_cr2(void);
void write_cr2(uint64_t value);
uint64_t read_cr3(void);
void write_cr3(uint64_t value);
uint64_t read_cr4(void);
void write_cr4(uint64_t value);
uint64_t read_dr7(void);
void write_dr7(uint64_t value);
void write_dr6(uint64_t value);
uint64_t read_flags(void);
void clear_flags(void);
void interrupts_on(void);
void interrupts_off(void);
void flush_caches(void);
uint64_t read_msr(uint32_t msr);
void write_msr(uint32_t msr, uint64_t value);
uint32_t read_pkru(void);
uint64_t read_tsc(void);
void load_descriptor_tables(struct descriptor_table gdt, struct descriptor_table idt);
void load_ldt(uint16_t selector);
_Noreturn void cpu_halt(void);

#endif
