/* SPDX-License-Identifier: MIT */
/* page_fault.c - walks to the address of a page fault and finds out what refused the access. */
#include "cpu/page_fault.h"
#include "cpu/page_walk.h"
#include "cpu/registers.h"
#include <selfmap/check_access.h>
#include <selfmap/translate.h>

/* What may refuse an access to a page that is mapped. */
enum refuser { BY_RIGHTS, BY_WRITE_PROTECT, BY_SMEP, BY_SMAP, BY_KEY, REFUSERS };

/* The lowest bits of CS are the privilege level. What ring 3 does not do, the processor does for itself. */
static bool is_implicit(struct page_fault fault)
{
    return (fault.cs & 3) != 0 && !(fault.error_code & PAGING_FAULT_USER);
}

/*
 * Returns the access that was made, under the rule of one refuser alone, so that the answer is its answer.
 * Keys ask for CR0.WP as well (SDM 3A, 4.6.2).
 */
static struct paging_access access_under(struct page_fault fault, enum refuser rule)
{
    bool write_protect = (fault.cr0 & CR0_WRITE_PROTECT) != 0;
    return (struct paging_access){
        .kind = fault.error_code & PAGING_FAULT_FETCH   ? PAGING_FETCH
                : fault.error_code & PAGING_FAULT_WRITE ? PAGING_WRITE
                                                        : PAGING_READ,
        .user = (fault.error_code & PAGING_FAULT_USER) != 0,
        .implicit = is_implicit(fault),
        .write_protect = (rule == BY_WRITE_PROTECT || rule == BY_KEY) && write_protect,
        .smep = rule == BY_SMEP && (fault.cr4 & CR4_SMEP) != 0,
        .smap = rule == BY_SMAP && (fault.cr4 & CR4_SMAP) != 0,
        .ac = (fault.rflags & RFLAGS_AC) != 0,
        .protection_keys = rule == BY_KEY && (fault.cr4 & CR4_PKE) != 0,
        .pkru = fault.pkru,
    };
}

static bool refuses(const struct paging_space *space, struct page_fault fault, enum refuser rule)
{
    uint64_t code = 0;
    enum paging_status status = paging_check_access(space, fault.address, access_under(fault, rule), &code);
    return status == PAGING_DENIED && (rule != BY_KEY || (code & PAGING_FAULT_KEY));
}

/* Returns whether an entry of any level forbids the access by its rights alone. */
static bool forbids(paging_entry_t entry, uint64_t error_code)
{
    if ((error_code & PAGING_FAULT_USER) && !(entry.bits & PAGING_USER))
        return true;
    if ((error_code & PAGING_FAULT_WRITE) && !(entry.bits & PAGING_WRITABLE))
        return true;
    return (error_code & PAGING_FAULT_FETCH) && (entry.bits & PAGING_NO_EXECUTE);
}

/* Names the first entry that the processor meets whose rights are not enough. */
static void name_entry(struct format_sink *sink, const struct paging_walk_result *walk, uint64_t error_code)
{
    unsigned level = walk->top;
    while (level > walk->level && !forbids(walk->entries[level], error_code))
        level--;
    uint64_t bits = walk->entries[level].bits;
    format(sink, "refused: the P%u entry %016lx says ", level, bits);
    write_rights(sink, bits);
}

static void write_refusal(struct format_sink *sink, const struct paging_walk_result *walk,
                          struct page_fault fault, enum refuser refuser)
{
    unsigned key = PAGING_KEY_OF(walk->entries[walk->level].bits);
    switch (refuser) {
    case BY_RIGHTS:
        name_entry(sink, walk, fault.error_code);
        break;
    case BY_WRITE_PROTECT:
        name_entry(sink, walk, fault.error_code);
        format(sink, ", and CR0.WP is set");
        break;
    case BY_SMEP:
        format(sink, "refused by SMEP: it is a user page");
        break;
    case BY_SMAP:
        format(sink, "refused by SMAP: it is a user page, and %s",
               is_implicit(fault) ? "the access is the processor's own" : "RFLAGS.AC is clear");
        break;
    default: /* BY_KEY */
        format(sink, "refused by protection key %u: PKRU forbids %s", key,
               fault.pkru >> 2 * key & 1 ? "reads and writes" : "writes");
    }
}

/* Where the rights are missing themselves, every rule refuses, and only a key says so of its own accord. */
static bool is_told(const struct paging_space *space, struct page_fault fault, enum refuser refuser)
{
    return refuses(space, fault, refuser) &&
           (refuser == BY_RIGHTS || refuser == BY_KEY || !refuses(space, fault, BY_RIGHTS));
}

static void explain_refusal(struct format_sink *sink, const struct paging_space *space,
                            const struct paging_walk_result *walk, struct page_fault fault)
{
    unsigned told = 0;
    for (enum refuser refuser = BY_RIGHTS; refuser < REFUSERS; refuser++) {
        if (!is_told(space, fault, refuser))
            continue;
        format(sink, told++ ? "; " : "");
        write_refusal(sink, walk, fault, refuser);
    }
    if (!told)
        format(sink, "the tables allow it now (P%u entry %016lx): a stale TLB entry, or changed since",
               walk->level, walk->entries[walk->level].bits);
}

/* Names the entry at which the walk ended, in a sentence that suits the status and the error code. */
static void explain_walk(struct format_sink *sink, const struct paging_space *space,
                         enum paging_status status, const struct paging_walk_result *walk,
                         struct page_fault fault)
{
    uint64_t last = walk->entries[walk->level].bits;
    if (fault.error_code & PAGING_FAULT_RESERVED)
        format(sink, "a reserved bit is set, the walk ends at the P%u entry %016lx", walk->level, last);
    else if (status == PAGING_OK && (fault.error_code & PAGING_FAULT_PRESENT))
        explain_refusal(sink, space, walk, fault);
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
        format(sink, "CR3 holds the root %lx, and no space with that root is known", root);
        return;
    }
    struct paging_walk_result walk;
    enum paging_status status = paging_walk_address(active, fault.address, &walk);
    if (status == PAGING_NOT_CANONICAL)
        format(sink, "the address is not canonical");
    else if (status == PAGING_UNREACHABLE)
        format(sink, "the tables cannot be reached, so the entry is not known");
    else
        explain_walk(sink, active, status, &walk, fault);
}
