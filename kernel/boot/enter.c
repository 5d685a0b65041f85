/*
 * enter.c - the step from the firmware's world into ours.
 *
 * Before CR3 changes only what both worlds agree on may change. Global translations, PCIDs and shadow stacks
 * of the firmware go first: they would outlive the load, or object to our far return. Descriptor tables and
 * console come before anything that may go wrong, so that it is told; the framebuffer is mapped in both. NXE
 * is set because the fresh tables carry no-execute bits. SMEP and SMAP wait until after the load, because the
 * firmware's pages may be user pages.
 */
#include "boot/fault_injection.h"
#include "boot/main.h"
#include "console/console.h"
#include "cpu/descriptors.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "report/report.h"

_Noreturn void switch_to(uint64_t cr3, uint64_t stack, void (*entry)(struct handoff *),
                         struct handoff *argument) __attribute__((visibility("hidden")));

/* The same, with CR4.LA57 switched on on the way. Everything named must be below 4 GiB. */
_Noreturn void switch_to_five_levels(uint64_t cr3, uint64_t stack, void (*entry)(struct handoff *),
                                     struct handoff *argument) __attribute__((visibility("hidden")));

_Noreturn void kernel_enter(struct handoff *handoff)
{
    __asm__ volatile("cli");
    write_cr4(read_cr4() & (CR4_LA57 | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT));
    report_use(handoff);
    faults_use(handoff);
    descriptors_load();
    console_start(&handoff->framebuffer, (struct console_options){.serial = !handoff->options.no_serial,
                                                                  .screen = !handoff->options.no_screen});
    print("\nSelfmap " SELFMAP_VERSION ": the firmware is gone, now CR3\n");
    inject_early_fault(handoff);
    handoff_mark(handoff, "cross over");
    if (handoff->space.cpu.has_no_execute)
        write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NO_EXECUTE);
    if (handoff->space.cpu.levels == 5 && !(read_cr4() & CR4_LA57))
        switch_to_five_levels(paging_root_address(&handoff->space).value, handoff->stack_top, kernel_main,
                              handoff);
    switch_to(paging_root_address(&handoff->space).value, handoff->stack_top, kernel_main, handoff);
}
