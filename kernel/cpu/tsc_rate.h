/* SPDX-License-Identifier: MIT */
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
 * Returns the ticks per second by races of 10 ms against the PIT (port 40h), or 0 if it cannot be told: no
 * PIT answers, or no two of twenty are alike. Takes about 20 ms, and up to a second with a PIT that never
 * ends.
 */
uint64_t tsc_rate_from_timer(void);

/* Returns the ticks per second, by CPUID or else by the PIT; 0: not known. Once it is known, it stays. */
uint64_t tsc_rate(void);

/* Returns the same, or TSC_RATE_IF_UNKNOWN. */
uint64_t tsc_rate_or_guess(void);

/* Waits for a second. */
void tsc_wait_a_second(void);

/* Returns how often that was done, and how many seconds it took altogether. */
unsigned tsc_waits(uint64_t *seconds);

/* What to wait by where it is not known, and any time will do: as if the processor had 2.5 GHz. */
#define TSC_RATE_IF_UNKNOWN UINT64_C(2500000000)

#endif
