/* SPDX-License-Identifier: MIT */
/*
 * steps.h - the kernel's steps are marked where each mark survives a hang.
 */
#ifndef KERNEL_BOOT_STEPS_H
#define KERNEL_BOOT_STEPS_H

#include "boot/options.h"

/*
 * Says which step begins: in a line on the console, in the record of the run (console/kept.h), and to the
 * watchdog, whose budget is for one step. With steps=slow waits a second before it returns.
 */
void step_begin(const struct options *options, const char *what);

/* Says it to the record and the watchdog only, and never waits: for a step without a line on the console. */
void step_note(const char *what);

#endif
