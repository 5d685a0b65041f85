/* SPDX-License-Identifier: MIT */
/*
 * exceptions.h - reports an exception in words, and the hooks that may handle it instead.
 */
#ifndef KERNEL_CPU_EXCEPTIONS_H
#define KERNEL_CPU_EXCEPTIONS_H

#include "console/format.h"
#include "cpu/stack_trace.h"
#include <selfmap/space.h>

/* Registers as exception_entries.S leaves them on the stack, lowest address first. */
struct exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss; /* pushed by the processor */
};

enum {
    DEBUG_TRAP = 1,
    NMI = 2,
    DOUBLE_FAULT = 8,
    GENERAL_PROTECTION = 13,
    PAGE_FAULT = 14,
    MACHINE_CHECK = 18,
    FIRST_INTERRUPT = 32 /* the vectors from here on are no exceptions */
};

/* What exceptions are explained with. */
struct exception_context {
    uint64_t image_base;  /* instruction pointers are printed relative to it as well */
    const char *build_id; /* in hexadecimal; tells which symbols suit them */
    uint64_t stack_guard; /* the page below the stack, not mapped */
    uint64_t stack_top;
    struct byte_range loader_stack;                /* used before the kernel has its own */
    const char *(*name_at)(paging_virt_t address); /* what is mapped there, or NULL */
    /* Writes what else is known about the page fault that no hook has handled, in lines; may be NULL. */
    void (*explain_fault)(struct format_sink *sink);
};

/*
 * What happens with exceptions. The first three may be NULL. They return true if the exception is handled;
 * the interrupted code then continues with the registers in *frame.
 */
struct exception_hooks {
    bool (*single_step)(struct exception_frame *frame); /* for DEBUG_TRAP; asked first */
    bool (*expected_fault)(
        struct exception_frame *frame);               /* for all except NMI, #DF (safe_access.h) and #MC */
    bool (*interrupt)(struct exception_frame *frame); /* for FIRST_INTERRUPT and more */
    void (*fatal)(const char *exception);             /* ends the run; does not return */
};

/* Set the context and the hooks. Called before descriptors_load, so that no exception finds them empty. */
void exceptions_set_context(struct exception_context context);
void exceptions_set_hooks(struct exception_hooks hooks);

/*
 * What an exception is explained by: registers of the interrupted code. Control registers are those of now.
 */
struct exception_cause {
    uint64_t vector, error_code;
    uint64_t address; /* CR2, for #PF and #DF */
    uint64_t rsp, cs, rflags;
};

/*
 * Writes what a report begins with: the exception's name and error code, and sentences, each with its line
 * end. Page faults are explained in the space whose root CR3 holds (page_fault.h, known_spaces.h).
 */
void exceptions_explain(struct format_sink *sink, const struct exception_cause *cause);

/*
 * Handles an exception; called by exception_entries.S. Returns only if a hook has handled it. Otherwise
 * prints what happened and calls the hook `fatal`.
 */
void exception_report(struct exception_frame *frame) __attribute__((visibility("hidden")));

#endif
