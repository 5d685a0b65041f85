/* SPDX-License-Identifier: MIT */
/*
 * runtime_calls.h - calls of runtime services that change nothing, to see whether the firmware does.
 */
#ifndef KERNEL_BOOT_RUNTIME_CALLS_H
#define KERNEL_BOOT_RUNTIME_CALLS_H

#include "boot/handoff.h"

/*
 * Calls those that the hand-over has an address for: GetTime and GetVariable (UEFI 2.10, 8.3 and 8.2). The
 * firmware works with physical addresses, which are mapped to themselves. Each call is made only if code can
 * be executed at its address. A fault in the firmware ends the call, and no other call is made.
 * After each call `after` is told when that was: "after the call of GetTime".
 */
void runtime_calls_make(struct handoff *handoff, void (*after)(struct handoff *handoff, const char *when));

/* Prints what came of them, as facts. */
void runtime_calls_print(void);

#endif
