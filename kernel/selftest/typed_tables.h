/* SPDX-License-Identifier: MIT */
/*
 * typed_tables.h - page tables with one type per level, and the step from a table to the next.
 *
 * The entries of a P4 point to P3s, those of a P3 to P2s, those of a P2 to P1s; those of a P1 map pages.
 * `next_table` is defined only for the types that have a next table, so that asking a P1 for one does not
 * compile, and a level cannot be mistaken for another.
 *
 * The core does not descend table by table, because the window address of every table follows from the page
 * alone. This header is for code that reads tables: tests, reports, lessons.
 */
#ifndef KERNEL_SELFTEST_TYPED_TABLES_H
#define KERNEL_SELFTEST_TYPED_TABLES_H

#include <selfmap/space.h>
#include <selfmap/window.h>

struct p5_table {
    paging_entry_t entries[PAGING_TABLE_ENTRIES];
};

struct p4_table {
    paging_entry_t entries[PAGING_TABLE_ENTRIES];
};

struct p3_table {
    paging_entry_t entries[PAGING_TABLE_ENTRIES];
};

struct p2_table {
    paging_entry_t entries[PAGING_TABLE_ENTRIES];
};

struct p1_table {
    paging_entry_t entries[PAGING_TABLE_ENTRIES];
};

_Static_assert(sizeof(struct p1_table) == PAGING_PAGE_BYTES, "a table fills exactly one page");

static inline void *direct_table_address(const struct paging_space *space, paging_frame_t table)
{
    return (void *)(space->offset + (uintptr_t)paging_frame_start(table).value);
}

static inline bool is_by_offset(const struct paging_space *space)
{
    return space->mode == PAGING_MODE_DIRECT || space->mode == PAGING_MODE_DIRECT_ACTIVE;
}

/*
 * Returns NULL if `table` is NULL, if the index is out of range, or if the entry does not point to a table:
 * it is unused, a marker, or a huge page. Steps can therefore be chained and the last result checked.
 */
static inline void *table_below(const struct paging_space *space, const void *table, unsigned level,
                                unsigned index)
{
    if (table == NULL || index >= PAGING_TABLE_ENTRIES)
        return NULL;
    paging_entry_t entry = paging_entry_load((const volatile paging_entry_t *)table + index);
    if (!paging_entry_is_table(entry, level))
        return NULL;
    if (is_by_offset(space))
        return direct_table_address(space, paging_entry_frame(entry));
    paging_virt_t window = {(uintptr_t)table};
    return (void *)(uintptr_t)paging_next_table_address(space->cpu.levels, window, index).value;
}

static inline struct p4_table *p4_below(const struct paging_space *space, const struct p5_table *table,
                                        unsigned index)
{
    return table_below(space, table, 5, index);
}

static inline struct p3_table *p3_below(const struct paging_space *space, const struct p4_table *table,
                                        unsigned index)
{
    return table_below(space, table, 4, index);
}

static inline struct p2_table *p2_below(const struct paging_space *space, const struct p3_table *table,
                                        unsigned index)
{
    return table_below(space, table, 3, index);
}

static inline struct p1_table *p1_below(const struct paging_space *space, const struct p2_table *table,
                                        unsigned index)
{
    return table_below(space, table, 2, index);
}

/* Returns the table that the entry at the index points to, with the type of its level. */
#define next_table(space, table, index)    \
    _Generic((table), struct p5_table *    \
             : p4_below, struct p4_table * \
             : p3_below, struct p3_table * \
             : p2_below, struct p2_table * \
             : p1_below)(space, table, index)

/* Returns the root's address, whatever its level; NULL if the space is unreachable. */
static inline void *root_table(const struct paging_space *space)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return NULL;
    if (is_by_offset(space))
        return direct_table_address(space, space->root);
    return (void *)(uintptr_t)space->windows[space->cpu.levels];
}

/* Return the root as a P4 or as a P5. NULL if it is the other one, or if the space is unreachable. */
static inline struct p4_table *root_p4(const struct paging_space *space)
{
    return space->cpu.levels == 4 ? root_table(space) : NULL;
}

static inline struct p5_table *root_p5(const struct paging_space *space)
{
    return space->cpu.levels == 5 ? root_table(space) : NULL;
}

#endif
