/*
 * range_parts.h - what the range operations share: the range itself, and cutting huge pages at its ends.
 *
 * Internal to the core. A range operation goes over the entries of a table that its range touches, and below those
 * that point to tables; [at, end) is always the part of the range that lies in the table at hand.
 */
#ifndef PAGING_SRC_RANGE_PARTS_H
#define PAGING_SRC_RANGE_PARTS_H

#include "count.h"
#include "flush.h"
#include <selfmap/range.h>

/* Page numbers, masked like paging_page_t's; end may be one past the last page. */
struct range {
    uint64_t at, end;
};

/* The refusals that all range operations have in common, in the order of range.h. */
PAGING_MUST_CHECK enum paging_status paging_range_check(const struct paging_space *space, paging_virt_t start,
                                                        uint64_t bytes, struct range *range);

/* Where the entry of a table of this level that maps page `at` ends, or the range if that comes first. */
static inline uint64_t entry_end(unsigned level, struct range range)
{
    uint64_t end = (range.at / paging_level_pages(level) + 1) * paging_level_pages(level);
    return end < range.end ? end : range.end;
}

/* How many entries of a table of this level does the range touch? It lies in that table. */
static inline unsigned parts_of(unsigned level, struct range range)
{
    uint64_t span = paging_level_pages(level);
    return (unsigned)((range.end - 1) / span - range.at / span) + 1;
}

/* The part of the range below entry number i of those. */
static inline struct range part_of(unsigned level, struct range range, unsigned i)
{
    uint64_t span = paging_level_pages(level), start = (range.at / span + i) * span, end = start + span;
    return (struct range){start > range.at ? start : range.at, end < range.end ? end : range.end};
}

/* Does the part of the range up to `end` cover its whole entry? */
static inline bool covers_whole_entry(unsigned level, uint64_t at, uint64_t end)
{
    return end - at == paging_level_pages(level);
}

/*
 * So many leaves of a table of this level, side by side: from one to the next only the frame changes, and it
 * never runs beyond its bits.
 */
static inline void fill_leaves(volatile paging_entry_t *slot, uint64_t count, paging_entry_t leaf,
                               unsigned level)
{
    uint64_t step = paging_level_pages(level) << PAGING_FRAME_SHIFT;
#pragma GCC unroll 8
    for (volatile paging_entry_t *end = slot + count; slot != end; slot++) {
        paging_entry_store(slot, leaf);
        leaf.bits += step;
    }
}

/* PAGING_MALFORMED if a table holds an entry that the processor would refuse. P1s are not looked at. */
PAGING_MUST_CHECK enum paging_status paging_check_tables(const struct paging_space *space, unsigned level,
                                                         paging_frame_t table, struct range range);

/* Replace the leaf where the walk ended by a table of the next smaller leaves. The frame is reserved. */
void paging_split_leaf(struct paging_space *space, const struct page_walk *walk, paging_page_t page,
                       struct paging_frame_source *frames);

/* One end of a range, in the leaf that reaches across it: `leaf` levels down to `boundary`. Equal: no cut. */
struct boundary_split {
    unsigned leaf, boundary;
};

/*
 * Cuts make the ends of a range the ends of leaves. Without a rule, all leaves that reach across are cut, and
 * an owner's entry that does so is refused (PAGING_MARKED); with one, only leaves it concerns. What is to
 * be cut is found once, and its tables reserved, because the processor may set accessed and dirty bits before
 * it is done.
 */
struct split_rule {
    bool (*concerns)(const struct split_rule *rule, paging_entry_t leaf);
    uint64_t set, clear;
};
struct boundary_splits {
    struct boundary_split start, end;
};
PAGING_MUST_CHECK enum paging_status paging_find_splits(const struct paging_space *space, struct range range,
                                                        const struct split_rule *rule,
                                                        struct paging_frame_source *frames,
                                                        struct boundary_splits *cuts);
void paging_make_splits(struct paging_space *space, struct range range, const struct boundary_splits *cuts,
                        struct paging_frame_source *frames);

#endif
