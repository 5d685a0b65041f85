/*
 * facts.h - what this machine is, as `# key=value` lines.
 */
#ifndef KERNEL_FACTS_H
#define KERNEL_FACTS_H

#include "frames.h"
#include "handoff.h"

void print_facts(const struct handoff *handoff, const struct frames *frames);

#endif
