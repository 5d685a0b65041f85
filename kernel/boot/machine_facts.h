/* SPDX-License-Identifier: MIT */
/*
 * machine_facts.h - prints facts about this machine as `# key=value` lines.
 */
#ifndef KERNEL_BOOT_MACHINE_FACTS_H
#define KERNEL_BOOT_MACHINE_FACTS_H

#include "boot/handoff.h"
#include "frames/frames.h"

/* Prints what the loader found, the control registers, and how much memory and how many tables there are. */
void print_machine_facts(const struct handoff *handoff, const struct frames *frames);

#endif
