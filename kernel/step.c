/* step.c - see interrupts.S for the call itself. */
#include "step.h"
#include <stddef.h>

void step_call(void (*call)(void *context), void *context, uint64_t stack_top)
    __attribute__((visibility("hidden")));

static struct stepped *volatile under_way;

bool step_taken(void)
{
    struct stepped *stepped = under_way;
    if (!stepped)
        return false;
    /* The processor sets DR6.BS and leaves it to us to clear it. */
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));
    stepped->instructions++;
    stepped->look(stepped->context);
    return true;
}

void step_through(struct stepped *stepped)
{
    stepped->instructions = 0;
    under_way = stepped;
    step_call(stepped->call, stepped->context, stepped->stack_top);
    under_way = NULL;
}
