/*
 * matrix.h - the access matrix: does the processor do what paging_check_access predicts, in every case?
 *
 * A case is an entry for a page, an entry of a table above it, a state of the control registers, and an
 * access. The two entries are written by hand, every combination of their bits; all others allow everything.
 * The access is then made, in ring 0 or in ring 3, and compared with the prediction are
 *
 *   whether it faults, the exact error code, and CR2;
 *   the word that was read, or that memory holds afterwards;
 *   the exact entries of all levels afterwards: accessed and dirty as SDM 3A, 4.8 has them.
 *
 * All this happens on tables of its own, whose root is loaded meanwhile: one root for EFER.NXE on, and one
 * without a single no-execute bit for EFER.NXE off, where those are reserved. Both are made by the core, by
 * offset, in a 2 MiB run of memory.
 *
 * What the emulator does differently is known (matrix/judge.c, CAVEATS.md), accepted there alone, and
 * counted.
 */
#ifndef KERNEL_SELFTEST_MATRIX_MATRIX_H
#define KERNEL_SELFTEST_MATRIX_MATRIX_H

#include "frames/arena.h"
#include "selftest/selftest.h"
#include <selfmap/check_access.h>

/* As access.S counts them. The last is the processor's own access to its LDT. */
enum matrix_kind { MATRIX_READ, MATRIX_WRITE, MATRIX_FETCH, MATRIX_IMPLICIT, MATRIX_KINDS };
enum { MATRIX_CODE_BYTES = 16 }; /* of each; all run wherever they are copied */

/* A page of some size, and the entries that lead to it, by level. */
struct matrix_place {
    unsigned size;
    paging_virt_t address; /* of the word that is accessed; it is the same word in each place */
    volatile paging_entry_t *slots[PAGING_MAX_LEVELS + 1];
    paging_entry_t plain[PAGING_MAX_LEVELS + 1]; /* what the core wrote: all is allowed */
};

/* Control registers for a while. */
struct matrix_controls {
    bool no_execute, write_protect, smep, smap, protection_keys;
    uint32_t pkru;
};

struct matrix {
    struct selftest_run *t;
    paging_frame_t run; /* of 2 MiB: the word and the code for ring 3 in the first frames, then tables */
    struct arena arena;
    struct paging_space spaces[2]; /* with EFER.NXE off, and on */
    struct matrix_place places[2][PAGING_1G + 1];
    volatile uint64_t *word; /* how we see it: in slots of the root that the cases leave alone */
    paging_virt_t user_code; /* matrix_code once more, for ring 3 */
    uint64_t cr0, cr4;       /* as they were */
    bool has_1g, emulated;   /* 1 GiB pages can be had; QEMU's processor */
    uint64_t cases, faults;  /* so far */
    uint64_t accepted[3];    /* as only the emulator does it: enum matrix_deviation */
    uint64_t differences;    /* neither */
    uint64_t next;           /* where the sample goes on */
    bool away;               /* from the root and the registers as they were */
    struct matrix_controls controls;
};

/* Bits that the cases vary, and bits that are the same in all. */
struct matrix_axes {
    uint64_t leaf[8], above[8]; /* each on and off; the first zero ends them */
    uint64_t leaf_too, above_too;
};

/* Cases that have all but the entries in common. */
struct matrix_query {
    const struct matrix_place *place;
    unsigned above; /* level of the other entry that varies */
    enum matrix_kind kind;
    struct paging_access is; /* as the prediction is told */
};

/*
 * Build the tables, and let page faults lead to access.S. False, and t->skip or t->failed is set: it cannot
 * be done here. matrix_close undoes all of it, in either case.
 */
bool matrix_open(struct matrix *m, struct selftest_run *t);
void matrix_close(struct matrix *m);

/* Set the control registers, and load the root that suits them. */
void matrix_control(struct matrix *m, struct matrix_controls controls);

/* Try every combination of the axes' bits, or a sample of them: each `stride`th. */
void matrix_try(struct matrix *m, const struct matrix_query *query, const struct matrix_axes *axes,
                unsigned stride);

/* What the processor did: the page fault's error code and CR2, or MATRIX_NO_FAULT and the word. */
#define MATRIX_NO_FAULT 0xffffffffu
struct matrix_outcome {
    uint64_t code, word;
};

/* Where the emulator is known to differ: case.c. */
enum matrix_deviation { DEVIATION_RESERVED, DEVIATION_ACCESSED, DEVIATION_IMPLICIT, DEVIATIONS };

/* One case: write the entries, predict, make the access, and compare. A difference is told in words. */
void matrix_case(struct matrix *m, const struct matrix_query *query, paging_entry_t leaf,
                 paging_entry_t above);

/*
 * What must come of a case: MATRIX_NO_FAULT or the error code, and the entries afterwards, by level. Those of
 * levels from `loose` on may be marked as accessed even if they are not here.
 */
struct matrix_verdict {
    uint64_t code;
    paging_entry_t entries[PAGING_MAX_LEVELS + 1];
    unsigned end; /* level of the entry at which the walk ends */
    unsigned loose;
};

/* Print a difference: the case with the entries it began with, what was predicted of it, and what came. */
void matrix_tell(const struct matrix *m, const struct matrix_query *query,
                 const struct matrix_verdict *before, const struct matrix_verdict *verdict,
                 struct matrix_outcome outcome);

#endif
