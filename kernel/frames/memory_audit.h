/* SPDX-License-Identifier: MIT */
/*
 * memory_audit.h - notices that somebody else still writes to memory: a checksum of each page, taken and
 * compared.
 *
 * Memory of boot services is ours after ExitBootServices. A device that was not stopped, code in system
 * management mode, or firmware that is called later may write there all the same. The caller maps a run of
 * frames to its own address, lets a function here look at it, and removes the mapping.
 *
 *   memory    |--- boot ---|        |-- boot --|                  |----------- boot ------------|
 *   runs      |------------|        |----------|                                 |--------------|
 *   sums       0 1 2 3 ...           n n+1 ...                                    one for each page
 *
 * Where there are fewer sums than pages, only the upper part of long runs is audited: firmware takes memory
 * from the top. Every page that is looked at costs the emulator of a large machine memory of its host.
 */
#ifndef KERNEL_FRAMES_MEMORY_AUDIT_H
#define KERNEL_FRAMES_MEMORY_AUDIT_H

#include "frames/usable_memory.h"
#include <stddef.h>

enum { MEMORY_AUDIT_RUNS = 192, MEMORY_AUDIT_CHANGES = 16 };

struct memory_audit_run {
    struct frame_run frames;
    uint64_t first_sum;
    bool quarantined; /* it stays out of the allocator, and is looked at once more */
    bool looked_at;   /* it has checksums */
};

/* Neighbouring pages that somebody has written to. */
struct memory_change {
    struct frame_run frames;
    const char *noticed; /* when */
};

struct memory_audit {
    struct memory_audit_run runs[MEMORY_AUDIT_RUNS];
    unsigned run_count;
    uint64_t pages;    /* of boot services, audited or not */
    uint64_t audited;  /* that have a checksum */
    uint64_t sum_used; /* for pages of the runs */
    uint64_t longest;  /* of a longer run only so many pages are audited */
    uint32_t *sums;
    struct memory_change changes[MEMORY_AUDIT_CHANGES];
    unsigned change_count;
    uint64_t changed_pages; /* also those that the list of changes has no room for */
};

/*
 * Finds what is to be audited: memory of boot services, from 1 MiB on.
 */
void memory_audit_start(struct memory_audit *audit, uint32_t *sums, size_t capacity,
                        const struct memory_region *regions, size_t count);

/*
 * Marks runs from the highest down, until they have this many pages or there are no more. A run that does not
 * fit is cut in two if there is room for one more, and its upper part is marked.
 */
void memory_audit_quarantine(struct memory_audit *audit, uint64_t pages);

/*
 * Looks at a run that is mapped to its own address: takes the checksums, or compares. A page that has changed
 * is added to the changes, and its checksum is that of what it holds now.
 */
void memory_audit_take(struct memory_audit *audit, struct memory_audit_run *run);
void memory_audit_compare(struct memory_audit *audit, const struct memory_audit_run *run,
                          const char *noticed);

/* Returns the checksum of a page. One change in 2^32 leaves it as it was. */
uint32_t memory_page_sum(const volatile uint64_t *words);

#endif
