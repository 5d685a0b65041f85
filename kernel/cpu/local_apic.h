/* SPDX-License-Identifier: MIT */
/*
 * local_apic.h - the interrupt controller and timer inside the processor (SDM 3A, chapter 11).
 *
 * Its registers are in a page of memory (xAPIC), or in MSRs (x2APIC). The same numbers name them: 16 times
 * the number is the offset in the page, and 800h more is the MSR.
 */
#ifndef KERNEL_CPU_LOCAL_APIC_H
#define KERNEL_CPU_LOCAL_APIC_H

#include <stdint.h>

enum local_apic_kind {
    LOCAL_APIC_NONE, /* the processor has none */
    LOCAL_APIC_OFF,  /* it is switched off in IA32_APIC_BASE */
    LOCAL_APIC_MEMORY,
    LOCAL_APIC_MSRS
};

struct local_apic {
    enum local_apic_kind kind;
    uint64_t page; /* the physical address of its registers, if they are in memory */
};

enum local_apic_register {
    APIC_TASK_PRIORITY = 0x08,
    APIC_END_OF_INTERRUPT = 0x0b,
    APIC_SPURIOUS = 0x0f,
    APIC_IN_SERVICE = 0x10, /* eight registers, 32 vectors in each */
    APIC_LVT_TIMER = 0x32,
    APIC_LVT_LINT0 = 0x35,
    APIC_LVT_LINT1 = 0x36,
    APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39,
    APIC_DIVIDE = 0x3e
};

/*
 * Returns which local APIC there is, by EDX of CPUID leaf 1 and IA32_APIC_BASE (MSR 1Bh), which is read only
 * where the first says so: pass 0 elsewhere.
 */
struct local_apic local_apic_from(uint32_t leaf1_edx, uint64_t apic_base);

/* Returns the local APIC of this processor. */
struct local_apic local_apic_find(void);

/* Read and write a register. If it is in memory, its page is mapped to its own address. */
uint32_t local_apic_read(const struct local_apic *apic, unsigned number);
void local_apic_write(const struct local_apic *apic, unsigned number, uint32_t value);

#endif
