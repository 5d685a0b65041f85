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

/* Clears the leaf at the cursor, if all of it is in the range, and shows it. Returns whether to go on. */
static bool clear_leaf(const struct paging_space *space, const struct clearing *clearing,
                       const struct cursor *c, struct paging_flush_list *list)
{
    struct page_range part = cursor_part(c);
    uint64_t had = c->entry.bits & clearing->which;
    if (covers_whole_entry(c->level, part)) {
        paging_entry_xor(c->slot, had);
        flush_add_leaf(space, list, c->level, (paging_page_t){part.at});
    }
    const struct paging_entry_info info = {.kind = PAGING_KIND_LEAF,
                                           .level = c->level,
                                           .first = {part.at},
                                           .pages = part.end - part.at,
                                           .entry = c->entry,
                                           .flags = had};
    return !clearing->callback || clearing->callback(clearing->context, &info) != PAGING_VISIT_STOP;
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
        if (paging_entry_is_table(c.entry, c.level))
            cursor_descend(&c);
        else if ((c.entry.bits & clearing->which) != 0)
            goes_on = clear_leaf(space, clearing, &c, list);
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
