/*
 * check_access.h - will the processor allow an access? And if not, with what error code?
 *
 * A model of SDM 3A, 4.6 (rights, 4.6.2 protection keys of user pages) and 4.7 (the error code), without
 * protection keys of supervisor pages, shadow stacks and SGX. It answers for the tables as they are now: what
 * a TLB still remembers, it cannot know. kernel/selftest/matrix/matrix.h asks a processor whether all of it is true.
 */
#ifndef SELFMAP_CHECK_ACCESS_H
#define SELFMAP_CHECK_ACCESS_H

#include <selfmap/space.h>

enum paging_access_kind { PAGING_READ, PAGING_WRITE, PAGING_FETCH };

/* What the answer depends on, besides the tables. EFER.NXE is on if the space's cpu.has_no_execute. */
struct paging_access {
    enum paging_access_kind kind;
    bool user;          /* in ring 3; else supervisor mode */
    bool write_protect; /* CR0.WP */
    bool smep, smap;    /* CR4.SMEP, CR4.SMAP */
    bool ac;            /* RFLAGS.AC: supervisor may touch user data in spite of SMAP */
    /*
     * The processor itself reads or writes one of its tables (GDT, LDT, IDT, TSS; 4.6, "implicit"): the
     * supervisor's access in every ring, and AC counts for nothing. user and ac are ignored then.
     */
    bool implicit;
    bool protection_keys; /* CR4.PKE; then */
    uint32_t pkru;        /* two bits per key: 1 forbids all access to data, 2 forbids to write */
};

/* Bits of a page fault's error code (SDM 3A, figure 4-12). */
#define PAGING_FAULT_PRESENT  ((uint64_t)1 << 0) /* a right was missing; else a translation */
#define PAGING_FAULT_WRITE    ((uint64_t)1 << 1)
#define PAGING_FAULT_USER     ((uint64_t)1 << 2)
#define PAGING_FAULT_RESERVED ((uint64_t)1 << 3)
#define PAGING_FAULT_FETCH    ((uint64_t)1 << 4)
#define PAGING_FAULT_KEY      ((uint64_t)1 << 5) /* the page's protection key forbids it, whatever else does */

/*
 * PAGING_OK: the access succeeds, and *error_code is untouched. Otherwise it faults:
 *
 *   PAGING_UNREACHABLE                     the tables cannot be looked at; *error_code is untouched
 *   PAGING_NOT_CANONICAL                    #GP; *error_code is untouched
 *   PAGING_NOT_MAPPED, PAGING_MARKED      #PF with *error_code: no translation
 *   PAGING_MALFORMED                        #PF with *error_code: a reserved bit
 *   PAGING_DENIED                           #PF with *error_code: no right
 */
PAGING_MUST_CHECK enum paging_status paging_check_access(const struct paging_space *space,
                                                         paging_virt_t address, struct paging_access access,
                                                         uint64_t *error_code);

#endif
