/* single_step.c - see interrupts.S for the call itself. */
#include "cpu/single_step.h"
#include <stddef.h>

void single_step_asm(void (*call)(void *context), void *context, uint64_t stack_top)
    __attribute__((visibility("hidden")));

static struct single_step *volatile under_way;

bool single_step_taken(void)
{
    struct single_step *stepped = under_way;
    if (!stepped)
        return false;
    /* The processor sets DR6.BS and leaves it to us to clear it. */
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));
    stepped->instructions++;
    stepped->look(stepped->context);
    return true;
}

void single_step_call(struct single_step *stepped)
{
    stepped->instructions = 0;
    under_way = stepped;
    single_step_asm(stepped->call, stepped->context, stepped->stack_top);
    under_way = NULL;
}
