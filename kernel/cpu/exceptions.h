/*
 * exceptions.h - exceptions, in words.
 */
#ifndef KERNEL_CPU_EXCEPTIONS_H
#define KERNEL_CPU_EXCEPTIONS_H

#include "boot/handoff.h"
#include "console/format.h"
#include <selfmap/check_access.h>

/* Registers as interrupts.S leaves them on the stack, lowest address first. */
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
    MACHINE_CHECK = 18
};

/* Whose tables, image and stack exceptions are explained with. */
void faults_use(const struct handoff *handoff);

/* One sentence: what was tried, at what address, and which entry at which level stood in the way. */
void explain_page_fault(struct sink *sink, const struct paging_space *space, paging_virt_t address,
                        uint64_t error_code);

/* Called by interrupts.S. Comes back only from a fault that a probe expected, and from a step. */
void exception_report(struct exception_frame *frame) __attribute__((visibility("hidden")));

#endif
