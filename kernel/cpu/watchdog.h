/* SPDX-License-Identifier: MIT */
/*
 * watchdog.h - ends a run in which something does not end: the timer of the local APIC interrupts it.
 *
 * It counts down once, from the budget, and whoever is on time starts it again, so that a healthy run never
 * sees an interrupt. Interrupts are on from watchdog_start to watchdog_stop, except in code that switches
 * them off and in exception handlers: what hangs there is not noticed. Everything else that could interrupt
 * is masked, or has a lower priority than the processor has.
 */
#ifndef KERNEL_CPU_WATCHDOG_H
#define KERNEL_CPU_WATCHDOG_H

#include "cpu/exceptions.h"
#include <selfmap/frame_source.h>

/* Interrupts of this priority class come through: the timer's, and the APIC's spurious one. */
enum { WATCHDOG_VECTOR = 0xf0, SPURIOUS_VECTOR = 0xff };

/*
 * Maps the registers of the local APIC, masks the others' interrupts, and switches interrupts on. Returns
 * NULL, or why there is no watchdog on this machine; then the functions below do nothing. The space is the
 * active one; new tables come from `frames`. Where nothing tells the time, the seconds are a guess. Called
 * once, when the descriptor tables are loaded.
 */
const char *watchdog_start(struct paging_space *space, struct paging_frame_source *frames, unsigned seconds);

/* The flags of the page of registers, if it is in memory; without NO_EXECUTE where there is none. */
#define WATCHDOG_REGISTER_FLAGS (PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_UNCACHED_MINUS)

/* Returns the page of registers that watchdog_start has mapped to its own address, or 0. */
uint64_t watchdog_registers(void);

/* Says what begins now, and gives it the whole budget. The text stays where it is. */
void watchdog_begin(const char *what);

/* Gives what runs the whole budget once more: it is long, and gets on. */
void watchdog_is_alive(void);

/* Switches interrupts and the timer off. */
void watchdog_stop(void);

/* Returns how many interrupts came that nobody had asked for, and the vector of the first of them. */
unsigned watchdog_unexpected(unsigned *vector);

/* ---- for exceptions.c ---- */

/*
 * The hook `interrupt`: returns true for one after which the interrupted code goes on, and false if the
 * budget is used up.
 */
bool watchdog_interrupt(struct exception_frame *frame);

/* Prints what has not ended, and within which time. */
void watchdog_explain(void);

#endif
