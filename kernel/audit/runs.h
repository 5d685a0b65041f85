/* SPDX-License-Identifier: MIT */
/*
 * runs.h - what the files of this room share about runs.
 */
#ifndef KERNEL_AUDIT_RUNS_H
#define KERNEL_AUDIT_RUNS_H

#include "audit/audit.h"
#include <selfmap/processor.h>

/* Returns the type of a leaf with these flags: PAGING_TYPE_... (SDM 3A, table 12-10). */
static inline unsigned audit_memory_type(const struct audit *audit, uint64_t flags)
{
    unsigned entry = (unsigned)(flags >> 3 & 3) | (unsigned)(flags >> 7 & 1) << 2;
    return (unsigned)(audit->pat >> (8 * entry)) & 7;
}

/* Returns whether code can be executed there. Without no-execute that says nothing, and is never so. */
static inline bool audit_is_executable(const struct audit *audit, uint64_t flags)
{
    return audit->judges_execution && !(flags & PAGING_NO_EXECUTE);
}

#endif
