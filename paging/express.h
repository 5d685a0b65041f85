/*
 * express.h - the short way of the verbs for single pages.
 *
 * Internal to the core. Nearly every call finds a page whose tables are all there, made by the core, with
 * nothing special about them. For that case each verb has a version that is compiled with the number of
 * levels and the way to reach a table as constants, so that the walk has no loop and no decisions but one
 * per table. Whatever else it meets - a missing table, a huge page, an empty or full table, a slot that is
 * kept, a flag that is refused - it leaves to the long way, which begins anew and knows all cases. So the
 * express way answers PAGING_OK or nothing, but for a frame that the source does not have.
 */
#ifndef PAGING_EXPRESS_H
#define PAGING_EXPRESS_H

#include "walk.h"

/* Where the walk arrives: the page's entry in its P1, and the entry of the P2 that points to this P1. */
struct express {
    volatile entry_t *slot, *parent_slot;
    entry_t entry, parent;
};

/* Where the page's entry of this level is. Both constants fold the window's base into the instruction. */
ALWAYS_INLINE volatile entry_t *express_slot(const struct address_space *space, unsigned levels, bool window,
                                             unsigned level, page_t page, frame_t table)
{
    if (!window)
        return table_by_offset(space, table) + page_index(page, level);
    return (volatile entry_t *)(uintptr_t)window_entry_address(levels, PAGING_RECURSIVE_SLOT, level, page)
        .value;
}

/*
 * False: the page is not in a P1, or something on the way is not as the core makes it. `rest` is an entry XOR
 * ENTRY_TABLE_FLAGS: zero wherever an ordinary one is checked, and still the table's frame.
 */
ALWAYS_INLINE bool express_walk(const struct address_space *space, unsigned levels, bool window, page_t page,
                                struct express *way)
{
    const uint64_t check = space->table_check;
    entry_t rest = {space->root.number << ENTRY_FRAME_SHIFT};
#pragma GCC unroll 4
    for (unsigned level = levels; level > PAGE_4K; level--) {
        way->parent_slot = express_slot(space, levels, window, level, page, entry_frame(rest));
        rest.bits = entry_load(way->parent_slot).bits ^ ENTRY_TABLE_FLAGS;
        if (__builtin_expect((rest.bits & check) != 0, 0))
            return false;
    }
    way->parent.bits = rest.bits ^ ENTRY_TABLE_FLAGS;
    way->slot = express_slot(space, levels, window, PAGE_4K, page, entry_frame(rest));
    way->entry = entry_load(way->slot);
    return true;
}

/* Is the entry the walk arrived at a page, as the processor would take it? */
ALWAYS_INLINE bool express_is_page(const struct address_space *space, const struct express *way)
{
    return ((way->entry.bits ^ ENTRY_PRESENT) & space->leaf_check) == 0;
}

/*
 * Define paging_verb: it takes the express way that serves the space, or else the long way, which are called
 * verb_express and verb_long. Parameters and arguments are given in parentheses. Four levels that are live
 * are served in the function itself and the others in functions of their own, so that none of them saves
 * registers for another.
 */
#define BARE(...) __VA_ARGS__
#define EXPRESS_INSTANCE(verb, name, levels, window, parameters, arguments)      \
    static __attribute__((noinline)) enum paging_status verb##_##name parameters \
    {                                                                            \
        return verb##_express(levels, window, BARE arguments);                   \
    }
#define TAKE_EXPRESS(verb, parameters, arguments)                                                      \
    EXPRESS_INSTANCE(verb, offset_4, 4, false, parameters, arguments)                                  \
    EXPRESS_INSTANCE(verb, offset_5, 5, false, parameters, arguments)                                  \
    EXPRESS_INSTANCE(verb, window_5, 5, true, parameters, arguments)                                   \
    static __attribute__((noinline)) enum paging_status verb##_elsewhere parameters                    \
    {                                                                                                  \
        if (space->express == EXPRESS_OFFSET_4)                                                        \
            return verb##_offset_4 arguments;                                                          \
        if (space->express == EXPRESS_WINDOW_5)                                                        \
            return verb##_window_5 arguments;                                                          \
        return space->express == EXPRESS_OFFSET_5 ? verb##_offset_5 arguments : verb##_long arguments; \
    }                                                                                                  \
    enum paging_status paging_##verb parameters                                                        \
    {                                                                                                  \
        if (__builtin_expect(space->express == EXPRESS_WINDOW_4, 1))                                   \
            return verb##_express(4, true, BARE arguments);                                            \
        return verb##_elsewhere arguments;                                                             \
    }

#endif
