/*
 * enter.c - the step from the firmware's world into ours.
 *
 * Before CR3 changes only what both worlds agree on may change. NXE comes first, because the fresh tables
 * carry no-execute bits. Global translations, PCIDs and shadow stacks of the firmware go before the load:
 * they would outlive it. SMEP and SMAP wait until after it, because the firmware's pages may be user pages.
 */
#include "cpu.h"
#include "cpu_tables.h"
#include "handoff.h"
#include "main.h"

_Noreturn void switch_to(uint64_t cr3, uint64_t stack, void (*entry)(struct handoff *),
                         struct handoff *argument) __attribute__((visibility("hidden")));

_Noreturn void kernel_enter(struct handoff *handoff)
{
    __asm__ volatile("cli");
    cpu_tables_load();
    if (handoff->space.cpu.has_no_execute)
        write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NO_EXECUTE);
    write_cr4(read_cr4() & (CR4_LA57 | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT));
    switch_to(paging_root_address(&handoff->space).value, handoff->stack_top, kernel_main, handoff);
}
