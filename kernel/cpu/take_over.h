/* SPDX-License-Identifier: MIT */
/*
 * take_over.h - makes the processor's own state the kernel's. UEFI says little about it (2.10, 2.3.4), and
 * firmware differs.
 *
 *   taken over by cpu_take_over       RFLAGS, DR7, CR0, CR4, EFER
 *   taken over by cpu_stop_tracing    bases of FS and GS, branch tracing, performance counters, Processor
 *                                     Trace
 *   by others                         GDT, IDT, TSS, LDT (descriptors.h); CR3, CR0.WP, SMEP, SMAP, PAT
 *                                     (control.h)
 *
 * What stays as it is, because nothing here depends on it: x87 and SSE state, which no code uses; SYSENTER,
 * SYSCALL and TSC_AUX registers, since no code in ring 3 executes such instructions; protection keys (PKRU,
 * PKRS) and CET registers, because CR4 switches these features off; the local APIC and PIC with whatever is
 * pending in them, because interrupts are off (watchdog.h masks them before it switches interrupts on). MTRRs
 * are believed: only the firmware knows where memory is.
 */
#ifndef KERNEL_CPU_TAKE_OVER_H
#define KERNEL_CPU_TAKE_OVER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Switches interrupts, alignment checks, breakpoints and the firmware's features of CR4 off, and the caches
 * on. Keeps what the firmware's page tables may depend on: CR0.WP, CR4.LA57, EFER.NXE. With `no_execute` it
 * also sets EFER.NXE. Works on either set of page tables, and needs no descriptor table.
 */
void cpu_take_over(bool no_execute);

/*
 * Clears the bases of FS and GS, and stops what writes to memory or interrupts a program on somebody else's
 * account. Called after descriptors_load: the load of a null selector keeps the base on some processors.
 */
void cpu_stop_tracing(void);

/* What CPUID says about tracing. */
struct cpu_tracing {
    uint32_t counters; /* leaf 0ah, EAX: the version of architectural performance monitoring in bits 0 to 7 */
    uint32_t structured; /* leaf 7, EBX: Processor Trace in bit 25 */
};
enum { CPU_TRACING_LIMIT = 3 };

/* Lists the registers that are 0 when nothing is traced, if this processor has them. Returns how many. */
unsigned cpu_tracing_registers(struct cpu_tracing tracing, uint32_t msrs[CPU_TRACING_LIMIT]);

#endif
