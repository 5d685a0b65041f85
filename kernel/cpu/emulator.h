/* SPDX-License-Identifier: MIT */
/*
 * emulator.h - finds out whether software executes the instructions, and which.
 *
 * What depends on it: an emulator accesses no memory speculatively and ignores memory types, so a test may
 * map registers of devices as memory; and where it is known to differ from the manual, the difference is
 * counted instead of failing (selftest/deviations.h). Hardware must never be taken for an emulator, so an
 * emulator that cannot be told for sure counts as hardware.
 */
#ifndef KERNEL_CPU_EMULATOR_H
#define KERNEL_CPU_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>

enum emulator { EMULATOR_NONE, EMULATOR_QEMU, EMULATOR_BOCHS };

/* What tells an emulator. */
struct emulator_signs {
    bool is_qemu;                      /* the hypervisor leaf of CPUID is that of QEMU's software emulation */
    bool has_hypervisor;               /* CPUID says that there is a hypervisor, of whatever kind */
    uint64_t ticks_per_instruction;    /* of the time stamp counter, 0 if instructions differ (tsc.h) */
    uint32_t bridge, bridge_subsystem; /* of the PCI host bridge: registers 0 and 2Ch */
};

/*
 * Returns the emulator that shows these signs. Bochs has no leaf of its own. Its board has a 440FX without
 * subsystem ids (QEMU's has some), a chip for processors without 64 bits, and on its processor every
 * instruction takes one tick, which no hardware does.
 */
enum emulator emulator_of(const struct emulator_signs *signs);

/* Returns the emulator on which this runs. The first call looks, with a few hundred thousand instructions. */
enum emulator emulator_here(void);

/* Returns whether an emulator executes the instructions. */
bool cpu_is_emulated(void);

/* Returns its name: "QEMU", "Bochs" or "none". */
const char *emulator_name(enum emulator emulator);

#endif
