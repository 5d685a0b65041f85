/* SPDX-License-Identifier: MIT */
/* tsc.c - measures loops whose number of instructions is known. */
#include "cpu/tsc.h"
#include "cpu/instructions.h"

/* Defines a function that executes the body `times` times. `dec` and `jnz` come on top of it. */
#define COUNTED_LOOP(name, body)                               \
    static __attribute__((noinline)) void name(uint64_t times) \
    {                                                          \
        __asm__ volatile("1: " body "\n\tdec %0\n\tjnz 1b"     \
                         : "+r"(times)                         \
                         : "c"(3)                              \
                         : "rax", "rdx", "cc", "memory");      \
    }

COUNTED_LOOP(cheap, "nop")
COUNTED_LOOP(dividing, "xor %%edx, %%edx\n\tmov $1000, %%eax\n\tdiv %%ecx")
COUNTED_LOOP(locked, "lock addl $0, (%%rsp)")

static const struct {
    void (*run)(uint64_t times);
    unsigned instructions;
} loops[] = {{cheap, 3}, {dividing, 5}, {locked, 3}};

/* Not inlined, so that every call executes the same instructions. */
static __attribute__((noinline)) uint64_t ticks_of(void (*run)(uint64_t), uint64_t times)
{
    uint64_t start = read_tsc();
    run(times);
    return read_tsc() - start;
}

uint64_t tsc_calibrate(void)
{
    enum { REPEATS = 5, LOOPS = sizeof loops / sizeof loops[0] };
    const uint64_t times = 500;
    uint64_t scale = 0;
    for (unsigned i = 0; i < LOOPS * REPEATS; i++) {
        /* The difference of two runs leaves out the instructions around the loop. */
        void (*run)(uint64_t) = loops[i % LOOPS].run;
        uint64_t ticks = ticks_of(run, 2 * times) - ticks_of(run, times);
        uint64_t instructions = times * loops[i % LOOPS].instructions;
        if (ticks == 0 || ticks % instructions != 0 || (scale != 0 && ticks / instructions != scale))
            return 0;
        scale = ticks / instructions;
    }
    return scale;
}

const char *tsc_unit(uint64_t scale)
{
    return scale ? "instructions" : "cycles";
}

uint64_t tsc_in_units(uint64_t scale, uint64_t ticks)
{
    return scale ? ticks / scale : ticks;
}
