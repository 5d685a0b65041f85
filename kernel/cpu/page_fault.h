/* SPDX-License-Identifier: MIT */
/*
 * page_fault.h - explains a page fault in words.
 */
#ifndef KERNEL_CPU_PAGE_FAULT_H
#define KERNEL_CPU_PAGE_FAULT_H

#include "console/format.h"
#include <selfmap/space.h>

/* What the processor says about a page fault, and the registers that have decided about the access. */
struct page_fault {
    paging_virt_t address; /* CR2 */
    uint64_t error_code;   /* PAGING_FAULT_* (selfmap/check_access.h) */
    uint64_t cr0, cr3, cr4;
    uint64_t rflags, cs; /* of the interrupted code */
    uint32_t pkru;       /* with CR4.PKE; else any value */
};

/*
 * Writes one sentence: the access that was tried, its address, and what refused it: the entry that stood in
 * its way, with its level, or the control that forbids it (CR0.WP, SMEP, SMAP, a protection key). If several
 * did, each of them. If nothing refuses it now, the sentence says that. `active` is the space that is
 * believed to be active, or NULL. If CR3 holds another root, or if the space's tables cannot be reached, the
 * sentence says so and names no entry.
 *
 * Loads entries by guarded loads only, so it may be called whatever the fault has interrupted. Costs a walk,
 * and up to nine more if a right was missing.
 */
void explain_page_fault(struct format_sink *sink, const struct paging_space *active, struct page_fault fault);

#endif
