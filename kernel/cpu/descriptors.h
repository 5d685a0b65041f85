/*
 * descriptors.h - our own GDT, IDT and TSS (SDM 3A, chapters 3, 6 and 8).
 */
#ifndef KERNEL_CPU_DESCRIPTORS_H
#define KERNEL_CPU_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Replace the firmware's descriptor tables and segment registers. From here on every exception reaches
 * faults.c; #DF, NMI and #MC have stacks of their own, so that a broken stack is reported and not fatal.
 */
void descriptors_load(void);

enum { USER_INTERRUPT = 32 }; /* a vector that is there for descriptors_set_gate alone */

/*
 * Until descriptors_load is called again: a vector, up to USER_INTERRUPT, leads to this handler, which gets
 * the processor as the exception left it. from_user: ring 3 may come here with INT.
 */
void descriptors_set_gate(unsigned vector, const void *handler, bool from_user);

/* As long: the LDT is one descriptor at this address, which needs not be mapped before it is used. */
void descriptors_set_ldt(uint64_t address);

#endif
