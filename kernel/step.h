/*
 * step.h - run a call one instruction at a time.
 *
 * With RFLAGS.TF set the processor raises #DB after each instruction (SDM 3B, 17.3.1.4), INVLPG and loads of
 * control registers included; of a REP, after each repetition.
 */
#ifndef KERNEL_STEP_H
#define KERNEL_STEP_H

#include <stdbool.h>
#include <stdint.h>

struct stepped {
    void (*call)(void *context);
    void (*look)(void *context); /* after each of its instructions; it may probe (probe.h) */
    void *context;
    uint64_t stack_top;    /* of a stack for the call, and for the exceptions in it; 0: the one in use */
    uint64_t instructions; /* how many there were */
};

/* One call at a time: what it calls must not step. */
void step_through(struct stepped *stepped);

/* For the exception handler: #DB has come. False if nobody steps. */
bool step_taken(void);

#endif
