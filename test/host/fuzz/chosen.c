/* chosen.c - the mutant is the one whose number is in the environment. */
#include "rig/rig.h"

extern unsigned chosen_mutant;
unsigned chosen_mutant;

static void __attribute__((constructor)) choose(void)
{
    chosen_mutant = (unsigned)rig_environment("MUTANT", 0);
}
