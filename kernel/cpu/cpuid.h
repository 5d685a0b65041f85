/*
 * cpuid.h - what CPUID says that both halves have to know.
 */
#ifndef KERNEL_CPU_CPUID_H
#define KERNEL_CPU_CPUID_H

#include <selfmap/space.h>

/* Software emulation by QEMU (TCG), by the signature of CPUID 40000000h. */
bool cpu_is_emulated(void);

/* QEMU, emulated or with KVM: only then may its test ports be touched. rsdp_oem is the ACPI OEM id. */
bool machine_is_qemu(const char *rsdp_oem);

/*
 * What the paging core has to know about this processor. No-execute is taken as usable if the processor has
 * it: kernel_enter sets EFER.NXE before it loads tables that use it. CR4.LA57 is inherited from the firmware.
 */
struct paging_cpu cpu_paging_features(void);

/* Can CR4.LA57 be set? CPUID 7 ECX[16]. */
bool cpu_has_five_levels(void);

#endif
