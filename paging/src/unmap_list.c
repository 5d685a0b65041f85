/* SPDX-License-Identifier: MIT */
/*
 * unmap_list.c - remove a list of pages: check, clear, flush once, then free.
 *
 * As in unmap_range.c, an entry whose table or owned frame goes is detached, and names it until the flush.
 */
#include "gather_internal.h"
#include "leaf.h"
#include "page_row.h"
#include "table_pages.h"
#include "unmap.h"
#include <selfmap/list.h>

/* ---- checking ---- */

/*
 * Returns how many pages from the first on are in order and mapped in this P1: in the bits of `check`, which
 * PRESENT is among, their entries equal PRESENT.
 */
PAGING_ALWAYS_INLINE uint64_t count_mapped_in_row(const paging_page_t *pages, uint64_t count,
                                                  struct page_row row, uint64_t check)
{
    uint64_t i = 0, left = BEFORE_ROW;
    while (i < count && goes_on_in_row(row, pages[i], &left) &&
           ((paging_entry_load(slot_in_row(row, pages[i])).bits ^ PAGING_PRESENT) & check) == 0)
        i++;
    return i;
}

/* Checks a page that is not mapped in a P1 which the fast walk finds, and those after it in the same P1. */
static enum paging_status check_slow(const struct paging_space *space, const paging_page_t *pages,
                                     uint64_t count, uint64_t *i)
{
    paging_page_t page = pages[*i];
    struct page_walk walk;
    enum paging_status status = find_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    if (walk.level == PAGING_4K) {
        struct page_row row = row_of_walk(&walk, page);
        *i += count_mapped_in_row(pages + *i, count - *i, row, space->leaf_check);
        return PAGING_OK;
    }
    ++*i;
    return page.number % paging_level_pages(walk.level) != 0 ? PAGING_INSIDE_HUGE : PAGING_OK;
}

/* Checks page *i and those after it that the same walk serves. *i is where the next run begins. */
static enum paging_status check_run(const struct paging_space *space, const paging_page_t *pages,
                                    uint64_t count, uint64_t *i)
{
    uint64_t first = *i;
    struct page_row row;
    if (!is_in_order(pages, first))
        return PAGING_UNSORTED;
    if (find_row(space, pages[first], &row))
        *i += count_mapped_in_row(pages + first, count - first, row, space->leaf_check);
    return *i > first ? PAGING_OK : check_slow(space, pages, count, i);
}

enum paging_status paging_check_unmap_list(const struct paging_space *space, const paging_page_t *pages,
                                           uint64_t count)
{
    enum paging_status status = PAGING_OK;
    for (uint64_t i = 0; status == PAGING_OK && i < count;)
        status = check_run(space, pages, count, &i);
    return status;
}

/* ---- clearing ---- */

/*
 * Ends what a leaf of this level translates. It stays named if it is owned, or waits. Returns it as the
 * processor left it: until here accesses mark it.
 */
PAGING_ALWAYS_INLINE paging_entry_t end_leaf(volatile paging_entry_t *slot, unsigned level,
                                             paging_entry_t leaf, bool waits)
{
    bool stays_named = waits || (leaf.bits & PAGING_OWNED) != 0;
    paging_entry_t after = stays_named ? entry_to_detached(level, leaf) : (paging_entry_t){0};
    return replace_leaf(slot, leaf, after);
}

/* Reports what the leaf was, if anybody asks. Returns whether it is owned, and so detached. */
static bool report(struct paging_unmapped *unmapped, paging_entry_t leaf, unsigned level)
{
    bool owned = (leaf.bits & PAGING_OWNED) != 0;
    if (unmapped)
        report_unmapped(unmapped, leaf, level, owned);
    return owned;
}

/* Clears the entries of `count` pages that lie in one P1. Returns whether some are owned. */
static bool clear_row(const paging_page_t *pages, uint64_t count, struct page_row row,
                      struct paging_unmapped *unmapped, bool waits)
{
    bool some = false;
    for (uint64_t i = 0; i < count; i++) {
        volatile paging_entry_t *slot = slot_in_row(row, pages[i]);
        paging_entry_t leaf = end_leaf(slot, PAGING_4K, paging_entry_load(slot), waits);
        some |= report(unmapped ? &unmapped[i] : NULL, leaf, PAGING_4K);
    }
    return some;
}

/* Clears the pages of `removal` from *i on that lie in the row. Returns whether something has to be freed. */
PAGING_OUT_OF_LINE bool take_row(const struct list_removal *removal, uint64_t *i, struct page_row row)
{
    struct paging_space *space = removal->space;
    const paging_page_t *first = removal->pages + *i;
    struct paging_unmapped *unmapped = removal->unmapped ? removal->unmapped + *i : NULL;
    uint64_t here = count_pages_up_to(first, removal->count - *i, row.last);
    bool whole = entry_count(paging_entry_load(row.parent_slot)) == here;
    bool frees = false;
    flush_add_pages(space, removal->list, first, here);
    if (!whole || unmapped) /* otherwise it is enough that the P1 goes */
        frees = clear_row(first, here, row, unmapped, removal->waits);
    *i += here;
    if (whole) {
        struct page_walk walk;
        walk_to(space, *first, PAGING_4K, &walk);
        return paging_detach_tables(space, &walk, PAGING_2M, *first, removal->list);
    }
    change_entry_count(space, PAGING_2M, row.parent_slot, -(int)here, 0);
    return frees;
}

bool paging_take_run(const struct list_removal *removal, uint64_t *i)
{
    struct paging_space *space = removal->space;
    paging_page_t page = removal->pages[*i];
    struct page_walk walk;
    struct page_row row;
    if (find_row(space, page, &row))
        return take_row(removal, i, row);
    walk_to(space, page, PAGING_4K, &walk);
    if (walk.level == PAGING_4K)
        return take_row(removal, i, row_of_walk(&walk, page));
    paging_entry_t leaf =
        end_leaf(walk.slots[walk.level], walk.level, walk.entries[walk.level], removal->waits);
    bool frees = report(removal->unmapped ? &removal->unmapped[*i] : NULL, leaf, walk.level);
    ++*i;
    flush_add_leaf(space, removal->list, walk.level, page);
    return paging_detach_tables(space, &walk, walk.level, page, removal->list) || frees;
}

/* ---- freeing ---- */

/* Gives back what the entry in this slot names if it is detached, and makes it unused. */
PAGING_OUT_OF_LINE void sweep_entry(struct paging_space *space, unsigned level, volatile paging_entry_t *slot,
                                    paging_page_t page, struct paging_frame_source *frames)
{
    paging_entry_t entry = paging_entry_load(slot);
    if (!entry_is_detached(entry))
        return;
    uint64_t tables = paging_free_subtree(space, level, entry_from_detached(entry), frames);
    change_table_count(space, page, -(int64_t)tables);
    paging_entry_store(slot, (paging_entry_t){0});
}

/* Does so for the detached entries on the way to the pages. */
static void sweep(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                  struct paging_frame_source *frames)
{
    struct page_walk walk;
    for (uint64_t i = 0; i < count;) {
        walk_to(space, pages[i], PAGING_4K, &walk);
        if (walk.level > PAGING_4K) {
            sweep_entry(space, walk.level, walk.slots[walk.level], pages[i], frames);
            i += count_pages_up_to(pages + i, count - i, last_page_of_entry(&walk, pages[i]));
            continue;
        }
        struct page_row row = row_of_walk(&walk, pages[i]);
        for (; i < count && pages[i].number <= row.last; i++)
            sweep_entry(space, PAGING_4K, slot_in_row(row, pages[i]), pages[i], frames);
    }
}

/*
 * ---- the fast path ----
 *
 * For a list of pages that all lie in one P1, which stays, and of which none is owned: nothing is detached.
 */

/*
 * Clears the entries of all pages, which are mapped. With `flushes` each page is flushed as it goes: the
 * loads and stores of the next one need not wait for that. It is compiled twice.
 */
PAGING_ALWAYS_INLINE void clear_in_row(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                                       struct page_row row, struct paging_unmapped *unmapped, bool flushes)
{
    const uint64_t upper = upper_bits(space, pages[0]);
    for (uint64_t i = 0; i < count; i++) {
        volatile paging_entry_t *slot = slot_in_row(row, pages[i]);
        paging_entry_t leaf = remove_leaf(slot, paging_entry_load(slot));
        if (unmapped)
            report_unmapped(&unmapped[i], leaf, PAGING_4K, false);
        if (flushes)
            paging_tlb_flush_page((paging_virt_t){(pages[i].number << PAGING_PAGE_SHIFT) + upper});
    }
    if (flushes)
        own_counters(space)->flushes += count;
}

/* Returns false, with nothing written, if the list is not one of those. */
static bool unmap_in_row(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                         struct paging_unmapped *unmapped)
{
    struct page_row row;
    if (count == 0 || !find_row(space, pages[0], &row) ||
        entry_count(paging_entry_load(row.parent_slot)) <= count ||
        count_mapped_in_row(pages, count, row, space->leaf_check | PAGING_OWNED) < count)
        return false;
    const bool each = flushes_each(space, count);
    if (each)
        clear_in_row(space, pages, count, row, unmapped, true);
    else
        clear_in_row(space, pages, count, row, unmapped, false);
    change_entry_count(space, PAGING_2M, row.parent_slot, -(int)count, 0);
    if (!each)
        flush_many(space);
    return true;
}

static enum paging_status unmap_any(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                                    struct paging_frame_source *frames, struct paging_unmapped *unmapped)
{
    struct paging_flush_list list;
    const struct list_removal removal = {space, pages, count, &list, unmapped, false};
    bool frees = false;
    enum paging_status status = paging_check_unmap_list(space, pages, count);
    if (status != PAGING_OK)
        return status;
    finish_gather_of(space);

    flush_begin(&list);
    for (uint64_t i = 0; i < count;)
        frees |= paging_take_run(&removal, &i);
    paging_carry_out(space, &list);
    if (frees)
        sweep(space, pages, count, frames);
    return PAGING_OK;
}

enum paging_status paging_unmap_list(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                                     struct paging_frame_source *frames, struct paging_unmapped *unmapped)
{
    return unmap_in_row(space, pages, count, unmapped) ? PAGING_OK
                                                       : unmap_any(space, pages, count, frames, unmapped);
}
