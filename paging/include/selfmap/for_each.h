/*
 * for_each.h - see everything that an address space maps, in the order of the addresses.
 */
#ifndef SELFMAP_FOR_EACH_H
#define SELFMAP_FOR_EACH_H

#include <selfmap/space.h>

enum paging_entry_kind {
    PAGING_KIND_LEAF,     /* a page of any size */
    PAGING_KIND_TABLE,    /* an entry that points to a table; what that maps comes next */
    PAGING_KIND_HOLE,     /* unused entries next to each other in one table */
    PAGING_KIND_MARKER,   /* an entry that belongs to the owner of the space */
    PAGING_KIND_MALFORMED /* an entry that the processor would refuse */
};

struct paging_entry_info {
    enum paging_entry_kind kind;
    unsigned level;      /* of the table the entry is in: a leaf's page size */
    paging_page_t first; /* the first page the entry maps; for a hole, that its first entry would map */
    uint64_t pages;      /* how many, in units of PAGING_PAGE_BYTES */
    paging_entry_t entry;
    uint64_t flags; /* of a leaf: as they take effect, as paging_translate reports them */
};

/* Answers whether to go on. It must not change the space. */
typedef bool (*paging_entry_callback)(void *context, const struct paging_entry_info *visit);

/*
 * Visit every entry of every table, root first, at a cost in proportion to the tables. Not visited is what
 * lies below the slots that the core keeps: the recursive window would show the tables as pages. PAGING_OK
 * also if the visitor has had enough.
 *
 *   PAGING_UNREACHABLE
 */
PAGING_MUST_CHECK enum paging_status paging_for_each(const struct paging_space *space,
                                                     paging_entry_callback visitor, void *context);

/* Counts over the whole space, a borrowed half included, but for what lies below reserved slots. */
struct paging_stats {
    uint64_t leaves[4]; /* by level: [PAGING_4K], [PAGING_2M], [PAGING_1G]; [0] is not used */
    uint64_t tables
        [PAGING_MAX_LEVELS]; /* by level of the table, 1 for P1s; the root, and kept ones, are not counted */
    uint64_t reserved, malformed; /* entries */
    uint64_t owned_pages;         /* of PAGING_PAGE_BYTES, whose frames unmapping gives back */
    uint64_t writable_executable; /* leaves that are both: none, in a kernel that means it */
};

PAGING_MUST_CHECK enum paging_status paging_count(const struct paging_space *space,
                                                  struct paging_stats *stats);

#endif
