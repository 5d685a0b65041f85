/* SPDX-License-Identifier: MIT */
/* single_step.c - remembers the call in progress. single_step.S makes it. */
#include "cpu/single_step.h"
#include <stddef.h>

void single_step_asm(void (*call)(void *context), void *context, uint64_t stack_top)
    __attribute__((visibility("hidden")));

static struct single_step *volatile in_progress;

void single_step_call(struct single_step *step)
{
    step->instructions = 0;
    in_progress = step;
    single_step_asm(step->call, step->context, step->stack_top);
    in_progress = NULL;
}

bool single_step_taken(struct exception_frame *frame)
{
    struct single_step *step = in_progress;
    (void)frame;
    if (step == NULL)
        return false;
    /* The processor sets DR6.BS and never clears it. */
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));
    step->instructions++;
    step->observe(step->context);
    return true;
}
