/* SPDX-License-Identifier: MIT */
/*
 * hardware_errors.h - what the hardware says about an NMI or a machine check (SDM 3B, chapter 16).
 */
#ifndef KERNEL_CPU_HARDWARE_ERRORS_H
#define KERNEL_CPU_HARDWARE_ERRORS_H

#include "console/format.h"
#include <stdbool.h>
#include <stdint.h>

/* What one bank of machine check registers holds. */
struct machine_check_bank {
    unsigned number;
    uint64_t status;        /* MCi_STATUS */
    uint64_t address, misc; /* MCi_ADDR and MCi_MISC, if the status says that they hold something */
};

/*
 * Writes a line about a bank that holds an error: whether it was corrected, the codes, the address.
 * `was_there` says that it was there when the run began.
 */
void machine_check_write(struct format_sink *sink, const struct machine_check_bank *bank, bool was_there);

/* Returns in words why an NMI came, as far as port 61h of a PC tells. */
const char *nmi_reason(uint8_t port_61);

/*
 * Switches on the report of all machine checks that the processor can tell, and returns the number of banks
 * that hold an error already: of a time before this run. The registers stay as they are. CR4.MCE is the
 * caller's.
 */
unsigned machine_checks_start(void);

/* Print what is known about the NMI or the machine check that has just come. */
void explain_nmi(void);
void explain_machine_check(void);

#endif
