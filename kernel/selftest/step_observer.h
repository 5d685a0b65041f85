/* SPDX-License-Identifier: MIT */
/*
 * step_observer.h - runs an operation one instruction at a time and observes addresses after each of them.
 *
 * An address is observed twice: by a walk over physical memory, written from the manual, and by a real read
 * (and a call, if code is there). Each of the two may change once during the operation, from its state before
 * to its state after. Any other state is torn. A test runs in one of two ways, or in both:
 *
 *   flushed   Each page is flushed before it is read, so that the processor walks the tables as they are now,
 *             and must agree with the walk over memory.
 *   cached    Only the core flushes. The processor may use what it has cached, but must agree with the walk
 *             when the operation is complete.
 */
#ifndef KERNEL_SELFTEST_STEP_OBSERVER_H
#define KERNEL_SELFTEST_STEP_OBSERVER_H

#include "selftest/selftest.h"

enum { OBSERVED_LIMIT = 16, OBSERVE_FLUSHED = 1, OBSERVE_CACHED = 2 };

/* What is known about an address from one of the two sources. */
struct observation {
    uint64_t now;
    unsigned changes;
};

struct observed_address {
    paging_frame_t root;
    paging_virt_t address;
    bool is_read; /* else only walked to */
    struct observation walked, read;
};

struct step_observer {
    struct selftest_run *t;
    bool flushes; /* OBSERVE_FLUSHED */
    uint64_t torn_states, rounds;
    unsigned count;
    struct observed_address observed[OBSERVED_LIMIT];

    /* Arguments of the operation, and its status. */
    struct paging_space *space;
    paging_page_t page;
    uint64_t pages;
    paging_frame_t frame;
    enum paging_status status;
};

/*
 * Runs a test with a fresh observer, in each of the `ways` (OBSERVE_*). Skips it on a real processor:
 * physical memory is mapped with huge pages for it, and those also span device registers.
 */
void observe_steps(struct selftest_run *t, unsigned ways, void (*test)(struct step_observer *o));

/* Observes an address of a space. is_read: the active space maps a page there that nothing writes to. */
void observe_address(struct step_observer *o, const struct paging_space *space, paging_virt_t address,
                     bool is_read);

/* Observes a page of the active space, and the window of its P1. */
void observe_page(struct step_observer *o, paging_page_t page);

/* Writes to each of these mapped, writable pages a word that names its frame, for the reads to recognise. */
void tag_pages(const struct step_observer *o, paging_page_t page, uint64_t pages);

/*
 * Runs the operation, on the stack below stack_top unless that is 0, and checks what was observed. The
 * observer then has no addresses.
 */
void observe_operation(struct step_observer *o, void (*operation)(void *observer), uint64_t stack_top);

#endif
