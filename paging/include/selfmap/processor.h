/* SPDX-License-Identifier: MIT */
/*
 * processor.h - what the core has to know about the processor, and how it must be set up for the core.
 *
 * The operations need none of this: a kernel may fill struct paging_cpu and program the PAT itself. All
 * functions here are for ring 0, and for the processor they run on.
 */
#ifndef SELFMAP_PROCESSOR_H
#define SELFMAP_PROCESSOR_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Returns what CPUID and CR4 say about this processor. `levels` is what CR4.LA57 says now. No-execute counts
 * as usable if the processor has it, whatever EFER.NXE says now: call paging_no_execute_enable before tables
 * that use it are loaded. If that is forgotten, the first access to a page with PAGING_NO_EXECUTE is a page
 * fault (PAGING_FAULT_RESERVED), and a triple fault if the handler's stack or the IDT is such a page.
 */
struct paging_cpu paging_cpu_read(void);

/*
 * Sets EFER.NXE, without which bit 63 of an entry is reserved (SDM 3A, 4.1.1). Returns false, and writes
 * nothing, if the processor does not have no-execute.
 */
bool paging_no_execute_enable(void);

/* Memory types as the PAT encodes them (SDM 3A, table 12-10). */
enum paging_memory_type {
    PAGING_TYPE_UNCACHED = 0,
    PAGING_TYPE_WRITE_COMBINING = 1,
    PAGING_TYPE_WRITE_THROUGH = 4,
    PAGING_TYPE_WRITE_PROTECTED = 5,
    PAGING_TYPE_WRITE_BACK = 6,
    PAGING_TYPE_UNCACHED_MINUS = 7
};

/* Entry 0 to 7 of a PAT. */
#define PAGING_PAT_ENTRY(number, type) ((uint64_t)(type) << (8 * (number)))

/*
 * The PAT that PAGING_CACHE_... stand for (entry.h): write-back, write-through, uncached-minus and write-
 * combining in entries 0 to 3; the first three again in entries 4 to 6; uncached in entry 7.
 */
#define PAGING_PAT_CACHED                                                                           \
    (PAGING_PAT_ENTRY(0, PAGING_TYPE_WRITE_BACK) | PAGING_PAT_ENTRY(1, PAGING_TYPE_WRITE_THROUGH) | \
     PAGING_PAT_ENTRY(2, PAGING_TYPE_UNCACHED_MINUS))
#define PAGING_PAT_OF_THE_CORE                                                                        \
    (PAGING_PAT_CACHED | PAGING_PAT_ENTRY(3, PAGING_TYPE_WRITE_COMBINING) | PAGING_PAT_CACHED << 32 | \
     PAGING_PAT_ENTRY(7, PAGING_TYPE_UNCACHED))

/*
 * Programs the PAT with `pat`, most often PAGING_PAT_OF_THE_CORE (SDM 3A, 12.12). Interrupts are off,
 * CR4.PGE is off, and no other processor runs. Flushes the caches twice, and everything in the TLB except
 * global pages. Returns false, and does nothing, if the processor has no PAT.
 */
bool paging_pat_program(uint64_t pat);

PAGING_END_C

#endif
