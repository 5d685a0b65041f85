/* SPDX-License-Identifier: MIT */
/* emulator.c - reads the signs of an emulator: CPUID, the time stamp counter, the PCI host bridge. */
#include "cpu/emulator.h"
#include "console/ports.h"
#include "cpu/cpuid.h"
#include "cpu/tsc.h"

/* Device 0, function 0 on bus 0, by configuration mechanism 1 (PCI 3.0, 3.2.2.3.2). */
enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc, PCI_IDS = 0, PCI_SUBSYSTEM_IDS = 0x2c };
#define PCI_ENABLE        0x80000000u
#define INTEL_440FX       0x12378086u /* device and vendor */
#define BOCHS_TICKS       1
#define CALIBRATION_TRIES 5 /* a timer's interrupt spoils one */

static uint32_t read_host_bridge(uint32_t offset)
{
    port_write32(PCI_ADDRESS, PCI_ENABLE | offset);
    uint32_t value = port_read32(PCI_DATA);
    port_write32(PCI_ADDRESS, 0);
    return value;
}

enum emulator emulator_of(const struct emulator_signs *signs)
{
    if (signs->is_qemu)
        return EMULATOR_QEMU;
    bool is_bochs = !signs->has_hypervisor && signs->ticks_per_instruction == BOCHS_TICKS &&
                    signs->bridge == INTEL_440FX && signs->bridge_subsystem == 0;
    return is_bochs ? EMULATOR_BOCHS : EMULATOR_NONE;
}

static enum emulator look(void)
{
    struct emulator_signs signs = {
        .is_qemu = cpu_is_qemus(),
        .has_hypervisor = cpu_has_hypervisor(),
    };
    for (unsigned i = 0; i < CALIBRATION_TRIES && signs.ticks_per_instruction == 0; i++)
        signs.ticks_per_instruction = tsc_calibrate();
    if (!signs.has_hypervisor && signs.ticks_per_instruction == BOCHS_TICKS) { /* else it does not matter */
        signs.bridge = read_host_bridge(PCI_IDS);
        signs.bridge_subsystem = read_host_bridge(PCI_SUBSYSTEM_IDS);
    }
    return emulator_of(&signs);
}

enum emulator emulator_here(void)
{
    static enum emulator found;
    static bool was_found;
    if (!was_found)
        found = look();
    was_found = true;
    return found;
}

bool cpu_is_emulated(void)
{
    return emulator_here() != EMULATOR_NONE;
}

const char *emulator_name(enum emulator emulator)
{
    static const char *const names[] = {
        [EMULATOR_NONE] = "none", [EMULATOR_QEMU] = "QEMU", [EMULATOR_BOCHS] = "Bochs"};
    return names[emulator];
}
