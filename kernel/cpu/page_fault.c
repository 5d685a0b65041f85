/* SPDX-License-Identifier: MIT */
/* page_fault.c - walks to the address of a page fault and compares the entries with the error code. */
#include "cpu/page_fault.h"
#include <selfmap/check_access.h>
#include <selfmap/translate.h>

/* Returns whether an entry of any level forbids the access by its rights alone. */
static bool forbids(paging_entry_t entry, uint64_t error_code)
{
    if ((error_code & PAGING_FAULT_USER) && !(entry.bits & PAGING_USER))
        return true;
    if ((error_code & PAGING_FAULT_WRITE) && !(entry.bits & PAGING_WRITABLE))
        return true;
    return (error_code & PAGING_FAULT_FETCH) && (entry.bits & PAGING_NO_EXECUTE);
}

static void explain_rights(struct format_sink *sink, const struct paging_walk_result *walk,
                           uint64_t error_code)
{
    for (unsigned level = walk->top; level >= walk->level; level--) {
        paging_entry_t entry = walk->entries[level];
        if (!forbids(entry, error_code))
            continue;
        format(sink, "the P%u entry %016lx says %s%s%s", level, entry.bits,
               (error_code & PAGING_FAULT_USER) && !(entry.bits & PAGING_USER) ? "supervisor only, " : "",
               entry.bits & PAGING_WRITABLE ? "writable, " : "read-only, ",
               entry.bits & PAGING_NO_EXECUTE ? "no-execute" : "executable");
        return;
    }
    format(sink, "the tables allow it (P%u entry %016lx): SMEP, SMAP, a stale TLB entry, or changed since",
           walk->level, walk->entries[walk->level].bits);
}

/* Names the entry at which the walk ended, in a sentence that suits the status and the error code. */
static void explain_walk(struct format_sink *sink, enum paging_status status,
                         const struct paging_walk_result *walk, uint64_t error_code)
{
    uint64_t last = walk->entries[walk->level].bits;
    if (error_code & PAGING_FAULT_RESERVED)
        format(sink, "a reserved bit is set, the walk ends at the P%u entry %016lx", walk->level, last);
    else if (status == PAGING_OK && (error_code & PAGING_FAULT_PRESENT))
        explain_rights(sink, walk, error_code);
    else if (status == PAGING_OK)
        format(sink, "the tables map it now (P%u entry %016lx)", walk->level, last);
    else
        format(sink, "%s, the walk stopped at the P%u entry %016lx", paging_status_name(status), walk->level,
               last);
}

void explain_page_fault(struct format_sink *sink, const struct paging_space *active, struct page_fault fault)
{
    format(sink, "%s %s %016lx: ", fault.error_code & PAGING_FAULT_USER ? "user" : "supervisor",
           fault.error_code & PAGING_FAULT_FETCH   ? "fetch from"
           : fault.error_code & PAGING_FAULT_WRITE ? "write to"
                                                   : "read from",
           fault.address.value);
    uint64_t root = fault.cr3 & PAGING_FRAME_MASK;
    if (active == NULL || paging_root_address(active).value != root) {
        format(sink, "CR3 holds the root %lx, and no space with that root is known to be active", root);
        return;
    }
    struct paging_walk_result walk;
    enum paging_status status = paging_walk_address(active, fault.address, &walk);
    if (status == PAGING_NOT_CANONICAL)
        format(sink, "the address is not canonical");
    else if (status == PAGING_UNREACHABLE)
        format(sink, "the tables cannot be reached, so the entry is not known");
    else
        explain_walk(sink, status, &walk, fault.error_code);
}
