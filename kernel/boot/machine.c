/* machine.c - protection, and the end. */
#include "boot/machine.h"
#include "console/console.h"
#include "console/ports.h"
#include "cpu/cpuid.h"
#include "cpu/instructions.h"

enum { DEBUG_EXIT_PORT = 0xf4, EXIT_PASSED = 0x10, EXIT_FAILED = 0x11 };

/* UEFI 2.10, 8.5.1: the firmware's code and data are mapped one to one, as this call needs them. */
static void reset_system(const struct handoff *handoff, int type)
{
    typedef void(__attribute__((ms_abi)) * reset_fn)(int type, uint64_t status, uint64_t bytes, void *data);
    if (handoff->reset_system.value)
        ((reset_fn)handoff->reset_system.value)(type, 0, 0, NULL);
}

_Noreturn void machine_end(const struct handoff *handoff, enum end_action action, bool passed)
{
    enum { RESET_COLD = 0, RESET_SHUTDOWN = 2 };
    switch (action) {
    case END_SHUTDOWN:
        reset_system(handoff, RESET_SHUTDOWN);
        break;
    case END_RESET:
        reset_system(handoff, RESET_COLD);
        break;
    case END_AUTO:
        if (machine_is_qemu(handoff->rsdp_oem))
            port_write8(DEBUG_EXIT_PORT, passed ? EXIT_PASSED : EXIT_FAILED);
        break;
    case END_HALT:
        break;
    }
    print("The report ends here; the machine can be switched off.\n");
    cpu_halt();
}

void cpu_enable_protection(void)
{
    uint32_t features = cpuid(1, 0).edx;
    struct cpuid structured = cpuid_or_zero(7);
    uint64_t cr4 = (read_cr4() & CR4_LA57) | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= features >> 7 & 1 ? CR4_MCE : 0;
    cr4 |= features >> 13 & 1 ? CR4_PGE : 0;
    cr4 |= structured.ebx >> 7 & 1 ? CR4_SMEP : 0;
    cr4 |= structured.ebx >> 20 & 1 ? CR4_SMAP : 0;
    cr4 |= structured.ecx >> 2 & 1 ? CR4_UMIP : 0;
    uint64_t cr0 = read_cr0() & ~(CR0_EMULATION | CR0_TASK_SWITCHED);
    write_cr0(cr0 | CR0_WRITE_PROTECT | CR0_NUMERIC_ERROR | CR0_MONITOR);
    write_cr4(cr4);
}

bool cpu_program_pat(void)
{
    const uint64_t write_back = 6, write_through = 4, uncached_minus = 7, write_combining = 1;
    const uint64_t half = write_back | write_through << 8 | uncached_minus << 16 | write_combining << 24;
    if (!(cpuid(1, 0).edx >> 16 & 1))
        return false;
    /* SDM 3A, 12.12.4: nothing may stay cached under the type it had before. */
    __asm__ volatile("wbinvd" : : : "memory");
    write_msr(MSR_PAT, half | half << 32);
    __asm__ volatile("wbinvd" : : : "memory");
    write_cr3(read_cr3());
    return true;
}
