/* SPDX-License-Identifier: MIT */
/*
 * page_fault.h - explains a page fault in words.
 */
#ifndef KERNEL_CPU_PAGE_FAULT_H
#define KERNEL_CPU_PAGE_FAULT_H

#include "console/format.h"
#include <selfmap/space.h>

/* What the processor says about a page fault. */
struct page_fault {
    paging_virt_t address; /* CR2 */
    uint64_t error_code;   /* PAGING_FAULT_* (selfmap/check_access.h) */
    uint64_t cr3;          /* CR3 when the access was made */
};

/*
 * Writes one sentence: the access that was tried, its address, and the entry that stood in its way, with its
 * level. `active` is the space that is believed to be active, or NULL. If CR3 holds another root, or if the
 * space's tables cannot be reached, the sentence says so and names no entry.
 */
void explain_page_fault(struct format_sink *sink, const struct paging_space *active, struct page_fault fault);

#endif
