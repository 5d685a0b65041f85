/* SPDX-License-Identifier: MIT */
/* safe_access.c - remembers the access in progress. safe_access.S makes it. */
#include "cpu/safe_access.h"
#include "cpu/instructions.h"
#include <stddef.h>

void safe_access_asm(struct safe_access *access, enum safe_access_kind kind, paging_virt_t address,
                     uint64_t value) __attribute__((visibility("hidden")));

static struct safe_access *volatile in_progress;
static volatile bool pushes; /* it is a push */

static struct safe_access run(enum safe_access_kind kind, paging_virt_t address, uint64_t value)
{
    struct safe_access access = {.faulted = false};
    pushes = kind == SAFE_PUSH;
    in_progress = &access;
    safe_access_asm(&access, kind, address, value);
    in_progress = NULL;
    pushes = false;
    return access;
}

struct safe_access safe_read(paging_virt_t address)
{
    return run(SAFE_READ, address, 0);
}

struct safe_access safe_write(paging_virt_t address, uint64_t value)
{
    return run(SAFE_WRITE, address, value);
}

struct safe_access safe_fetch(paging_virt_t address)
{
    return run(SAFE_FETCH, address, 0);
}

struct safe_access safe_push(paging_virt_t address)
{
    return run(SAFE_PUSH, address, 0);
}

bool safe_push_is_running(void)
{
    return pushes;
}

bool safe_access_end(struct exception_frame *frame)
{
    struct safe_access *access = in_progress;
    if (access == NULL || access->faulted)
        return false;
    access->faulted = true;
    access->vector = frame->vector;
    access->error_code = frame->error_code;
    access->address = frame->vector == PAGE_FAULT || frame->vector == DOUBLE_FAULT ? read_cr2() : 0;
    access->rsp = frame->rsp;
    frame->rip = access->resume_ip;
    frame->rsp = access->resume_sp;
    return true;
}
