/* SPDX-License-Identifier: MIT */
/* guarded_load.c - the one load that may fault, and where the page fault handler lets it continue. */
#include <selfmap/guarded_load.h>

#include <selfmap/access.h>

#ifndef PAGING_EMULATES_GUARDED_LOAD

/* The load is the first instruction of paging_entry_load_guarded(entry, value). */
extern const char paging_guarded_load_failed[] __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl paging_entry_load_guarded\n"
        ".hidden paging_entry_load_guarded\n"
        ".type paging_entry_load_guarded, @function\n"
        ".hidden paging_guarded_load_failed\n"
        ".globl paging_guarded_load_failed\n"
        "paging_entry_load_guarded:\n"
        "    mov (%rdi), %rax\n"
        "    mov %rax, (%rsi)\n"
        "    mov $1, %eax\n"
        "    ret\n"
        "paging_guarded_load_failed:\n"
        "    xor %eax, %eax\n"
        "    ret\n"
        ".size paging_entry_load_guarded, . - paging_entry_load_guarded\n");

#endif

bool paging_resume_fault(uint64_t *rip)
{
#ifdef PAGING_EMULATES_GUARDED_LOAD
    /* An emulated processor answers the load by itself, so that no instruction of the core faults. */
    (void)rip;
    return false;
#else
    if (*rip != (uintptr_t)paging_entry_load_guarded)
        return false;
    *rip = (uintptr_t)paging_guarded_load_failed;
    return true;
#endif
}
