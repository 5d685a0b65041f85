/* SPDX-License-Identifier: MIT */
/*
 * end.h - ends a run: the test port of QEMU, a shutdown, a reset, or a halt (option end=).
 */
#ifndef KERNEL_BOOT_END_H
#define KERNEL_BOOT_END_H

#include "boot/handoff.h"

/* Remembers the way to end that the options name. Called before anything that may end the run. */
void end_prepare(const struct handoff *handoff);

/*
 * Ends the run. end=store shows the report for a minute, and then resets the machine warm, so that the loader
 * of the next start writes the report to a file. With end=auto QEMU is told the result; any other machine
 * does the same as end=store if there is a volume that can be written, and else halts with the report on its
 * screen. A second call, because the first one faulted, ends as end=auto does, without the reset.
 */
_Noreturn void end_run(bool passed);

#endif
