/* SPDX-License-Identifier: MIT */
/*
 * test_case.h - a random case: a machine, and the operations that are done on it, step by step.
 *
 * One generator makes all cases (case_draw.c): it reads bytes, from a seed or from libFuzzer, looks at what
 * is mapped, and makes an operation of them. An operation contains all its numbers, so it can be repeated
 * without the bytes and without the steps before it (case_do.c): a step whose space or table is missing is
 * left out. So any part of a failing case is a case as well. As text (case_text.c) it has a line per step.
 */
#ifndef HOST_FUZZ_TEST_CASE_H
#define HOST_FUZZ_TEST_CASE_H

#include "rig/rig.h"
#include <stdio.h>

/* The machine, and what the rig is opened with. */
struct machine_options {
    uint64_t levels, frame_bits, no_execute, pages_1g, invpcid;
    uint64_t frames;  /* of PAGING_4K; 0 for the usual number */
    uint64_t breaks;  /* the source makes single frames of larger runs */
    uint64_t several; /* there can be more than one space */
    uint64_t direct;  /* they live through a direct map */
};

/* In which way the spaces of a case live. */
enum case_life { CASE_RECURSIVE, CASE_DIRECT, CASE_ANY_LIFE };

#define CASE_STEPS 512u

struct test_case {
    struct machine_options options;
    unsigned count;      /* steps, */
    unsigned operations; /* and operations of the core that were called */
    struct operation steps[CASE_STEPS];
};

/* ---- drawing (case_draw.c) ---- */

/* levels: 0 for any number that the geometry has. */
void machine_options_draw(struct machine_options *options, unsigned levels, enum case_life life);
void operation_draw(struct operation *operation);

/* ---- doing and judging (case_do.c): a wrong answer ends the test through fail_msg ---- */

/* Draws a case and does it, until the draws are used up. Each step is in the case before it is done. */
void case_draw(struct test_case *test, unsigned levels, enum case_life life);
void case_do(struct test_case *test);

/* ---- text (case_text.c) ---- */

void case_write(FILE *file, const struct test_case *test);
/* Returns the number of the first line that is not understood, or 0. */
unsigned case_read(FILE *file, struct test_case *test);

/* Prints the call as a line of C, to be pasted into a test. */
void operation_print_call(const struct operation *operation);

/* The members of an operation, one after the other, with their names; NULL beyond the last. */
struct operation_field {
    const char *name;
    size_t offset;
    uint64_t otherwise; /* its value when it is not written */
};
const struct operation_field *operation_field(unsigned number);

static inline uint64_t *operation_number(struct operation *operation, const struct operation_field *field)
{
    return (uint64_t *)((char *)operation + field->offset);
}

#endif
