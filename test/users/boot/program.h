/* SPDX-License-Identifier: MIT */
/* program.h - what a program in ring 3 and the kernel agree on. */
#ifndef BOOT_PROGRAM_H
#define BOOT_PROGRAM_H

#include "boot.h"

#define PROGRAM_CODE      0x400000   /* the page image_program */
#define PROGRAM_DATA      0x500000   /* a page that begins as program_data */
#define PROGRAM_STACK     0x7fff0000 /* a page */
#define PROGRAM_STACK_END (PROGRAM_STACK + PAGING_PAGE_BYTES)

/* Numbers for int 0x80. */
enum {
    CALL_END,  /* ends the program with a result */
    CALL_TELL, /* tells the kernel a number, and gets PROGRAM_REPLY */
};
#define PROGRAM_REPLY 2222

/* The numbers, in order. The kernel says where: memory that is filled on demand will do. */
extern uint64_t *program_told, program_tellings;

/* What a program's data page holds at first: neither its first nor its last word is zero. */
#define PROGRAM_WORDS (PAGING_PAGE_BYTES / sizeof(uint64_t))
extern const uint64_t program_data[PROGRAM_WORDS];

void program_counts(void);
void program_spies(void);
void program_intrudes(void);

/* Returns where in a program's space one of these functions is. */
static inline uint64_t program_entry(void (*function)(void))
{
    return PROGRAM_CODE + (uint64_t)function - (uint64_t)image_program;
}

#endif
