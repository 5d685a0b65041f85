/* SPDX-License-Identifier: MIT */
/*
 * matrix.h - the access matrix: compares what the processor does with what paging_check_access predicts.
 *
 * A case is an entry of a page, an entry of a table above it, a state of the control registers, and an
 * access. The two entries take every combination of their bits; all other entries allow everything. The
 * access is made in ring 0 or in ring 3. Compared are
 *
 *   whether it faults, the exact error code, and CR2;
 *   the word that was read, or that memory holds afterwards;
 *   the exact entries of all levels afterwards, accessed and dirty bits included (SDM 3A, 4.8).
 *
 * The tests load roots of their own: one for EFER.NXE on, and one without no-execute bits for EFER.NXE off,
 * where those bits are reserved. The core creates both in direct mode, in a 2 MiB run of memory.
 *
 * Where an emulator is known to differ from the manual (selftest/deviations.h) the difference is accepted
 * from that emulator only, and counted.
 *
 *   access_matrix.c   the tests: which bits and registers are combined
 *   combinations.c    every combination of bits, or a sample
 *   case.c            one case: predict, access, compare
 *   differences.c     classes of differences, and the smallest case of each
 *   deviating.c       one case as an emulator does it that differs from the manual
 *   access.S          the access
 *   tables.c          the tables and control registers
 *   print.c           a difference in words
 */
#ifndef KERNEL_SELFTEST_MATRIX_MATRIX_H
#define KERNEL_SELFTEST_MATRIX_MATRIX_H

#include "frames/arena.h"
#include "selftest/deviations.h"
#include "selftest/selftest.h"
#include <selfmap/check_access.h>

/* In the order of access.S. The last one is the processor's own access to its LDT. */
enum matrix_kind { MATRIX_READ, MATRIX_WRITE, MATRIX_FETCH, MATRIX_IMPLICIT, MATRIX_KINDS };
enum { MATRIX_CODE_BYTES = 16 }; /* of the code of each kind, which is position independent */

/* A page, and the entries that lead to it, by level. */
struct matrix_place {
    unsigned size;
    paging_virt_t address; /* of the word that is accessed; all places lead to the same word */
    volatile paging_entry_t *slots[PAGING_MAX_LEVELS + 1];
    paging_entry_t plain[PAGING_MAX_LEVELS + 1]; /* as the core wrote them: everything is allowed */
};

/* A state of the control registers. */
struct matrix_controls {
    bool no_execute, write_protect, smep, smap, protection_keys;
    uint32_t pkru;
};

/* What the processor did: the error code and CR2 of a page fault, or MATRIX_NO_FAULT and the word. */
#define MATRIX_NO_FAULT 0xffffffffu
struct matrix_outcome {
    uint64_t code, word;
};

/*
 * The prediction for a case: MATRIX_NO_FAULT or the error code, and the entries afterwards, by level. In the
 * entries of the levels from lenient_from on, the accessed bit may be set or clear.
 */
struct matrix_prediction {
    uint64_t code;
    paging_entry_t entries[PAGING_MAX_LEVELS + 1];
    unsigned end; /* level of the entry at which the walk ends */
    unsigned lenient_from;
};

/* What cases have in common that differ only in the entries. */
struct matrix_query {
    const struct matrix_place *place;
    unsigned above; /* the level of the other entry that varies */
    enum matrix_kind kind;
    struct paging_access is; /* as paging_check_access is asked */
};

/* A case that was not as predicted. */
struct matrix_difference {
    struct matrix_query query;
    struct matrix_controls controls;
    struct matrix_prediction before; /* its entries only: before the access */
    struct matrix_prediction predicted;
    struct matrix_outcome outcome;
    paging_entry_t after[PAGING_MAX_LEVELS + 1]; /* the entries, by level */
    uint64_t memory;                             /* the word in memory before the access */
    uint64_t memory_after;
};

/* In which way a case differs: the first of these that applies. differences.c has words and clauses. */
enum matrix_class {
    MATRIX_IS_ALLOWED, /* what should be refused */
    MATRIX_IS_REFUSED, /* what should be allowed */
    MATRIX_ERROR_CODE,
    MATRIX_ADDRESS, /* in CR2 */
    MATRIX_MARKS,   /* accessed and dirty bits */
    MATRIX_WORD,    /* that was read or written */
    MATRIX_CLASSES
};

/* How many cases are alike, and the smallest: the one closest to a read of a page that allows everything. */
struct matrix_example {
    uint64_t cases;
    unsigned weight;
    struct matrix_difference smallest;
};

struct matrix {
    struct selftest_run *t;
    paging_frame_t run; /* of 2 MiB: a frame with the word, one with the code for ring 3, then tables */
    struct arena arena;
    struct paging_space spaces[2]; /* with EFER.NXE off, and on */
    struct matrix_place places[2][PAGING_1G + 1];
    volatile uint64_t *word; /* its address in slots of the root that the cases do not change */
    paging_virt_t user_code; /* a copy of matrix_code for ring 3 */
    uint64_t cr0, cr4;       /* before the test */
    bool has_1g;             /* 1 GiB pages can be used */
    bool marks_at_once; /* the entries above the one that refuses an access are marked as accessed at once */
    uint64_t cases, faults; /* so far */
    uint64_t accepted;      /* cases that differ as the emulator is known to */
    uint64_t differences;   /* cases that were not as predicted and not accepted */
    struct matrix_example classes[MATRIX_CLASSES];
    struct matrix_example deviations[DEVIATIONS]; /* where nothing else is different: enum deviation */
    uint64_t next;                                /* the combination with which the sample continues */
    bool away; /* root and registers are no longer those from before the test */
    struct matrix_controls controls;
};

/* The bits that the cases combine, and bits that are set in all cases. */
struct matrix_axes {
    uint64_t leaf[8], above[8]; /* each of them off and on; the first 0 ends the list */
    uint64_t leaf_always, above_always;
};

/*
 * Builds the tables and lets page faults lead to access.S. Returns false after setting t->skip or t->failed
 * if that cannot be done. matrix_close undoes it in both cases.
 */
bool matrix_open(struct matrix *m, struct selftest_run *t);
void matrix_close(struct matrix *m);

/* Sets the control registers and loads the root that suits them. */
void matrix_control(struct matrix *m, struct matrix_controls controls);

/* Tries every stride-th combination of the bits. */
void matrix_try(struct matrix *m, const struct matrix_query *query, const struct matrix_axes *axes,
                unsigned stride);

/* Does one case: writes the entries, predicts, makes the access, compares, and prints a difference. */
void matrix_case(struct matrix *m, const struct matrix_query *query, paging_entry_t leaf,
                 paging_entry_t above);

/*
 * Changes the entries in *predicted, which are those before the access, to those after it, and predicts the
 * rest (SDM 3A, 4.8). `is` is the access, or what an emulator takes it for.
 */
void matrix_predict(const struct matrix *m, const struct matrix_query *query, struct paging_access is,
                    struct matrix_prediction *predicted);

/* The same for an access of which it is known at the entry of which level it ends, and with which code. */
void matrix_predict_end(const struct matrix *m, const struct matrix_query *query, unsigned level,
                        uint64_t code, struct matrix_prediction *predicted);

/* Returns whether the outcome, the entries and memory, which held `word`, are as predicted. */
bool matrix_is_as(const struct matrix *m, const struct matrix_query *query,
                  const struct matrix_prediction *predicted, struct matrix_outcome outcome, uint64_t word);

/* Returns whether the emulator on which this runs is known to do the case like that, and counts it. */
bool matrix_deviates(struct matrix *m, const struct matrix_difference *found);

/* Counts a difference in its class. */
void matrix_count(struct matrix *m, const struct matrix_difference *found);

/* Counts a difference in this example, which keeps the smallest one. */
void matrix_example_add(struct matrix_example *example, const struct matrix_difference *found);

/* Prints a fact with the number of cases of each class, and the smallest case of those that have one. */
void matrix_print_classes(const struct matrix *m, const char *name);

/* Prints the smallest case of each deviation that was met. */
void matrix_print_deviations(const struct matrix *m);

/* Prints a difference: the case, the entries before it, what was predicted, and what happened. */
void matrix_print(const struct matrix *m, const struct matrix_difference *found);

#endif
