/* SPDX-License-Identifier: MIT */
/*
 * for_each.h - see everything that an address space maps, in the order of the addresses.
 */
#ifndef SELFMAP_FOR_EACH_H
#define SELFMAP_FOR_EACH_H

#include <selfmap/space.h>

PAGING_BEGIN_C

enum paging_entry_kind {
    PAGING_KIND_LEAF,     /* a page of any size */
    PAGING_KIND_TABLE,    /* an entry that points to a table; what that table maps comes next */
    PAGING_KIND_HOLE,     /* unused entries next to each other in one table */
    PAGING_KIND_MARKER,   /* an entry that is not present and has a value of the caller's */
    PAGING_KIND_DETACHED, /* what it mapped waits for the flush of a gather (gather.h) */
    PAGING_KIND_MALFORMED /* an entry that the processor would refuse */
};

/*
 * Over a range, an entry that reaches beyond it is shown as it stands, with the pages of it that are in the
 * range. The frame of the page `first` of a leaf is then paging_leaf_frame(entry, level) plus
 * first % paging_level_pages(level).
 */
struct paging_entry_info {
    enum paging_entry_kind kind;
    unsigned level;       /* of the table the entry is in: a leaf's page size */
    paging_page_t first;  /* the first page that the entry maps, or that a hole's first entry would map */
    uint64_t pages;       /* how many, in units of PAGING_PAGE_BYTES */
    paging_entry_t entry; /* as it stands in the table */
    uint64_t flags;       /* of a leaf: as they take effect, as paging_translate reports them */
};

/* What comes after an entry. */
enum paging_visit {
    PAGING_VISIT_NEXT, /* the next entry; of a table, the first one in it */
    PAGING_VISIT_SKIP, /* the next entry, but nothing of what the table maps */
    PAGING_VISIT_STOP  /* nothing any more */
};

/* Returns what comes next. Must not change the space. */
typedef enum paging_visit (*paging_entry_callback)(void *context, const struct paging_entry_info *info);

/*
 * Calls back for every entry of every table, root first, at a cost in proportion to the tables. Leaves out
 * what lies below reserved root slots: the recursive window would show the tables as pages. Returns PAGING_OK
 * also if the callback has ended it.
 *
 *   PAGING_UNREACHABLE
 */
PAGING_MUST_CHECK enum paging_status paging_for_each(const struct paging_space *space,
                                                     paging_entry_callback callback, void *context);

/*
 * Calls back for every entry that maps a page of the range, in the same way and at a cost in proportion to
 * the tables that the range touches. A range is what range.h says, except that reserved root slots in it are
 * left out.
 *
 *   PAGING_EMPTY_RANGE, PAGING_MISALIGNED, PAGING_NOT_CANONICAL, PAGING_RANGE_TOO_LONG, PAGING_UNREACHABLE
 */
PAGING_MUST_CHECK enum paging_status paging_for_each_in(const struct paging_space *space, paging_virt_t start,
                                                        uint64_t bytes, paging_entry_callback callback,
                                                        void *context);

/* Counts over the whole space, a shared half included, without what lies below reserved root slots. */
struct paging_stats {
    uint64_t leaves[4];                 /* by size: [PAGING_4K], [PAGING_2M], [PAGING_1G]; [0] is not used */
    uint64_t tables[PAGING_MAX_LEVELS]; /* by level of the table, 1 for P1s; without the root */
    uint64_t markers, malformed;        /* entries */
    uint64_t owned_pages;               /* of PAGING_PAGE_BYTES, whose frames unmapping gives back */
    uint64_t writable_executable;       /* leaves that are both: none, in a kernel that keeps W^X */
};

/* Stores the counts. PAGING_UNREACHABLE: *stats is untouched. */
PAGING_MUST_CHECK enum paging_status paging_count(const struct paging_space *space,
                                                  struct paging_stats *stats);

/*
 * Stores the counts of what paging_for_each_in shows: leaves and tables of which a part is in the range, and
 * of owned pages only those that are. Statuses as for paging_for_each_in; with each of them *stats is
 * untouched.
 */
PAGING_MUST_CHECK enum paging_status paging_count_in(const struct paging_space *space, paging_virt_t start,
                                                     uint64_t bytes, struct paging_stats *stats);

PAGING_END_C

#endif
