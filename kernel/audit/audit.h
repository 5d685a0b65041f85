/* SPDX-License-Identifier: MIT */
/*
 * audit.h - looks for mappings that break the rules of a kernel's memory.
 *
 * A space is walked as it is, so the audit believes no list of what somebody meant to map. It looks at the
 * frames: what leads to the same frame, by whatever address, must agree.
 *
 *     addresses      frames, sorted                        findings
 *     text  r-x ---> |------ r-x ------|
 *     heap  rw- ------------> |-- rw- --|                  an alias with wider rights
 *     video rw- --------------------------> |-- wc --|
 *     other rw- ------------------------------> |- wb -|   an alias of another memory type
 *     page  r-- ----------------------------------> | |    the frame of a page table
 *
 * Memory is needed in proportion to the runs, not to the pages: leaves next to each other whose frames are
 * next to each other, too, and whose rights and memory types are the same, are one run, whatever their sizes.
 * Time is needed in proportion to the tables, plus n log n for n runs.
 */
#ifndef KERNEL_AUDIT_AUDIT_H
#define KERNEL_AUDIT_AUDIT_H

#include "console/format.h"
#include "frames/frame_run.h"
#include "frames/frames.h"
#include <selfmap/space.h>

/* What the bits of an entry select after a reset, and on a processor without PAT (SDM 3A, 12.12.4). */
#define AUDIT_PAT_AT_RESET UINT64_C(0x0007040600070406)

enum audit_kind {
    AUDIT_WRITABLE_EXECUTABLE, /* a page */
    AUDIT_USER,                /* a page that ring 3 can reach */
    AUDIT_OTHER_TYPE,          /* another mapping of the frame has another memory type (SDM 3A, 12.12.4) */
    AUDIT_WIDER_RIGHTS,        /* another mapping of the frame has not all of these rights */
    AUDIT_TABLE,               /* the frame is a page table */
    AUDIT_FREE_FRAME,          /* the frame allocator may hand out the frame at any time */
    AUDIT_KINDS
};
#define AUDIT_MAY(kind) (1u << (kind))

/* Leaves, or tables, whose frames are next to each other. For the audit's own use. */
struct audit_run {
    struct frame_run frames;
    paging_page_t page; /* of the first frame; the others follow. Of tables: not used */
    uint64_t flags;     /* of leaves: WRITABLE, USER, NO_EXECUTE, and how they are cached */
    unsigned may;       /* AUDIT_MAY(kind) of the kinds that are allowed here */
    bool is_table;
};

/*
 * Pages for which a kind of finding is none: a direct map leads to tables and to free frames, for example. Of
 * the other kinds WRITABLE_EXECUTABLE and USER can be excused, but no alias: both sides of it would have to
 * be meant.
 */
struct audit_excuse {
    paging_page_t first;
    uint64_t pages;
    unsigned may; /* AUDIT_MAY(kind) | ... */
};

struct audit_finding {
    enum audit_kind kind;
    struct frame_run frames; /* that it is about */
    paging_page_t page;      /* that leads to the first of them; the others follow */
    uint64_t flags;          /* of the page */
    bool has_other;          /* AUDIT_OTHER_TYPE, AUDIT_WIDER_RIGHTS: the mapping that it conflicts with */
    paging_page_t other;     /* leads to the first frame, too */
    uint64_t other_flags;
};

/* What an audit is about, and what it has found out. The first five members are the caller's. */
struct audit {
    struct audit_run *runs; /* room for `capacity` runs; need not be initialised */
    size_t capacity;
    const struct audit_excuse *excuses;
    unsigned excuse_count;
    uint64_t pat; /* IA32_PAT, or AUDIT_PAT_AT_RESET where there is none: which types leaves have */

    size_t run_count; /* that there are; those beyond the capacity are only counted */
    unsigned spaces;
    uint64_t tables, pages;       /* pages of PAGING_PAGE_BYTES */
    bool judges_execution;        /* the processor has no-execute; without it all is executable */
    unsigned levels;              /* of the space looked at last, for addresses in words */
    struct audit_run leaf, table; /* runs that may go on; none if they are empty */
};

/*
 * Forgets everything but the caller's members.
 */
void audit_begin(struct audit *audit);

/*
 * Adds all leaves of a space, except those below reserved root slots, and all of its tables. The recursive
 * windows and the scratch page are thereby allowed to lead to tables. Several spaces may be added, each with
 * excuses of its own (audit->excuses), also those that share tables. Their mappings of a frame must agree.
 *
 *   PAGING_UNREACHABLE   nothing was added
 */
PAGING_MUST_CHECK enum paging_status audit_add_space(struct audit *audit, const struct paging_space *space);

/* Ends the collection. Returns false if there are more runs than room: run_count says how much it takes. */
PAGING_MUST_CHECK bool audit_end(struct audit *audit);

typedef void (*audit_callback)(void *context, const struct audit_finding *finding);

/*
 * Calls back for each finding, in the order of frames for each kind. Asks the allocator which frames are
 * free; `frames` may be NULL: then none is. Each frame that mappings disagree about is in a finding; where
 * there are many such mappings, not each pair of them has one. Returns the number of findings. audit_end has
 * returned true.
 */
uint64_t audit_judge(struct audit *audit, const struct frames *frames, audit_callback callback,
                     void *context);

/*
 * Writes a finding in one line without its end: what is wrong, pages, frames, rights and memory type, and the
 * same of the mapping that it conflicts with.
 */
void audit_describe(const struct audit *audit, const struct audit_finding *finding, struct format_sink *sink);

/* Writes what was looked at: "27 tables of 2 spaces, 3456 pages in 20 runs". */
void audit_describe_extent(const struct audit *audit, struct format_sink *sink);

#endif
