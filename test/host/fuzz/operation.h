/*
 * operation.h - one step of a random test, with all its arguments; and a case, which is a machine and its steps.
 *
 * There is one generator (operation_draw.c): it reads bytes, from a seed or from libFuzzer, looks at what is
 * mapped, and makes a step of them. What comes out needs neither the bytes nor the others to be done again
 * (operation_do.c): a step whose space or table is missing is left out. So steps can be taken out of a case that
 * fails, and it is still a case. Written down (operation_text.c), one line a step, it can be read and repeated.
 */
#ifndef HOST_FUZZ_OPERATION_H
#define HOST_FUZZ_OPERATION_H

#include "rig/rig_spaces.h"
#include <stdio.h>

enum operation_kind {
    /* what the processor and others do between the core's operations */
    OP_LOAD, /* a translation, ahead of its use */
    OP_FILL, /* all translations */
    OP_ACCESS,
    OP_PLANT_MARKER, /* the owner writes an entry into a table, of any level */
    /* the core's */
    OP_TRANSLATE,
    OP_MAP,
    OP_MAP_TO,
    OP_MAP_SIZED,
    OP_IDENTITY_MAP,
    OP_UNMAP,
    OP_SET_MARKER,
    OP_CLEAR_MARKER,
    OP_MAP_RANGE,
    OP_MAP_RANGE_ALLOC,
    OP_IDENTITY_MAP_RANGE,
    OP_UNMAP_RANGE,
    OP_PROTECT_RANGE,
    OP_SPLIT,
    OP_MERGE_RANGE,
    OP_CREATE_SIBLING,
    OP_DESTROY,
    OP_ATTACH,
    OP_DETACH,
    OP_SWITCH_TO,
    OP_SHARE,
    OP_UNSHARE,
    OP_KINDS
};

#define OP_NO_LIMIT UINT64_MAX

struct operation {
    unsigned kind;
    uint64_t space; /* number of its side: what the operation is about, */
    uint64_t other; /* and of the space beside it, if there is one */
    uint64_t address, to, bytes, size;
    uint64_t flags; /* to set, */
    uint64_t clear;
    uint64_t value;        /* payload, entry, or kind of access (WALK_*) */
    uint64_t frames, huge; /* so many can be had meanwhile: of PAGING_4K, and runs of larger sizes */
    uint64_t meanwhile;    /* a seed: the processor loads pages after each store and flush; 0: it does not */
};

/* The machine, and what there is to begin with. */
struct world {
    uint64_t levels, frame_bits, no_execute, pages_1g, invpcid;
    uint64_t frames;  /* of PAGING_4K; 0 for the usual number */
    uint64_t breaks;  /* the source makes single frames of larger runs */
    uint64_t several; /* there can be more than one space */
};

#define CASE_STEPS 512u

struct test_case {
    struct world world;
    unsigned count, operations; /* steps; of those, operations of the core's that were called */
    struct operation steps[CASE_STEPS];
};

/* A step that does nothing out of the ordinary. */
struct operation operation_blank(unsigned kind);

/* ---- drawing: levels 0 for any that the geometry has ---- */

void world_draw(struct world *world, unsigned levels);
void operation_draw(struct operation *operation);

/* ---- doing, and judging: what is wrong ends the test through fail_msg ---- */

void world_open(const struct world *world);
void world_close(void); /* all goes, and all frames are back */
/* Answers whether one of the core's operations was called. */
bool operation_do(const struct operation *operation);

/* Draw a case and do it, each step written down before; the draws say when it is over. */
void case_draw(struct test_case *test, unsigned levels);
void case_do(struct test_case *test);

/* ---- text ---- */

void case_write(FILE *file, const struct test_case *test);
/* Answers the number of the first line that is not understood, or 0. */
unsigned case_read(FILE *file, struct test_case *test);

/* The numbers of a step, one after the other, with their names; NULL beyond the last. */
struct operation_field {
    const char *name;
    size_t offset;
    uint64_t otherwise; /* what it is when it is not said */
};
const struct operation_field *operation_field(unsigned number);

static inline uint64_t *operation_number(struct operation *operation, const struct operation_field *field)
{
    return (uint64_t *)((char *)operation + field->offset);
}

#endif
