/*
 * machine.h - the machine after the switch, and how a run ends on it.
 */
#ifndef KERNEL_BOOT_MACHINE_H
#define KERNEL_BOOT_MACHINE_H

#include "boot/handoff.h"

/* END_AUTO: under QEMU the debug-exit port ends the run, elsewhere the report stays on the screen. */
_Noreturn void machine_end(const struct handoff *handoff, enum end_action action, bool passed);

/* Turn on what protects: CR0.WP, and SMEP, SMAP, UMIP and global pages where the processor has them. */
void cpu_enable_protection(void);

/*
 * Program the PAT so that PCD and PWT select write-back, write-through, uncached- and write-combining (see
 * ENTRY_CACHE_... in paging/include/selfmap/entry.h). Only the last differs from what it is after reset. False without a PAT.
 */
bool cpu_program_pat(void);

#endif
