/* SPDX-License-Identifier: MIT */
/*
 * deviations.h - where emulators are known to differ from the manual.
 *
 * The one table is in deviations.c: for each emulator what it does, instead of which clause, in which
 * versions. A test that meets such a difference counts it, and goes on; on hardware, and on an emulator that
 * is not known for it, the same difference is a failure. The counts are facts in the report, a row each.
 */
#ifndef KERNEL_SELFTEST_DEVIATIONS_H
#define KERNEL_SELFTEST_DEVIATIONS_H

#include <stdbool.h>
#include <stdint.h>

enum deviation {
    DEVIATION_RESERVED,       /* the error code for a reserved bit lacks PRESENT */
    DEVIATION_ACCESSED,       /* an entry of a P3 with PS is marked as accessed by a refused access */
    DEVIATION_IMPLICIT,       /* RFLAGS.AC lets an implicit access of ring 0 through SMAP */
    DEVIATION_IMPLICIT_USER,  /* the same in ring 3 */
    DEVIATION_KEY_ACCESS,     /* PKRU.AD refuses no access of the supervisor */
    DEVIATION_KEY_SUPERVISOR, /* PKRU is asked for supervisor pages too */
    DEVIATIONS
};

/* Returns whether the emulator on which this runs is known for it: false on hardware. */
bool deviation_is_known(enum deviation deviation);

/* Counts one more case of it, and returns true, if it is known here. */
bool deviation_count(enum deviation deviation);

/* Returns the name of its fact, without deviation_: "reserved". */
const char *deviation_name(enum deviation deviation);

/* Prints a fact for each row of the table that is about the emulator on which this runs. */
void deviations_report(void);

#endif
