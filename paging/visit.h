/*
 * visit.h - see everything that an address space maps, in the order of the addresses.
 */
#ifndef PAGING_VISIT_H
#define PAGING_VISIT_H

#include "space.h"

enum paging_visit_kind {
    PAGING_VISIT_LEAF,     /* a page of any size */
    PAGING_VISIT_TABLE,    /* an entry that points to a table; what that maps comes next */
    PAGING_VISIT_HOLE,     /* unused entries next to each other in one table */
    PAGING_VISIT_RESERVED, /* an entry that belongs to the owner of the space */
    PAGING_VISIT_MALFORMED /* an entry that the processor would refuse */
};

struct paging_visit {
    enum paging_visit_kind kind;
    unsigned level; /* of the table the entry is in: a leaf's page size */
    page_t first;   /* the first page the entry maps; for a hole, that its first entry would map */
    uint64_t pages; /* how many, in units of PAGE_BYTES */
    entry_t entry;
    uint64_t flags; /* of a leaf: as they take effect, as paging_translate reports them */
};

/* Answers whether to go on. It must not change the space. */
typedef bool (*paging_visitor)(void *context, const struct paging_visit *visit);

/*
 * Visit every entry of every table, root first, at a cost in proportion to the tables. Not visited is what
 * lies below the slots that the core keeps: the recursive window would show the tables as pages. PAGING_OK
 * also if the visitor has had enough.
 *
 *   PAGING_OUT_OF_REACH
 */
MUST_CHECK enum paging_status paging_walk(const struct address_space *space, paging_visitor visitor,
                                          void *context);

/* Counts over the whole space, a borrowed half included, but for what lies below kept slots. */
struct paging_stats {
    uint64_t leaves[4]; /* by level: [PAGE_4K], [PAGE_2M], [PAGE_1G]; [0] is not used */
    uint64_t
        tables[MAX_LEVELS]; /* by level of the table, 1 for P1s; the root, and kept ones, are not counted */
    uint64_t reserved, malformed; /* entries */
    uint64_t owned_pages;         /* of PAGE_BYTES, whose frames unmapping gives back */
    uint64_t writable_executable; /* leaves that are both: none, in a kernel that means it */
};

MUST_CHECK enum paging_status paging_count(const struct address_space *space, struct paging_stats *stats);

#endif
