/*
 * machine_facts.h - what this machine is, as `# key=value` lines.
 */
#ifndef KERNEL_BOOT_MACHINE_FACTS_H
#define KERNEL_BOOT_MACHINE_FACTS_H

#include "boot/handoff.h"
#include "frames/frames.h"

void print_machine_facts(const struct handoff *handoff, const struct frames *frames);

#endif
