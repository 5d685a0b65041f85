/* SPDX-License-Identifier: MIT */
/*
 * safe_access.h - accesses memory where a fault is expected, and returns how the access ended.
 */
#ifndef KERNEL_CPU_SAFE_ACCESS_H
#define KERNEL_CPU_SAFE_ACCESS_H

#include "cpu/exceptions.h"

enum safe_access_kind { SAFE_READ, SAFE_WRITE, SAFE_FETCH, SAFE_PUSH };

struct safe_access {
    uint64_t resume_ip, resume_sp; /* for safe_access.S, which expects these two first and value third */
    uint64_t value;                /* the word that was read */
    bool faulted;
    uint64_t vector, error_code, address; /* of the fault; address is CR2 for #PF and #DF, else 0 */
    uint64_t rsp;                         /* when it came */
};

/*
 * Read or write eight bytes at the address, or call it (code that returns must be there). A fault ends the
 * access only. One access at a time.
 */
struct safe_access safe_read(paging_virt_t address);
struct safe_access safe_write(paging_virt_t address, uint64_t value);
struct safe_access safe_fetch(paging_virt_t address);

/*
 * Pushes eight bytes with the address as the stack pointer, and continues on the stack of before. Where the
 * push faults the exception cannot be delivered either, unless it has a stack of its own: it becomes #DF,
 * which ends this access as any other exception does.
 */
struct safe_access safe_push(paging_virt_t address);

/* Returns whether safe_push is at work, so that #DF is the end of it. */
bool safe_push_is_running(void);

/* The hook `expected_fault` of the exception handler: ends the access in progress, if there is one. */
bool safe_access_end(struct exception_frame *frame);

#endif
