/* SPDX-License-Identifier: MIT */
/* control.c - sets control registers once, after the switch to the kernel's own tables. */
#include "cpu/control.h"
#include "cpu/cpuid.h"

uint64_t cpu_wanted_cr4(uint64_t now, uint32_t features, struct cpuid structured)
{
    uint64_t cr4 = (now & (CR4_LA57 | CR4_VMXE)) | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= features >> 7 & 1 ? CR4_MCE : 0;
    cr4 |= features >> 13 & 1 ? CR4_PGE : 0;
    cr4 |= structured.ebx >> 7 & 1 ? CR4_SMEP : 0;
    cr4 |= structured.ebx >> 20 & 1 ? CR4_SMAP : 0;
    cr4 |= structured.ecx >> 2 & 1 ? CR4_UMIP : 0;
    return cr4;
}

void cpu_enable_protection(void)
{
    uint64_t cr4 = cpu_wanted_cr4(read_cr4(), cpuid(1, 0).edx, cpuid_or_zero(7));
    write_cr0(CR0_KERNEL | CR0_WRITE_PROTECT);
    write_cr4(cr4);
}
