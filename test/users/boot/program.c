/* SPDX-License-Identifier: MIT */
/*
 * program.c - what runs in ring 3. It is linked into a page of its own in the image (kernel.lds), which the
 * kernel maps into a program's lower half: so it uses no variables, and calls nothing.
 */
#include "program.h"

#define PROGRAM __attribute__((section(".program"), noreturn))

static inline __attribute__((always_inline)) uint64_t call(uint64_t number, uint64_t argument)
{
    uint64_t result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "D"(argument) : "memory");
    return result;
}

const uint64_t program_data[PROGRAM_WORDS] = {[0] = 1111, [PROGRAM_WORDS - 1] = 3333};

/* Adds one to its first word, and tells what its data begin and end with then. */
PROGRAM void program_counts(void)
{
    volatile uint64_t *data = (volatile uint64_t *)PROGRAM_DATA;
    volatile uint64_t on_stack = ++data[0]; /* the stack, too, is filled or copied when it is touched */
    call(CALL_TELL, on_stack);
    uint64_t answer = call(CALL_TELL, data[PROGRAM_WORDS - 1]);
    for (;;)
        call(CALL_END, answer);
}

/*
 * Returns the address of the kernel's data, as a constant: relative to rip it would be another one, because
 * the program does not run where it is linked.
 */
static inline __attribute__((always_inline)) volatile uint64_t *kernel_data(void)
{
    volatile uint64_t *data;
    __asm__("movq $image_data, %0" : "=r"(data));
    return data;
}

/* Reads what is the kernel's. */
PROGRAM void program_spies(void)
{
    uint64_t found = *kernel_data();
    for (;;)
        call(CALL_END, found);
}

/* Writes there, where the kernel itself may. */
PROGRAM void program_intrudes(void)
{
    *kernel_data() = 0;
    for (;;)
        call(CALL_END, 0);
}
