/* SPDX-License-Identifier: MIT */
/* protect_range.c - change flags in a range. */
#include "gather_internal.h"
#include "split.h"
#include <selfmap/range.h>

enum { BATCH = 8 };

/* Changes one entry of a P1. */
static void protect_one(const struct paging_space *space, const struct flag_change *change,
                        volatile paging_entry_t *slot, uint64_t at, struct paging_flush_list *list)
{
    paging_entry_t entry = paging_entry_load(slot), after = with_change(change, PAGING_4K, entry);
    if (after.bits == entry.bits || !paging_entry_is_present(entry))
        return;
    change_leaf(slot, change, entry, after);
    flush_add_leaf(space, list, PAGING_4K, (paging_page_t){at});
}

/*
 * Changes eight entries at a time as long as all are present and agree in the bits that change: then one XOR
 * does for each, and accessed and dirty bits that the processor has set meanwhile stay. Of these two bits
 * `set` has none, or it and `clear` have both. Shared frames are left to protect_one. With look_only, goes on
 * as long as nothing changes. Returns how many entries are done. It is a function of its own because it needs
 * all registers.
 */
PAGING_OUT_OF_LINE uint64_t protect_batches(volatile paging_entry_t *slot, uint64_t count, uint64_t set,
                                            uint64_t clear, bool look_only)
{
    volatile paging_entry_t *first = slot, *end = slot + count / BATCH * BATCH;
    const uint64_t touched = set | clear, checked = touched | PAGING_SHARED_FRAME;
    for (; slot != end; slot += BATCH) {
        uint64_t entries[BATCH], any = 0, all = ~PAGING_SHARED_FRAME; /* which shows if any has it */
#pragma GCC unroll 8
        for (unsigned i = 0; i < BATCH; i++) {
            entries[i] = paging_entry_load(slot + i).bits;
            any |= entries[i];
            all &= entries[i];
        }
        if ((all & PAGING_PRESENT) == 0 || ((any ^ all) & checked) != 0)
            break;
        uint64_t change = (all ^ set) & touched;
        if (change == 0)
            continue;
        if (look_only)
            break;
        if (has_accessed_dirty(all | touched)) {
#pragma GCC unroll 8
            for (unsigned i = 0; i < BATCH; i++)
                paging_entry_store(slot + i, (paging_entry_t){entries[i] ^ change});
        } else {
#pragma GCC unroll 8
            for (unsigned i = 0; i < BATCH; i++)
                paging_entry_xor(slot + i, change);
        }
    }
    return (uint64_t)(slot - first);
}

/*
 * Changes a row of a P1. As long as each change has to be flushed by itself, entries are changed one by one;
 * also if one of accessed and dirty is set, and the other one not named: an XOR could clear the first.
 */
static void protect_row(const struct paging_space *space, const struct flag_change *change,
                        volatile paging_entry_t *slot, struct page_range row, struct paging_flush_list *list)
{
    bool sets_one =
        (change->set & PAGING_ACCESSED_DIRTY) != 0 && !has_accessed_dirty(change->set | change->clear);
    do {
        bool look_only = sets_one || flush_wants_more(space, list);
        uint64_t done = protect_batches(slot, row.end - row.at, change->set, change->clear, look_only);
        row.at += done;
        slot += done;
        uint64_t end = row.end - row.at < BATCH ? row.end : row.at + BATCH;
        for (; row.at < end; row.at++, slot++)
            protect_one(space, change, slot, row.at, list);
    } while (row.at < row.end);
}

/*
 * Changes all leaves that lie in the range. A leaf that still reaches beyond it was not split because the
 * change made no difference to it (paging_find_splits). It stays as it is, even if the processor has set
 * accessed or dirty since.
 */
static void protect(const struct paging_space *space, const struct flag_change *change,
                    struct page_range range, struct paging_flush_list *list)
{
    struct cursor c;
    cursor_begin(&c, space, range);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            protect_row(space, change, c.slot, row, list);
        } else if (paging_entry_is_table(c.entry, c.level)) {
            cursor_descend(&c);
        } else if (paging_entry_is_present(c.entry) && covers_whole_entry(c.level, cursor_part(&c))) {
            paging_entry_t after = with_change(change, c.level, c.entry);
            if (after.bits == c.entry.bits)
                continue;
            change_leaf(c.slot, change, c.entry, after);
            flush_add_leaf(space, list, c.level, (paging_page_t){cursor_part(&c).at});
        }
    }
}

enum paging_status paging_protect_into(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                       uint64_t set, uint64_t clear, struct paging_frame_source *frames,
                                       struct paging_flush_list *list)
{
    struct page_range range;
    const struct flag_change change = {set, clear};
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = check_change(space, &change, in_upper_half(space, (paging_page_t){range.at}));
    if (status != PAGING_OK)
        return status;

    struct boundary_splits splits;
    status = paging_find_splits(space, range, &change, frames, &splits);
    if (status == PAGING_OK)
        status = paging_make_splits(space, range, &splits, frames);
    if (status == PAGING_OK)
        protect(space, &change, range, list);
    return status;
}

enum paging_status paging_protect_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                        uint64_t set, uint64_t clear, struct paging_frame_source *frames)
{
    struct paging_flush_list list;
    flush_begin(&list);
    enum paging_status status = paging_protect_into(space, start, bytes, set, clear, frames, &list);
    paging_carry_out(space, &list);
    return status;
}
