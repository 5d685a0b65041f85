/* SPDX-License-Identifier: MIT */
/* take_over.c - writes flags, debug registers, control registers and model-specific registers. */
#include "cpu/take_over.h"
#include "cpu/cpuid.h"

void cpu_take_over(bool no_execute)
{
    /* The direction flag first: what the compiler makes of the rest relies on it. */
    clear_flags();
    write_dr7(DR7_NOTHING);
    write_dr6(DR6_NOTHING);
    uint64_t cr0 = read_cr0();
    if (cr0 & (CR0_CACHE_DISABLE | CR0_NOT_WRITE_THROUGH))
        flush_caches(); /* with CR0.NW lines may differ from memory (SDM 3A, 12.5.1) */
    write_cr0((cr0 & CR0_WRITE_PROTECT) | CR0_KERNEL);
    /* Clearing VMXE after VMXON is a #GP (SDM 3C, 24.7), and the bit alone changes nothing. */
    write_cr4(read_cr4() & (CR4_LA57 | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_VMXE));
    /*
     * AMD's TCE makes invlpg keep entries of the paging-structure caches that the core expects to be gone,
     * and LMSLE checks limits of segments (APM 2, 3.1.7). Both bits are reserved on Intel's, where they are
     * 0.
     */
    uint64_t efer = read_msr(MSR_EFER),
             ours = efer & ~(EFER_SYSCALL | EFER_SEGMENT_LIMITS | EFER_CACHE_EXTENSION);
    ours |= no_execute ? EFER_NO_EXECUTE : 0;
    if (ours != efer)
        write_msr(MSR_EFER, ours);
}

unsigned cpu_tracing_registers(struct cpu_tracing tracing, uint32_t msrs[CPU_TRACING_LIMIT])
{
    unsigned count = 0;
    msrs[count++] = MSR_DEBUG_CONTROL; /* on every processor with 64-bit mode */
    if ((tracing.counters & 0xff) >= 2)
        msrs[count++] = MSR_PERFORMANCE_GLOBAL_CONTROL; /* SDM 3B, 20.2.2 */
    if (tracing.structured >> 25 & 1)
        msrs[count++] = MSR_PROCESSOR_TRACE_CONTROL; /* SDM 3C, 33.2.8.2 */
    return count;
}

void cpu_stop_tracing(void)
{
    struct cpu_tracing tracing = {.counters = cpuid_or_zero(0xa).eax, .structured = cpuid_or_zero(7).ebx};
    uint32_t msrs[CPU_TRACING_LIMIT];
    unsigned count = cpu_tracing_registers(tracing, msrs);
    for (unsigned i = 0; i < count; i++)
        write_msr(msrs[i], 0);
    write_msr(MSR_FS_BASE, 0);
    write_msr(MSR_GS_BASE, 0);
    write_msr(MSR_KERNEL_GS_BASE, 0);
}
