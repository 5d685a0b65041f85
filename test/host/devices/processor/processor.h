/* SPDX-License-Identifier: MIT */
/*
 * processor.h - a processor that is made up: its registers, what CPUID says, and what was done to it.
 */
#ifndef TEST_HOST_DEVICES_PROCESSOR_PROCESSOR_H
#define TEST_HOST_DEVICES_PROCESSOR_PROCESSOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/processor/cpu/instructions.h"

struct processor {
    uint64_t cr0, cr2, cr3, cr4, dr7, flags;
    uint32_t pkru;             /* read only with CR4.PKE */
    uint64_t tsc, tsc_step;    /* each reading of the time stamp counter finds it so much further */
    uint64_t (*counter)(void); /* asked instead of that, if it is there */
    struct descriptor_table gdt, idt;
    uint64_t descriptors[16]; /* of the GDT, as they were when it was loaded, or a selector of it */
    uint16_t ldt;
    struct cpuid beyond; /* what CPUID answers for a leaf that it does not have */
    jmp_buf *halt;       /* where cpu_halt leads; without it, halting fails the test */
    bool (*reads)(uint32_t msr, uint64_t *value); /* asked first, if it is there */
    bool (*writes)(uint32_t msr, uint64_t value);
    char done[1024]; /* all that was written, in its order: "cr0=31 msr 277=6 caches " */
};

extern struct processor processor;

/* Makes a processor whose registers are zero, without a leaf of CPUID or a model-specific register. */
void processor_begin(void);

/* Give it a leaf of CPUID, and a model-specific register. An access to another one fails the test. */
void processor_has_leaf(uint32_t leaf, struct cpuid answer);
void processor_has_msr(uint32_t msr, uint64_t value);

/* Returns what a model-specific register holds. */
uint64_t processor_msr(uint32_t msr);

/* Asserts what was written since the beginning, or since the last call. */
#define assert_done(text)                          \
    do {                                           \
        assert_string_equal(processor.done, text); \
        processor.done[0] = '\0';                  \
    } while (0)

#endif
