/* SPDX-License-Identifier: MIT */
/* processor.c - asks CPUID what the core has to know, and sets EFER and the PAT. */
#include <selfmap/processor.h>
#include <selfmap/processor_access.h>

#define CR4_FIVE_LEVELS    ((uint64_t)1 << 12)
#define EFER_NUMBER        0xc0000080u
#define NO_EXECUTE_ENABLED ((uint64_t)1 << 11)
#define PAT_NUMBER         0x277u

/* Returns all zeroes if the processor does not have the leaf. */
static struct paging_cpuid_leaf cpuid_leaf(uint32_t leaf)
{
    struct paging_cpuid_leaf none = {0, 0, 0, 0};
    return leaf <= paging_cpuid(leaf & 0x80000000u, 0).eax ? paging_cpuid(leaf, 0) : none;
}

struct paging_cpu paging_cpu_read(void)
{
    uint32_t extended = cpuid_leaf(0x80000001).edx;
    uint32_t bits = cpuid_leaf(0x80000008).eax & 0xff;
    return (struct paging_cpu){
        .levels = paging_cr4_read() & CR4_FIVE_LEVELS ? 5 : 4,
        .physical_bits = bits ? bits : 36, /* SDM 3A, 4.1.4: 36 without the leaf */
        .has_no_execute = extended >> 20 & 1,
        .has_1g_pages = extended >> 26 & 1,
        .has_invpcid = cpuid_leaf(7).ebx >> 10 & 1,
    };
}

bool paging_no_execute_enable(void)
{
    if (!(cpuid_leaf(0x80000001).edx >> 20 & 1))
        return false;
    paging_msr_write(EFER_NUMBER, paging_msr_read(EFER_NUMBER) | NO_EXECUTE_ENABLED);
    return true;
}

/*
 * SDM 3A, 12.12.4 asks for the procedure of 12.11.8, which also switches the caches off (CR0.CD) between the
 * two WBINVDs. Here they stay on. With the PAT as it is after a reset and the core's, only entry 3 changes,
 * from uncached to write-combining; neither type is ever held in a cache, so no line can be left over from
 * the old type. If the firmware has changed another entry, the first WBINVD empties the caches, and the
 * second one removes what was fetched with the old type in between. The load of CR3 empties the TLB, which
 * holds memory types as well.
 */
bool paging_pat_program(uint64_t pat)
{
    if (!(cpuid_leaf(1).edx >> 16 & 1))
        return false;
    paging_caches_flush();
    paging_msr_write(PAT_NUMBER, pat);
    paging_caches_flush();
    paging_root_reload();
    return true;
}
