/*
 * verb.h - one step of a random test, with all its arguments; and a case, which is a machine and its steps.
 *
 * There is one generator (verb_draw.c): it reads bytes, from a seed or from libFuzzer, looks at what is
 * mapped, and makes a step of them. What comes out needs neither the bytes nor the others to be done again
 * (verb_do.c): a step whose space or table is missing is left out. So steps can be taken out of a case that
 * fails, and it is still a case. Written down (verb_text.c), one line a step, it can be read and repeated.
 */
#ifndef HOST_VERB_H
#define HOST_VERB_H

#include "rig_spaces.h"
#include <stdio.h>

enum verb_kind {
    /* what the processor and others do between the core's verbs */
    VERB_LOAD, /* a translation, ahead of its use */
    VERB_FILL, /* all translations */
    VERB_ACCESS,
    VERB_PLANT, /* the owner writes an entry into a table, of any level */
    /* the core's */
    VERB_TRANSLATE,
    VERB_MAP,
    VERB_MAP_TO,
    VERB_MAP_SIZED,
    VERB_IDENTITY_MAP,
    VERB_UNMAP,
    VERB_RESERVE,
    VERB_UNRESERVE,
    VERB_MAP_RANGE,
    VERB_MAP_RANGE_ALLOC,
    VERB_IDENTITY_MAP_RANGE,
    VERB_UNMAP_RANGE,
    VERB_PROTECT_RANGE,
    VERB_SPLIT,
    VERB_MERGE_RANGE,
    VERB_CREATE_BESIDE,
    VERB_DESTROY,
    VERB_OPEN,
    VERB_CLOSE,
    VERB_ACTIVATE,
    VERB_LEND,
    VERB_UNLEND,
    VERB_KINDS
};

#define VERB_NO_LIMIT UINT64_MAX

struct verb {
    unsigned kind;
    uint64_t space; /* number of its side: what the verb is about, */
    uint64_t other; /* and of the space beside it, if there is one */
    uint64_t address, to, bytes, size;
    uint64_t flags; /* to set, */
    uint64_t clear;
    uint64_t value;        /* payload, entry, or kind of access (WALK_*) */
    uint64_t frames, huge; /* so many can be had meanwhile: of PAGE_4K, and runs of larger sizes */
    uint64_t meanwhile;    /* a seed: the processor loads pages after each store and flush; 0: it does not */
};

/* The machine, and what there is to begin with. */
struct world {
    uint64_t levels, frame_bits, no_execute, pages_1g, invpcid;
    uint64_t frames;  /* of PAGE_4K; 0 for the usual number */
    uint64_t breaks;  /* the source makes single frames of larger runs */
    uint64_t several; /* there can be more than one space */
};

#define CASE_STEPS 512u

struct test_case {
    struct world world;
    unsigned count, verbs; /* steps; of those, verbs of the core's that were called */
    struct verb steps[CASE_STEPS];
};

/* A step that does nothing out of the ordinary. */
struct verb verb_blank(unsigned kind);

/* ---- drawing: levels 0 for any that the geometry has ---- */

void world_draw(struct world *world, unsigned levels);
void verb_draw(struct verb *verb);

/* ---- doing, and judging: what is wrong ends the test through fail_msg ---- */

void world_open(const struct world *world);
void world_close(void); /* all goes, and all frames are back */
/* Answers whether one of the core's verbs was called. */
bool verb_do(const struct verb *verb);

/* Draw a case and do it, each step written down before; the draws say when it is over. */
void case_draw(struct test_case *test, unsigned levels);
void case_do(struct test_case *test);

/* ---- text ---- */

void case_write(FILE *file, const struct test_case *test);
/* Answers the number of the first line that is not understood, or 0. */
unsigned case_read(FILE *file, struct test_case *test);

/* The numbers of a step, one after the other, with their names; NULL beyond the last. */
struct verb_field {
    const char *name;
    size_t offset;
    uint64_t otherwise; /* what it is when it is not said */
};
const struct verb_field *verb_field(unsigned number);

static inline uint64_t *verb_number(struct verb *verb, const struct verb_field *field)
{
    return (uint64_t *)((char *)verb + field->offset);
}

#endif
