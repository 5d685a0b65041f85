/*
 * fast_path.h - the fast path of the operations for single pages.
 *
 * Internal to the core. Nearly every call finds a page whose tables are all there, made by the core, with
 * nothing special about them. For that case each operation has a version that is compiled with the number of
 * levels and the way to reach a table as constants, so that the walk has no loop and no decisions but one
 * per table. Whatever else it meets - a missing table, a huge page, an empty or full table, a slot that is
 * kept, a flag that is refused - it leaves to the slow path, which begins anew and knows all cases. So the
 * fast path answers PAGING_OK or nothing, but for a frame that the source does not have.
 */
#ifndef PAGING_SRC_FAST_PATH_H
#define PAGING_SRC_FAST_PATH_H

#include "walk.h"

/* Where the walk arrives: the page's entry in its P1, and the entry of the P2 that points to this P1. */
struct fast_walk_result {
    volatile paging_entry_t *slot, *parent_slot;
    paging_entry_t entry, parent;
};

/* Where the page's entry of this level is. Both constants fold the window's base into the instruction. */
PAGING_ALWAYS_INLINE volatile paging_entry_t *fast_slot(const struct paging_space *space, unsigned levels,
                                                        bool window, unsigned level, paging_page_t page,
                                                        paging_frame_t table)
{
    if (!window)
        return table_by_offset(space, table) + paging_page_index(page, level);
    return (volatile paging_entry_t *)(uintptr_t)paging_window_entry(levels, PAGING_RECURSIVE_SLOT, level,
                                                                     page)
        .value;
}

/*
 * False: the page is not in a P1, or something on the way is not as the core makes it. `rest` is an entry XOR
 * PAGING_TABLE_FLAGS: zero wherever an ordinary one is checked, and still the table's frame.
 */
PAGING_ALWAYS_INLINE bool fast_walk(const struct paging_space *space, unsigned levels, bool window,
                                    paging_page_t page, struct fast_walk_result *way)
{
    const uint64_t check = space->table_check;
    paging_entry_t rest = {space->root.number << PAGING_FRAME_SHIFT};
#pragma GCC unroll 4
    for (unsigned level = levels; level > PAGING_4K; level--) {
        way->parent_slot = fast_slot(space, levels, window, level, page, paging_entry_frame(rest));
        rest.bits = paging_entry_load(way->parent_slot).bits ^ PAGING_TABLE_FLAGS;
        if (__builtin_expect((rest.bits & check) != 0, 0))
            return false;
    }
    way->parent.bits = rest.bits ^ PAGING_TABLE_FLAGS;
    way->slot = fast_slot(space, levels, window, PAGING_4K, page, paging_entry_frame(rest));
    way->entry = paging_entry_load(way->slot);
    return true;
}

/* Is the entry the walk arrived at a page, as the processor would take it? */
PAGING_ALWAYS_INLINE bool fast_is_page(const struct paging_space *space, const struct fast_walk_result *way)
{
    return ((way->entry.bits ^ PAGING_PRESENT) & space->leaf_check) == 0;
}

/*
 * Define paging_operation: it takes the fast path that serves the space, or else the slow path, which are called
 * operation_express and operation_long. Parameters and arguments are given in parentheses. Four levels that are live
 * are served in the function itself and the others in functions of their own, so that none of them saves
 * registers for another.
 */
#define BARE(...) __VA_ARGS__
#define EXPRESS_INSTANCE(operation, name, levels, window, parameters, arguments)      \
    static __attribute__((noinline)) enum paging_status operation##_##name parameters \
    {                                                                                 \
        return operation##_fast(levels, window, BARE arguments);                      \
    }
#define TAKE_EXPRESS(operation, parameters, arguments)                                   \
    EXPRESS_INSTANCE(operation, offset_4, 4, false, parameters, arguments)               \
    EXPRESS_INSTANCE(operation, offset_5, 5, false, parameters, arguments)               \
    EXPRESS_INSTANCE(operation, window_5, 5, true, parameters, arguments)                \
    static __attribute__((noinline)) enum paging_status operation##_elsewhere parameters \
    {                                                                                    \
        if (space->fast_path == PAGING_FAST_DIRECT_4)                                    \
            return operation##_offset_4 arguments;                                       \
        if (space->fast_path == PAGING_FAST_RECURSIVE_5)                                 \
            return operation##_window_5 arguments;                                       \
        return space->fast_path == PAGING_FAST_DIRECT_5 ? operation##_offset_5 arguments \
                                                        : operation##_slow arguments;    \
    }                                                                                    \
    enum paging_status paging_##operation parameters                                     \
    {                                                                                    \
        if (__builtin_expect(space->fast_path == PAGING_FAST_RECURSIVE_4, 1))            \
            return operation##_fast(4, true, BARE arguments);                            \
        return operation##_elsewhere arguments;                                          \
    }

#endif
