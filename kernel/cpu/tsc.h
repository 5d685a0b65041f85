/*
 * tsc.h - what the time stamp counter counts: instructions, or time.
 *
 * On a real processor it counts time. An emulator may be told to let it run by instructions (QEMU: -icount);
 * then each takes the same number of ticks, whatever it does, and the counter is exact. Nobody has to say so:
 * loops with a known number of instructions, cheap and expensive ones, tell.
 */
#ifndef KERNEL_CPU_TSC_H
#define KERNEL_CPU_TSC_H

#include <stdint.h>

/*
 * How many ticks each instruction takes; 0 if they do not all take the same, so that the counter counts time.
 */
uint64_t tsc_calibrate(void);

/* "instructions" or "cycles", for the answer of tsc_calibrate. */
const char *tsc_unit(uint64_t scale);

/* Ticks in that unit. */
uint64_t tsc_in_units(uint64_t scale, uint64_t ticks);

#endif
