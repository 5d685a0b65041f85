/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - the GDT, the IDT and the TSS (SDM 3A, chapters 3, 6 and 8).
 */
#ifndef KERNEL_CPU_DESCRIPTORS_H
#define KERNEL_CPU_DESCRIPTORS_H

#include "cpu/stack_trace.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * Replaces the descriptor tables and loads the segment registers. Every exception and every interrupt, except
 * the one below, then leads to exception_report (exceptions.h). #DF, NMI, #MC and interrupts have stacks of
 * their own, so that a broken stack is reported. A second call undoes what the functions below have changed.
 */
void descriptors_load(void);

/* Returns where these stacks are, together with that of exceptions in ring 3 and with their guard pages. */
struct byte_range descriptors_stacks(void);

/* A stack, and the page below it, which somebody has to unmap (boot/stack_guards.h). */
struct guarded_stack {
    const char *name; /* with its article: "the stack of interrupts" */
    uint64_t guard;   /* the first address of the page */
    struct byte_range bytes;
};

/* Returns one of these stacks, 0 to DESCRIPTORS_STACKS - 1: four by IST, and that of exceptions in ring 3. */
enum { DESCRIPTORS_STACKS = 5 };
struct guarded_stack descriptors_stack(unsigned number);

enum { USER_INTERRUPT = 32 }; /* a vector that only descriptors_set_gate uses */

/*
 * Lets a vector, at most USER_INTERRUPT, lead to a handler of the caller's, which gets registers and stack as
 * the processor leaves them. `from_user` allows ring 3 to raise the vector with INT.
 */
void descriptors_set_gate(unsigned vector, const void *handler, bool from_user);

/* Makes the LDT one descriptor at this address, which must be mapped only when the LDT is used. */
void descriptors_set_ldt(uint64_t address);

#endif
