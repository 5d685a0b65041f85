/* control.c - sets control registers and the PAT once, after the switch to the kernel's own tables. */
#include "cpu/control.h"
#include "cpu/cpuid.h"

/* Memory types as the PAT encodes them (SDM 3A, table 12-10). */
enum { UNCACHED = 0, WRITE_COMBINING = 1, WRITE_THROUGH = 4, WRITE_BACK = 6, UNCACHED_MINUS = 7 };

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

/*
 * SDM 3A, 12.12.4 asks for the procedure of 12.11.8, which also switches the caches off (CR0.CD) between the
 * two WBINVDs. Here they stay on. With the PAT as it is after a reset only entry 3 changes, from uncached to
 * write-combining; neither type is ever held in a cache, so no line can be left over from the
 * old type. If the firmware has changed another entry, the first WBINVD empties the caches, and the second
 * one removes what was fetched with the old type in between. The load of CR3 empties the TLB, which holds
 * memory types as well; global pages are off until cpu_enable_protection.
 */
bool cpu_program_pat(void)
{
    const uint64_t cached = WRITE_BACK | WRITE_THROUGH << 8 | UNCACHED_MINUS << 16;
    const uint64_t low = cached | WRITE_COMBINING << 24, high = cached | (uint64_t)UNCACHED << 24;
    if (!(cpuid(1, 0).edx >> 16 & 1))
        return false;
    flush_caches();
    write_msr(MSR_PAT, low | high << 32);
    flush_caches();
    write_cr3(read_cr3());
    return true;
}
