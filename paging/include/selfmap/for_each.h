/*
 * for_each.h - see everything that an address space maps, in the order of the addresses.
 */
#ifndef SELFMAP_FOR_EACH_H
#define SELFMAP_FOR_EACH_H

#include <selfmap/space.h>

enum paging_entry_kind {
    PAGING_KIND_LEAF,     /* a page of any size */
    PAGING_KIND_TABLE,    /* an entry that points to a table; what that table maps comes next */
    PAGING_KIND_HOLE,     /* unused entries next to each other in one table */
    PAGING_KIND_MARKER,   /* an entry that is not present and has a value of the caller's */
    PAGING_KIND_DETACHED, /* what it mapped waits for the flush of a gather (gather.h) */
    PAGING_KIND_MALFORMED /* an entry that the processor would refuse */
};

struct paging_entry_info {
    enum paging_entry_kind kind;
    unsigned level;       /* of the table the entry is in: a leaf's page size */
    paging_page_t first;  /* the first page that the entry maps, or that a hole's first entry would map */
    uint64_t pages;       /* how many, in units of PAGING_PAGE_BYTES */
    paging_entry_t entry; /* as it stands in the table */
    uint64_t flags;       /* of a leaf: as they take effect, as paging_translate reports them */
};

/* Returns whether to go on. Must not change the space. */
typedef bool (*paging_entry_callback)(void *context, const struct paging_entry_info *info);

/*
 * Calls back for every entry of every table, root first, at a cost in proportion to the tables. Leaves out
 * what lies below reserved root slots: the recursive window would show the tables as pages. Returns PAGING_OK
 * also if the callback has ended it.
 *
 *   PAGING_UNREACHABLE
 */
PAGING_MUST_CHECK enum paging_status paging_for_each(const struct paging_space *space,
                                                     paging_entry_callback callback, void *context);

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

#endif
