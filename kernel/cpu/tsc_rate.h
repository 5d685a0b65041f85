/*
 * tsc_rate.h - how fast the time stamp counter counts.
 */
#ifndef KERNEL_CPU_TSC_RATE_H
#define KERNEL_CPU_TSC_RATE_H

#include "cpu/instructions.h"

/*
 * Returns the ticks per second that leaves 15h and 16h of CPUID tell (SDM 3B, 19.7.3), or 0 if they do not.
 * Each is cpuid_or_zero(leaf).
 */
uint64_t tsc_rate_from_cpuid(struct cpuid leaf15, struct cpuid leaf16);

/*
 * Returns the ticks per second, by CPUID or else by a race of 10 ms against the PIT (port 40h). Returns 0 if it
 * cannot be told: no PIT answers, or two races differ. Takes at most about 60 ms.
 */
uint64_t tsc_rate(void);

#endif
