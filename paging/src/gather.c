/* SPDX-License-Identifier: MIT */
/* gather.c - one flush for many calls. */
#include "gather_internal.h"

#include "leaf.h"
#include "page_row.h"
#include "unmap.h"
#include <selfmap/range.h>

/* Carries out what the gather has so far, and gives back what waits for it. */
static void finish(struct paging_gather *gather)
{
    paging_carry_out(gather->space, &gather->list);
    for (unsigned i = 0; i < gather->count; i++) {
        struct page_range range = {gather->ranges[i].at, gather->ranges[i].end};
        paging_sweep_waiting(gather->space, range, gather->frames);
    }
    gather->count = 0;
}

enum paging_status paging_gather_begin(struct paging_gather *gather, struct paging_space *space,
                                       struct paging_frame_source *frames)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (space->gather)
        return PAGING_BUSY;
    gather->space = space;
    gather->frames = frames;
    gather->finish = finish;
    gather->count = 0;
    flush_begin(&gather->list);
    space->gather = gather;
    return PAGING_OK;
}

void paging_gather_end(struct paging_gather *gather)
{
    finish(gather);
    gather->space->gather = NULL;
}

/* Returns whether nothing lies between two ranges except pages of one P1. */
static bool are_near(uint64_t end, uint64_t at)
{
    return at <= end || at / PAGING_TABLE_ENTRIES == (end - 1) / PAGING_TABLE_ENTRIES;
}

/* Adds the range to one that it is near to. Returns false if there is none. */
static bool join(struct paging_gather *gather, struct page_range range)
{
    for (unsigned i = 0; i < gather->count; i++) {
        uint64_t at = gather->ranges[i].at, end = gather->ranges[i].end;
        if (!are_near(end, range.at) || !are_near(range.end, at))
            continue;
        gather->ranges[i].at = range.at < at ? range.at : at;
        gather->ranges[i].end = range.end > end ? range.end : end;
        return true;
    }
    return false;
}

/* Remembers that entries of the range will wait. */
static void add_range(struct paging_gather *gather, struct page_range range)
{
    if (join(gather, range))
        return;
    if (gather->count == PAGING_GATHER_RANGES)
        finish(gather);
    gather->ranges[gather->count].at = range.at;
    gather->ranges[gather->count++].end = range.end;
}

enum paging_status paging_gather_unmap(struct paging_gather *gather, paging_page_t page,
                                       struct paging_unmapped *unmapped)
{
    struct paging_space *space = gather->space;
    struct page_walk walk;
    enum paging_status status = find_whole_leaf(space, page, &walk);
    if (status != PAGING_OK)
        return status;
    const unsigned level = walk.level;
    paging_entry_t leaf = walk.entries[level];
    add_range(gather, (struct page_range){page.number, page.number + paging_level_pages(level)});
    leaf = replace_leaf(walk.slots[level], leaf, entry_to_detached(level, leaf));
    flush_add_leaf(space, &gather->list, level, page);
    (void)paging_detach_tables(space, &walk, level, page, &gather->list);
    report_unmapped(unmapped, leaf, level, (leaf.bits & PAGING_OWNED) != 0);
    return PAGING_OK;
}

/* Returns where the pages of a list that one walk serves are, from its first one on. */
static struct page_range next_run(const struct paging_space *space, const paging_page_t *pages,
                                  uint64_t count)
{
    struct page_walk walk;
    uint64_t first = pages[0].number;
    walk_to(space, pages[0], PAGING_4K, &walk);
    uint64_t last = last_page_of_entry(&walk, pages[0]);
    if (walk.level == PAGING_4K)
        last = pages[count_pages_up_to(pages, count, first | (PAGING_TABLE_ENTRIES - 1)) - 1].number;
    return (struct page_range){first, last + 1};
}

enum paging_status paging_gather_unmap_list(struct paging_gather *gather, const paging_page_t *pages,
                                            uint64_t count, struct paging_unmapped *unmapped)
{
    struct paging_space *space = gather->space;
    const struct list_removal removal = {space, pages, count, &gather->list, unmapped, true};
    enum paging_status status = paging_check_unmap_list(space, pages, count);
    if (status != PAGING_OK)
        return status;
    for (uint64_t i = 0; i < count;) {
        add_range(gather, next_run(space, pages + i, count - i));
        (void)paging_take_run(&removal, &i);
    }
    return PAGING_OK;
}

enum paging_status paging_gather_unmap_range(struct paging_gather *gather, paging_virt_t start,
                                             uint64_t bytes)
{
    struct page_range range;
    enum paging_status status = paging_prepare_unmap(gather->space, start, bytes, gather->frames, &range);
    if (status != PAGING_OK)
        return status;
    add_range(gather, range);
    paging_clear_waiting(gather->space, range, &gather->list);
    return PAGING_OK;
}

enum paging_status paging_gather_protect_range(struct paging_gather *gather, paging_virt_t start,
                                               uint64_t bytes, uint64_t set, uint64_t clear)
{
    return paging_protect_into(gather->space, start, bytes, set, clear, gather->frames, &gather->list);
}
