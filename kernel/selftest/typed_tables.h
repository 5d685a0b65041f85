/*
 * typed_tables.h - the tables, one type per level, and the step from one to the next.
 *
 * A P4's entries point to P3s, a P3's to P2s, a P2's to P1s; a P1's entries map pages. `next_table` is
 * defined for the types that have a next table only, so asking a P1 for one does not compile. Nothing needs
 * to be checked at run time for it, and no level is ever mistaken for another.
 *
 * The operations of map.h do not descend table by table, because the window address of every table on the way
 * follows from the page alone. Use this to look at tables: in a debugger's hands, a report, a lesson.
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

static inline void *table_by_offset(const struct paging_space *space, paging_frame_t table)
{
    return (void *)(space->offset + (uintptr_t)paging_frame_start(table).value);
}

/*
 * NULL if there is no table, if the index is no index, or if the entry there points to no table: unused,
 * reserved, or a huge page. So steps can be chained and the end checked once.
 */
static inline void *table_below(const struct paging_space *space, const void *table, unsigned level,
                                unsigned index)
{
    if (table == NULL || index >= PAGING_TABLE_ENTRIES)
        return NULL;
    paging_entry_t entry = paging_entry_load((const volatile paging_entry_t *)table + index);
    if (!paging_entry_is_table(entry, level))
        return NULL;
    if (space->mode == PAGING_MODE_DIRECT)
        return table_by_offset(space, paging_entry_frame(entry));
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

/* The table that the entry at index points to, with the type that it must have. */
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
    if (space->mode == PAGING_MODE_DIRECT)
        return table_by_offset(space, space->root);
    return (void *)(uintptr_t)space->windows[space->cpu.levels];
}

/* The root, if it is a P4 and can be reached; with five levels it is a P5. Else NULL. */
static inline struct p4_table *root_p4(const struct paging_space *space)
{
    return space->cpu.levels == 4 ? root_table(space) : NULL;
}

static inline struct p5_table *root_p5(const struct paging_space *space)
{
    return space->cpu.levels == 5 ? root_table(space) : NULL;
}

#endif
