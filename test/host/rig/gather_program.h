/* SPDX-License-Identifier: MIT */
/*
 * gather_program.h - what is done between the begin and the end of a gather, in one number.
 *
 * Six steps of nine bits each, the first in the lowest: four bits of what it is, five bits of where, in units
 * of pages from the operation's address on. Bits 56 to 61: the unit is 2 to the power of this.
 */
#ifndef HOST_RIG_GATHER_PROGRAM_H
#define HOST_RIG_GATHER_PROGRAM_H

#include <stdint.h>

enum gather_step {
    GATHER_NOTHING,
    GATHER_UNMAP,
    GATHER_UNMAP_RANGE, /* of the operation's length */
    GATHER_PROTECT_RANGE,
    GATHER_UNMAP_LIST,   /* the leaves in the operation's length, as a list */
    GATHER_UNMAP_BEYOND, /* the same, and the page after the last of them */
    OUTSIDE_MAP_TO,      /* operations that the gather does not know of */
    OUTSIDE_TRANSLATE,
    OUTSIDE_UNMAP,
    OUTSIDE_UNMAP_RANGE,
    GATHER_STEP_KINDS
};

#define GATHER_STEPS 6u

/* A step as its part of a program. */
#define GATHER_STEP(number, kind, place) (((uint64_t)(kind) | (uint64_t)(place) << 4) << (9 * (number)))

static inline unsigned gather_step_kind(uint64_t program, unsigned number)
{
    return (unsigned)(program >> (9 * number)) & 15;
}

static inline uint64_t gather_step_offset(uint64_t program, unsigned number)
{
    unsigned shift = (unsigned)(program >> 56) & 0x3f;
    return (program >> (9 * number + 4) & 0x1f) << (shift < 30 ? shift : 30);
}

/* Returns the program with one more step, which is its number `number`. */
static inline uint64_t gather_program(uint64_t program, unsigned number, enum gather_step kind,
                                      uint64_t place)
{
    return program | GATHER_STEP(number, kind, place);
}

#endif
