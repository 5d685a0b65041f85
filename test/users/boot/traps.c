/* SPDX-License-Identifier: MIT */
/* traps.c - what becomes of an exception, and of a program's call. */
#include "program.h"
#include "selectors.h"

/* As traps.S pushes them, the last first; from rip on the processor does (SDM 3A, figure 6-9). */
struct trap {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error_code, rip, cs, rflags, rsp, ss;
};

struct boot_fault boot_fault;
extern uint64_t boot_way_back;
static bool handling;

void trap(struct trap *trap);

uint64_t *program_told, program_tellings;

static uint64_t program_call(uint64_t number, uint64_t argument)
{
    if (number == CALL_END)
        boot_leave(argument);
    if (number == CALL_TELL)
        program_told[program_tellings++] = argument;
    return PROGRAM_REPLY;
}

/*
 * The handler runs the core, which may be in the middle of an operation when a fault comes from the core
 * itself. Such a fault must not ask the core again, or it goes round until the stack is gone: it is the end.
 */
void trap(struct trap *trap)
{
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    if (handling)
        bail_out("an exception inside a handler, at", trap->rip);
    handling = true;
    bool from_program = trap->cs & 3;
    if (trap->vector == CALL_VECTOR) {
        handling = false; /* a call may end the program */
        trap->rax = program_call(trap->rax, trap->rdi);
    } else if (trap->vector != PAGE_FAULT || !kernel_page_fault(address, trap->error_code)) {
        if (boot_way_back == 0)
            bail_out(from_program ? "a program's exception at" : "an exception at", trap->rip);
        boot_fault = (struct boot_fault){trap->vector, trap->error_code, address};
        handling = false;
        boot_leave(BOOT_FAULT);
    }
    handling = false;
}
