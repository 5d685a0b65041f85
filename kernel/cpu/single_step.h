/*
 * single_step.h - run a call one instruction at a time.
 *
 * With RFLAGS.TF set the processor raises #DB after each instruction (SDM 3B, 17.3.1.4), INVLPG and loads of
 * control registers included; of a REP, after each repetition.
 */
#ifndef KERNEL_CPU_SINGLE_STEP_H
#define KERNEL_CPU_SINGLE_STEP_H

#include <stdbool.h>
#include <stdint.h>

struct single_step {
    void (*call)(void *context);
    void (*look)(void *context); /* after each of its instructions; it may probe (safe_access.h) */
    void *context;
    uint64_t stack_top;    /* of a stack for the call, and for the exceptions in it; 0: the one in use */
    uint64_t instructions; /* how many there were */
};

/* One call at a time: what it calls must not step. */
void single_step_call(struct single_step *stepped);

/* For the exception handler: #DB has come. False if nobody steps. */
bool single_step_taken(void);

#endif
