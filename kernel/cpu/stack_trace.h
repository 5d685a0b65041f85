/* SPDX-License-Identifier: MIT */
/*
 * stack_trace.h - finds out by which calls an interrupted instruction was reached.
 *
 * All code of the image keeps frame pointers (Makefile: TARGET_FLAGS), so each function's frame begins with a
 * record of two words, and the records form a chain:
 *
 *      rbp --> [ caller's rbp | return address ]       the stack grows down, so each record
 *                    |                                 lies above the one before
 *                    +--> [ its caller's rbp | return address ]
 *
 * After a crash any of these words may be wrong. A record is used only if it lies on a stack that is known,
 * above the record before, can be read, and holds an address of code. Where one does not, the trace ends and
 * says why.
 */
#ifndef KERNEL_CPU_STACK_TRACE_H
#define KERNEL_CPU_STACK_TRACE_H

#include "console/format.h"
#include <stdbool.h>
#include <stdint.h>

enum { STACK_TRACE_LIMIT = 16, STACK_TRACE_STACKS = 3 };

/* A run of bytes, half-open; an empty one holds nothing. */
struct byte_range {
    uint64_t start, end;
};

/* Where a trace may look. */
struct stack_trace_map {
    uint64_t image_base;
    struct byte_range code; /* of the image */
    /*
     * An exception may have interrupted code on another stack. The chain then goes on there, so the stacks
     * are in the order in which they may follow each other: those of exceptions first. A record at the very
     * end of a stack is the outermost.
     */
    struct byte_range stacks[STACK_TRACE_STACKS];
    /* Reads 8 bytes; returns false if they cannot be read. */
    bool (*read)(uint64_t address, uint64_t *value);
};

enum stack_trace_end {
    TRACE_OUTERMOST,
    TRACE_LONGER,     /* there may be more than STACK_TRACE_LIMIT addresses */
    TRACE_MISALIGNED, /* the rest: `culprit` is the frame pointer or the return address */
    TRACE_NO_STACK,
    TRACE_DOWNWARD,
    TRACE_UNREADABLE,
    TRACE_NOT_CODE,
};

struct stack_trace {
    uint64_t addresses[STACK_TRACE_LIMIT]; /* the interrupted instruction, then return addresses */
    unsigned count;
    uint64_t on_top; /* the word that rsp points to, if it is an address of code; else 0 */
    enum stack_trace_end end;
    uint64_t culprit;
};

/* The registers of the interrupted code that a trace begins with. */
struct stack_trace_start {
    uint64_t rip, rsp, rbp;
};

/*
 * Follows the chain. A function that calls nothing may have no record, and neither has what a wrong function
 * pointer leads to. Their return address is on top of the stack then; but what is there may also be left
 * over, so it is told apart as `on_top`.
 */
struct stack_trace stack_trace_follow(const struct stack_trace_map *map, struct stack_trace_start start);

/*
 * Writes a line for each address, and one that says why there are no more. tools/symbolise reads them:
 *
 *   # trace: image+0x1234 at 000000001e001234
 *   # trace: image+0x5678 at 000000001e005678 perhaps: on top of the stack
 *   # trace: outside the image at 0000000000000000
 *   # trace ends: this is the outermost call
 */
void stack_trace_write(struct format_sink *sink, const struct stack_trace_map *map,
                       const struct stack_trace *trace);

#endif
