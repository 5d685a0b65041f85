/* SPDX-License-Identifier: MIT */
/*
 * guarded_load.h - a load of an entry that may fault without harm.
 *
 * A page fault handler asks what the tables say about an address, and may do so at the worst time: in the
 * middle of an operation, with a space that is not the active one any more, or with tables that somebody has
 * destroyed. If the load of an entry faulted then, the handler would ask again about that fault, until the
 * stack is used up. paging_walk_address and paging_check_access therefore load every entry by one instruction
 * that the handler knows, and answer PAGING_UNREACHABLE if that instruction faults.
 *
 * For this the page fault handler calls paging_resume_fault before anything else:
 *
 *     if (paging_resume_fault(&frame->rip))
 *         return;
 *
 * Where no handler does, the load faults as any other.
 *
 * The load faults while the handler runs. If page faults have a stack by IST (SDM 3A, 6.14.5), the second
 * frame is written over the first one: before it asks, such a handler has to lower that entry of the TSS by
 * what it, an operation of the core (less than 2 KiB) and the frame source use, and to raise it again before
 * it returns. To call paging_resume_fault it need not.
 */
#ifndef SELFMAP_GUARDED_LOAD_H
#define SELFMAP_GUARDED_LOAD_H

#include <selfmap/language.h>
#include <stdbool.h>
#include <stdint.h>

PAGING_BEGIN_C

/*
 * Returns whether the instruction at `*rip`, which has faulted, is that load. If so, stores where to continue
 * instead: there the load returns that it has failed. For #PF, and for #GP, by which an address that is not
 * canonical faults. Changes nothing else, and may be called at any time.
 */
bool paging_resume_fault(uint64_t *rip);

PAGING_END_C

#endif
