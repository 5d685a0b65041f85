/* SPDX-License-Identifier: MIT */
/* map_list.c - map a list of pages: check all, take every frame, then write. */
#include "page_row.h"
#include "table_pages.h"
#include <selfmap/list.h>

struct list_mapping {
    struct paging_space *space;
    struct paging_frame_source *frames;
    const paging_page_t *pages;
    const paging_frame_t *to;
    uint64_t count, flags;
    bool allocates; /* the frames are the source's, and owned; `to` has none */
    bool replace_marker;
};

/* What the check has found. */
struct list_check {
    uint64_t at;         /* the first page that is not checked */
    uint64_t tables;     /* that are missing, exactly */
    uint64_t frame_bits; /* of all frames: the limit is a power of two, so one look tells of a whole run */
};

/* ---- checking ---- */

/* Returns how many pages from the first on are in order, in this P1, and unused. */
static uint64_t count_unused_in_row(const paging_page_t *pages, uint64_t count, struct page_row row)
{
    uint64_t i = 0, left = BEFORE_ROW;
    while (i < count && goes_on_in_row(row, pages[i], &left) &&
           paging_entry_is_unused(paging_entry_load(slot_in_row(row, pages[i]))))
        i++;
    return i;
}

/* Checks the pages from check->at on that are in order, in this P1, and unused. */
static void check_row(const struct list_mapping *mapping, struct list_check *check, struct page_row row)
{
    uint64_t first = check->at,
             end = first + count_unused_in_row(mapping->pages + first, mapping->count - first, row);
    check->at = end;
    for (uint64_t i = first; !mapping->allocates && i < end; i++)
        check->frame_bits |= mapping->to[i].number;
}

/*
 * The walk to the page at hand ended above the P1s at an unused entry, or at a marker that gives way: checks
 * the pages that are in order and below that entry. Counts exactly the tables that they need: one is new to a
 * page if the page before it, which needs tables below the same entry, lies in another one.
 */
static void check_hole(const struct list_mapping *mapping, struct list_check *check,
                       const struct page_walk *walk)
{
    const paging_page_t *pages = mapping->pages;
    uint64_t i = check->at, last = last_page_of_entry(walk, pages[i]);
    check->tables += missing_tables(walk, PAGING_4K);
    check->frame_bits |= mapping->allocates ? 0 : mapping->to[i].number;
    for (i++; i < mapping->count && is_in_order(pages, i) && pages[i].number <= last; i++) {
        uint64_t differing = pages[i].number ^ pages[i - 1].number;
        for (unsigned level = 1; differing >> (PAGING_INDEX_BITS * level) != 0; level++)
            check->tables++;
        check->frame_bits |= mapping->allocates ? 0 : mapping->to[i].number;
    }
    check->at = i;
}

/* Returns what stands in the way of a page where the walk to it ended, at an entry that is not unused. */
static enum paging_status used_status(const struct list_mapping *mapping, const struct page_walk *walk)
{
    paging_entry_t entry = walk->entries[walk->level];
    if (!paging_entry_is_present(entry))
        return absent_status(entry, mapping->replace_marker);
    if (entry_is_malformed(mapping->space, entry, walk->level))
        return PAGING_MALFORMED;
    return walk->level == PAGING_4K ? PAGING_ALREADY_MAPPED : PAGING_INSIDE_HUGE;
}

/*
 * Checks a page that is not unused in a P1 which the fast walk finds, and those after it if there is no P1.
 */
static enum paging_status check_slow(const struct list_mapping *mapping, struct list_check *check)
{
    paging_page_t page = mapping->pages[check->at];
    struct page_walk walk;
    enum paging_status status = check_page(mapping->space, page);
    if (status != PAGING_OK)
        return status;
    walk_to(mapping->space, page, PAGING_4K, &walk);
    bool is_unused = paging_entry_is_unused(walk.entries[walk.level]);
    if (!is_unused)
        status = used_status(mapping, &walk);
    if (status != PAGING_OK)
        return status;
    if (walk.level > PAGING_4K) {
        check_hole(mapping, check, &walk);
    } else if (is_unused) {
        check_row(mapping, check, row_of_walk(&walk, page));
    } else {
        check->frame_bits |= mapping->allocates ? 0 : mapping->to[check->at].number;
        check->at++;
    }
    return status;
}

/* Checks the page at hand, and those after it that the same walk serves. */
static enum paging_status check_run(const struct list_mapping *mapping, struct list_check *check)
{
    const struct paging_space *space = mapping->space;
    uint64_t first = check->at;
    if (!is_in_order(mapping->pages, first))
        return PAGING_UNSORTED;
    paging_page_t page = mapping->pages[first];
    enum paging_status status = check_flags(space, mapping->flags, in_upper_half(space, page));
    if (status != PAGING_OK)
        return status;
    struct page_row row;
    if (find_row(space, page, &row))
        check_row(mapping, check, row);
    if (check->at == first)
        status = check_slow(mapping, check);
    return status == PAGING_OK && check->frame_bits >= space->frame_limit ? PAGING_FRAME_TOO_HIGH : status;
}

/* ---- writing ---- */

/* Stores a frame for page i. */
static bool take_frame(const struct list_mapping *mapping, uint64_t i, paging_frame_t *frame)
{
    if (mapping->allocates)
        return take_page(mapping->space, mapping->frames, frame);
    *frame = mapping->to[i];
    return true;
}

/* Maps the pages from *i on that lie in the row. *i is the page after the last one. */
PAGING_OUT_OF_LINE enum paging_status map_row(const struct list_mapping *mapping, uint64_t *i,
                                              struct page_row row)
{
    enum paging_status status = PAGING_OK;
    int added = 0;
    for (; *i < mapping->count && mapping->pages[*i].number <= row.last; ++*i) {
        volatile paging_entry_t *slot = slot_in_row(row, mapping->pages[*i]);
        paging_frame_t frame;
        if (!take_frame(mapping, *i, &frame)) {
            status = PAGING_BROKEN_SOURCE;
            break;
        }
        added += !mapping->replace_marker || paging_entry_is_unused(paging_entry_load(slot));
        paging_entry_store(slot, paging_entry_leaf(PAGING_4K, frame, mapping->flags));
    }
    change_entry_count(mapping->space, PAGING_2M, row.parent_slot, added, mapping->flags);
    return status;
}

/* Maps page *i with the tables that are missing; the pages after it will find them there. */
static enum paging_status link_page(const struct list_mapping *mapping, uint64_t *i,
                                    const struct page_walk *walk)
{
    paging_frame_t frame;
    if (!take_frame(mapping, *i, &frame))
        return PAGING_BROKEN_SOURCE;
    enum paging_status status =
        paging_link_entry(mapping->space, walk, mapping->pages[*i], PAGING_4K,
                          paging_entry_leaf(PAGING_4K, frame, mapping->flags), mapping->frames);
    if (status != PAGING_OK && mapping->allocates)
        give_page(mapping->space, mapping->frames, PAGING_4K, frame);
    ++*i;
    return status;
}

/* Maps the page *i, and those after it that the same walk serves. */
static enum paging_status map_run(const struct list_mapping *mapping, uint64_t *i)
{
    struct page_walk walk;
    struct page_row row;
    if (find_row(mapping->space, mapping->pages[*i], &row))
        return map_row(mapping, i, row);
    walk_to(mapping->space, mapping->pages[*i], PAGING_4K, &walk);
    return walk.level == PAGING_4K ? map_row(mapping, i, row_of_walk(&walk, mapping->pages[*i]))
                                   : link_page(mapping, i, &walk);
}

/* Maps all pages, which are checked, with exactly this many new tables. */
static enum paging_status reserve_and_fill(struct list_mapping *mapping, uint64_t tables)
{
    struct paging_frame_source *frames = mapping->frames;
    uint64_t pages = mapping->allocates ? mapping->count : 0, i = 0;
    enum paging_status status = PAGING_OK;
    if (tables + pages > 0 && !frames->reserve(frames, mapping->space, tables, pages))
        return PAGING_NO_FRAMES;
    mapping->flags |= mapping->allocates ? PAGING_OWNED : 0;
    while (status == PAGING_OK && i < mapping->count)
        status = map_run(mapping, &i);
    if (tables + pages > 0)
        frames->unreserve(frames, mapping->space);
    return status;
}

static enum paging_status check_and_fill(struct list_mapping *mapping)
{
    struct list_check check = {0};
    mapping->replace_marker = (mapping->flags & PAGING_REPLACE_MARKER) != 0;
    mapping->flags &= ~PAGING_REPLACE_MARKER;
    while (check.at < mapping->count) {
        enum paging_status status = check_run(mapping, &check);
        if (status != PAGING_OK)
            return status;
    }
    return reserve_and_fill(mapping, check.tables);
}

/*
 * ---- the fast path ----
 *
 * For a list of pages that all lie in one P1, which is there, and are unused there. Returns false, with
 * nothing written, if anything is different.
 */
static bool map_in_row(struct paging_space *space, const paging_page_t *pages, const paging_frame_t *to,
                       uint64_t count, uint64_t flags)
{
    const uint64_t attributes = flags | PAGING_PRESENT;
    struct page_row row;
    uint64_t frames = 0, left = BEFORE_ROW;
    if (count == 0 || check_flags(space, flags, in_upper_half(space, pages[0])) != PAGING_OK ||
        !find_row(space, pages[0], &row))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!goes_on_in_row(row, pages[i], &left) ||
            !paging_entry_is_unused(paging_entry_load(slot_in_row(row, pages[i]))))
            return false;
        frames |= to[i].number; /* the limit is a power of two: one comparison is enough */
    }
    if (frames >= space->frame_limit)
        return false;
    for (uint64_t i = 0; i < count; i++)
        paging_entry_store(slot_in_row(row, pages[i]),
                           (paging_entry_t){to[i].number << PAGING_FRAME_SHIFT | attributes});
    change_entry_count(space, PAGING_2M, row.parent_slot, (int)count, 0);
    return true;
}

enum paging_status paging_map_list(struct paging_space *space, const paging_page_t *pages,
                                   const paging_frame_t *to, uint64_t count, uint64_t flags,
                                   struct paging_frame_source *frames)
{
    struct list_mapping mapping = {
        .space = space, .frames = frames, .pages = pages, .to = to, .count = count, .flags = flags};
    return map_in_row(space, pages, to, count, flags) ? PAGING_OK : check_and_fill(&mapping);
}

enum paging_status paging_map_list_alloc(struct paging_space *space, const paging_page_t *pages,
                                         uint64_t count, uint64_t flags, struct paging_frame_source *frames)
{
    struct list_mapping mapping = {
        .space = space, .frames = frames, .pages = pages, .count = count, .flags = flags, .allocates = true};
    return check_and_fill(&mapping);
}
