/* SPDX-License-Identifier: MIT */
/*
 * single_step.h - runs a call one instruction at a time.
 *
 * With RFLAGS.TF set the processor raises #DB after each instruction (SDM 3B, 17.3.1.4), also after INVLPG
 * and loads of control registers, and after each repetition of a REP.
 */
#ifndef KERNEL_CPU_SINGLE_STEP_H
#define KERNEL_CPU_SINGLE_STEP_H

#include "cpu/exceptions.h"

struct single_step {
    void (*call)(void *context);
    void (*observe)(void *context); /* called after each instruction of the call; may use safe_access.h */
    void *context;
    uint64_t stack_top;    /* of the stack for the call and its exceptions; 0: the current stack */
    uint64_t instructions; /* how many were executed */
};

/* Runs step->call and counts its instructions. The call must not use single_step_call itself. */
void single_step_call(struct single_step *step);

/* The hook `single_step` of the exception handler: observes, if a call is in progress. */
bool single_step_taken(struct exception_frame *frame);

#endif
