/* SPDX-License-Identifier: MIT */
/*
 * space_view.h - what an address space maps, in as few runs as a picture needs.
 */
#ifndef KERNEL_DISPLAY_SPACE_VIEW_H
#define KERNEL_DISPLAY_SPACE_VIEW_H

#include <selfmap/for_each.h>

/* What a run of pages is, by rights and use. */
enum space_class {
    SPACE_CODE, /* executed, not written */
    SPACE_READ_ONLY,
    SPACE_WRITABLE,
    SPACE_WRITABLE_CODE, /* both: none, in a kernel that keeps W^X */
    SPACE_DEVICE,        /* not cached, or write-combining: registers, the screen */
    SPACE_USER,          /* user mode may access it */
    SPACE_MARKER,        /* not present, with a value of the owner's */
    SPACE_MALFORMED,     /* entries that the processor would refuse */
    SPACE_HOLE,
    SPACE_RECURSIVE, /* reserved root slots (selfmap/config.h) */
    SPACE_ALTERNATE,
    SPACE_SCRATCH,
    SPACE_CLASS_COUNT
};

/* Neighbouring pages of one class and one size, wherever their frames lie. */
struct space_run {
    paging_page_t first;
    uint64_t pages;
    enum space_class class;
    unsigned level; /* the size of its pages; 0 for holes and reserved root slots */
};

enum { SPACE_RUN_LIMIT = 256, SPACE_ENTRY_LIMIT = 1 << 16 };

struct space_view {
    unsigned levels;
    struct space_run runs[SPACE_RUN_LIMIT]; /* in the order of addresses, from 0 on, without gaps */
    unsigned count;
    uint64_t pages[SPACE_CLASS_COUNT];      /* in units of 4 KiB */
    uint64_t leaves[4];                     /* by page size: [PAGING_4K] and so on */
    uint64_t tables[PAGING_MAX_LEVELS + 1]; /* by level, the root included */
    uint8_t slots[PAGING_TABLE_ENTRIES];    /* the class that each slot of the root has most recently shown */
    unsigned entries;                       /* that were looked at */
    bool complete; /* false: there are more entries, or runs, than the limits; the rest was not looked at */
};

/*
 * Looks at the space, at a bounded cost: at no more than SPACE_ENTRY_LIMIT entries. Returns false, and the
 * view is of no use, if the tables cannot be reached.
 */
bool space_view_take(struct space_view *view, const struct paging_space *space);

/* Returns what a class is called in a legend. */
const char *space_class_name(enum space_class class);

#endif
