/* SPDX-License-Identifier: MIT */
/* tests.h - the tests that both kernels pass: a line of TAP for each of what is listed. */
#ifndef BOOT_TESTS_H
#define BOOT_TESTS_H

#include "boot.h"

/* One: CR3 holds the root of the space, and memory is not mapped one to one any more. */
void test_tables(const struct paging_space *space);

/* Three: code and constants cannot be written, data cannot be executed. */
void test_rights(void);

/* One: the stack is used up, which ends in the guard page. */
void test_guard_page(void);

/* One: the pages from start on cost a frame when they are touched, and hold zeroes. Every other one is. */
void test_heap(const struct frames *memory, uint64_t start, uint64_t pages);

/* One, of that name: nothing is mapped at the address. */
void test_nothing_at(uint64_t address, const char *what);

/* Enters ring 3 in a program's space (boot_run_program). */
typedef uint64_t run_in(struct paging_space *space, uint64_t entry, uint64_t stack);

/* Three: programs run (program.c). The first one counts in its data; the others want what is the kernel's. */
void test_program(run_in *run, struct paging_space *space);

/* Three, after test_program in the parent and a fork: who counts, counts in memory of its own. */
void test_fork(run_in *run, struct paging_space *parent, struct paging_space *child,
               const struct frames *memory);

#endif
