/* SPDX-License-Identifier: MIT */
/*
 * check_access.h - predict whether the processor allows an access, and the error code if it does not.
 *
 * A model of SDM 3A, 4.6 (rights, and 4.6.2, protection keys of user pages) and 4.7 (the error code), without
 * protection keys of supervisor pages, shadow stacks and SGX. It answers for the tables as they are now; what
 * a TLB still holds, it cannot know.
 */
#ifndef SELFMAP_CHECK_ACCESS_H
#define SELFMAP_CHECK_ACCESS_H

#include <selfmap/space.h>

PAGING_BEGIN_C

enum paging_access_kind { PAGING_READ, PAGING_WRITE, PAGING_FETCH };

/* What the answer depends on besides the tables. EFER.NXE is on if the space's cpu.has_no_execute. */
struct paging_access {
    enum paging_access_kind kind;
    bool user;          /* in ring 3; otherwise supervisor mode */
    bool write_protect; /* CR0.WP */
    bool smep, smap;    /* CR4.SMEP, CR4.SMAP */
    bool ac;            /* RFLAGS.AC: supervisor mode may access user data despite SMAP */
    /*
     * The processor itself reads or writes one of its tables (GDT, LDT, IDT, TSS; "implicit" in 4.6): a
     * supervisor access in every ring, for which AC counts for nothing. user and ac are ignored then.
     */
    bool implicit;
    bool protection_keys; /* CR4.PKE */
    uint32_t pkru;        /* with PKE: two bits per key, 1 forbids all access to data, 2 forbids writes */
};

/* Bits of a page fault's error code (SDM 3A, figure 4-12). */
#define PAGING_FAULT_PRESENT  ((uint64_t)1 << 0) /* a right was missing; clear: a translation was */
#define PAGING_FAULT_WRITE    ((uint64_t)1 << 1)
#define PAGING_FAULT_USER     ((uint64_t)1 << 2)
#define PAGING_FAULT_RESERVED ((uint64_t)1 << 3)
#define PAGING_FAULT_FETCH    ((uint64_t)1 << 4)
#define PAGING_FAULT_KEY      ((uint64_t)1 << 5) /* the page's protection key forbids it */

/*
 * Returns PAGING_OK if the access succeeds. Otherwise it faults:
 *
 *   PAGING_UNREACHABLE                 the tables cannot be read (as for paging_walk_address); *error_code is
 *                                      untouched
 *   PAGING_NOT_CANONICAL               #GP; *error_code is untouched
 *   PAGING_NOT_MAPPED, PAGING_MARKED, PAGING_BUSY   #PF with *error_code: no translation
 *   PAGING_MALFORMED                   #PF with *error_code: a reserved bit
 *   PAGING_DENIED                      #PF with *error_code: a missing right
 */
PAGING_MUST_CHECK enum paging_status paging_check_access(const struct paging_space *space,
                                                         paging_virt_t address, struct paging_access access,
                                                         uint64_t *error_code);

PAGING_END_C

#endif
