/* SPDX-License-Identifier: MIT */
/*
 * cpuid.h - what CPUID says about the processor and the virtual machine.
 */
#ifndef KERNEL_CPU_CPUID_H
#define KERNEL_CPU_CPUID_H

#include "cpu/instructions.h"
#include <stdbool.h>

/* Returns all zeroes if the processor does not have the leaf. */
static inline struct cpuid cpuid_or_zero(uint32_t leaf)
{
    struct cpuid none = {0};
    return leaf <= cpuid(leaf & 0xc0000000u, 0).eax ? cpuid(leaf, 0) : none;
}

/* Returns whether QEMU emulates the processor in software (TCG): CPUID 40000000h has its signature. */
bool cpu_is_qemus(void);

/* Returns whether CPUID says that there is a hypervisor: any emulator or virtual machine may say so. */
bool cpu_has_hypervisor(void);

/*
 * Returns whether the machine is QEMU, emulated or with KVM. Only then may its test ports be used. rsdp_oem
 * is the OEM id of the ACPI root pointer.
 */
bool machine_is_qemu(const char *rsdp_oem);

/*
 * Returns whether leaf 21h of CPUID is that of a TDX guest. `leaf` is cpuid_or_zero(CPUID_TDX_LEAF). Such a
 * guest needs a bit in its entries that tells shared memory from private memory, and has instructions that
 * raise #VE.
 */
#define CPUID_TDX_LEAF 0x21u
bool cpuid_is_tdx_guest(struct cpuid leaf);

/* Stores the name that the processor gives itself, without blanks at its ends; "" if it has none. */
enum { CPU_NAME_BYTES = 49 };
void cpu_name(char name[CPU_NAME_BYTES]);

/* Returns whether CR4.LA57 can be set (CPUID 7 ECX[16]). */
bool cpu_has_five_levels(void);

#endif
