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

/* Tells what the shared page begins with, writes there, and tells what the page begins and ends with then. */
PROGRAM void program_writes(void)
{
    volatile uint64_t *shared = (volatile uint64_t *)PROGRAM_SHARED;
    volatile uint64_t on_stack = *shared; /* the stack, too, is filled when it is touched */
    uint64_t own = call(CALL_TELL, on_stack);
    *shared = own;
    call(CALL_TELL, shared[0]);
    call(CALL_TELL, shared[PAGING_PAGE_BYTES / sizeof *shared - 1]);
    for (;;)
        call(CALL_END, own);
}

/* Reads what is the kernel's. */
PROGRAM void program_intrudes(void)
{
    uint64_t found = *(volatile uint64_t *)BOOT_IMAGE;
    for (;;)
        call(CALL_END, found);
}
