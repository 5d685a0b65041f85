/* SPDX-License-Identifier: MIT */
/*
 * tsc.h - the time stamp counter: whether it counts instructions or time, and moments measured with it.
 *
 * On a real processor it counts time. An emulator may count instructions instead (QEMU: -icount): every
 * instruction takes the same number of ticks, and a measurement is exact. tsc_calibrate finds out which it is
 * by running cheap and expensive loops with a known number of instructions.
 */
#ifndef KERNEL_CPU_TSC_H
#define KERNEL_CPU_TSC_H

#include <stdint.h>

/* A moment on the way from the entry point to the kernel's own tables. */
struct time_mark {
    const char *what; /* the step that begins here */
    uint64_t tsc;
    uint64_t console; /* ticks that printing on the firmware's console had taken by then */
};

/* Returns the ticks per instruction, or 0 if instructions differ, that is, if the counter counts time. */
uint64_t tsc_calibrate(void);

/* Returns "instructions" or "cycles". `scale` is the result of tsc_calibrate. */
const char *tsc_unit(uint64_t scale);

/* Returns ticks in that unit. */
uint64_t tsc_in_units(uint64_t scale, uint64_t ticks);

#endif
