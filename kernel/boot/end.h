/*
 * end.h - ends a run: the test port of QEMU, a shutdown, a reset, or a halt (option end=).
 */
#ifndef KERNEL_BOOT_END_H
#define KERNEL_BOOT_END_H

#include "boot/handoff.h"

/* Remembers the way to end that the options name. Called before anything that may end the run. */
void end_prepare(const struct handoff *handoff);

/*
 * Ends the run. With end=auto QEMU is told the result, and any other machine halts with the report on its
 * screen. A second call, because the first one faulted, ends as end=auto does.
 */
_Noreturn void end_run(bool passed);

#endif
