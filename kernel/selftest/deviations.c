/* SPDX-License-Identifier: MIT */
/* deviations.c - the table of deviations, and how often each was met. */
#include "selftest/deviations.h"
#include "cpu/emulator.h"
#include "report/report.h"

static const struct {
    enum emulator emulator;
    enum deviation deviation;
    const char *versions;      /* of the emulator, that were seen to do so */
    const char *name, *clause; /* of the fact; of SDM 3A */
    const char *instead;       /* what is seen */
} rows[] = {
    {EMULATOR_QEMU, DEVIATION_RESERVED, "7.2 and 10.0", "reserved", "4.7",
     "the error code for a reserved bit lacks PRESENT"},
    {EMULATOR_QEMU, DEVIATION_ACCESSED, "7.2 and 10.0", "accessed", "4.8",
     "an entry of a P3 with PS is marked as accessed although the access is refused"},
    {EMULATOR_QEMU, DEVIATION_IMPLICIT, "7.2 and 10.0", "implicit", "4.6.1",
     "RFLAGS.AC lets an implicit access of ring 0 into user pages despite SMAP"},
    {EMULATOR_BOCHS, DEVIATION_IMPLICIT, "2.7 and 3.0", "implicit", "4.6.1",
     "RFLAGS.AC lets an implicit access of ring 0 into user pages despite SMAP"},
    {EMULATOR_BOCHS, DEVIATION_IMPLICIT_USER, "2.7 and 3.0", "implicit_user", "4.6.1",
     "RFLAGS.AC lets an implicit access of ring 3 into user pages despite SMAP"},
    {EMULATOR_BOCHS, DEVIATION_KEY_ACCESS, "2.7 and 3.0", "key_access", "4.6.2",
     "the bit AD of a protection key refuses no access of the supervisor"},
    {EMULATOR_BOCHS, DEVIATION_KEY_SUPERVISOR, "2.7 and 3.0", "key_supervisor", "4.6.2",
     "protection keys are asked for supervisor pages too"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static uint64_t cases[DEVIATIONS];

bool deviation_is_known(enum deviation deviation)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].emulator == emulator_here() && rows[i].deviation == deviation)
            return true;
    return false;
}

bool deviation_count(enum deviation deviation)
{
    bool known = deviation_is_known(deviation);
    cases[deviation] += known;
    return known;
}

const char *deviation_name(enum deviation deviation)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].deviation == deviation)
            return rows[i].name;
    return "unknown";
}

void deviations_report(void)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (rows[i].emulator == emulator_here())
            print("# deviation_%s=cases=%lu in %s %s, against SDM 3A %s: %s\n", rows[i].name,
                  cases[rows[i].deviation], emulator_name(rows[i].emulator), rows[i].versions, rows[i].clause,
                  rows[i].instead);
}
