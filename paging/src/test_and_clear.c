/* SPDX-License-Identifier: MIT */
/* test_and_clear.c - read and clear accessed and dirty bits in a range. */
#include <selfmap/test_and_clear.h>

#include "cursor.h"
#include "flush.h"
#include "leaf.h"
#include "split.h"

/* What is cleared, and who is told. */
struct clearing {
    uint64_t which;
    paging_entry_callback callback;
    void *context;
};

/* Shows a leaf that has any of the bits. Returns whether to go on. */
static bool show(const struct clearing *clearing, unsigned level, paging_entry_t leaf, struct page_range part)
{
    const struct paging_entry_info info = {.kind = PAGING_KIND_LEAF,
                                           .level = level,
                                           .first = {part.at},
                                           .pages = part.end - part.at,
                                           .entry = leaf,
                                           .flags = leaf.bits & clearing->which};
    return clearing->callback(clearing->context, &info) != PAGING_VISIT_STOP;
}

/*
 * Clears a leaf that is present and has any of the bits, if all of it is in the range, and shows it. Returns
 * whether to go on.
 */
PAGING_ALWAYS_INLINE bool clear_leaf(const struct paging_space *space, const struct clearing *clearing,
                                     unsigned level, volatile paging_entry_t *slot, paging_entry_t leaf,
                                     struct page_range part, struct paging_flush_list *list)
{
    if (covers_whole_entry(level, part)) {
        paging_entry_xor(slot, leaf.bits & clearing->which);
        flush_add_leaf(space, list, level, (paging_page_t){part.at});
    }
    return !clearing->callback || show(clearing, level, leaf, part);
}

/* Does the same in a row of a P1. */
static bool clear_row(const struct paging_space *space, const struct clearing *clearing,
                      volatile paging_entry_t *slot, struct page_range row, struct paging_flush_list *list)
{
    for (; row.at < row.end; row.at++, slot++) {
        paging_entry_t leaf = paging_entry_load(slot);
        if (paging_entry_is_present(leaf) && (leaf.bits & clearing->which) != 0 &&
            !clear_leaf(space, clearing, PAGING_4K, slot, leaf, (struct page_range){row.at, row.at + 1},
                        list))
            return false;
    }
    return true;
}

static void clear_range(const struct paging_space *space, const struct clearing *clearing,
                        struct page_range range, struct paging_flush_list *list)
{
    bool goes_on = true;
    struct cursor c;
    cursor_begin(&c, space, range);
    while (goes_on && cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE || !paging_entry_is_present(c.entry))
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            goes_on = clear_row(space, clearing, c.slot, row, list);
        } else if (paging_entry_is_table(c.entry, c.level)) {
            cursor_descend(&c);
        } else if ((c.entry.bits & clearing->which) != 0) {
            goes_on = clear_leaf(space, clearing, c.level, c.slot, c.entry, cursor_part(&c), list);
        }
    }
}

enum paging_status paging_test_and_clear(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                         uint64_t which, paging_entry_callback callback, void *context)
{
    const struct clearing clearing = {which, callback, context};
    struct page_range range;
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK && (which == 0 || (which & ~PAGING_ACCESSED_DIRTY) != 0))
        status = PAGING_BAD_FLAGS;
    if (status == PAGING_OK)
        status = paging_check_tables(space, range);
    if (status != PAGING_OK)
        return status;
    struct paging_flush_list list;
    flush_begin(&list);
    clear_range(space, &clearing, range, &list);
    paging_carry_out(space, &list);
    return PAGING_OK;
}
