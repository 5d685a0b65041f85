/*
 * range_walk.h - what the range verbs share: the range itself, and cutting huge pages at its ends.
 *
 * Internal to the core. A range verb goes over the entries of a table that its range touches, and below those
 * that point to tables; [at, end) is always the part of the range that lies in the table at hand.
 */
#ifndef PAGING_RANGE_WALK_H
#define PAGING_RANGE_WALK_H

#include "count.h"
#include "flush.h"
#include "range.h"

/* Page numbers, masked like page_t's; end may be one past the last page. */
struct range {
    uint64_t at, end;
};

/* The refusals that all range verbs have in common, in the order of range.h. */
MUST_CHECK enum paging_status range_check(const struct address_space *space, virt_addr_t start,
                                          uint64_t bytes, struct range *range);

/* Where the entry of a table of this level that maps page `at` ends, or the range if that comes first. */
static inline uint64_t entry_end(unsigned level, struct range range)
{
    uint64_t end = (range.at / level_pages(level) + 1) * level_pages(level);
    return end < range.end ? end : range.end;
}

/* How many entries of a table of this level does the range touch? It lies in that table. */
static inline unsigned parts_of(unsigned level, struct range range)
{
    uint64_t span = level_pages(level);
    return (unsigned)((range.end - 1) / span - range.at / span) + 1;
}

/* The part of the range below entry number i of those. */
static inline struct range part_of(unsigned level, struct range range, unsigned i)
{
    uint64_t span = level_pages(level), start = (range.at / span + i) * span, end = start + span;
    return (struct range){start > range.at ? start : range.at, end < range.end ? end : range.end};
}

/* Does the part of the range up to `end` cover its whole entry? */
static inline bool covers_entry(unsigned level, uint64_t at, uint64_t end)
{
    return end - at == level_pages(level);
}

/*
 * So many leaves of a table of this level, side by side: from one to the next only the frame changes, and it
 * never runs beyond its bits.
 */
static inline void put_in_a_row(volatile entry_t *slot, uint64_t count, entry_t leaf, unsigned level)
{
    uint64_t step = level_pages(level) << ENTRY_FRAME_SHIFT;
#pragma GCC unroll 8
    for (volatile entry_t *end = slot + count; slot != end; slot++) {
        entry_store(slot, leaf);
        leaf.bits += step;
    }
}

/* PAGING_MALFORMED if a table holds an entry that the processor would refuse. P1s are not looked at. */
MUST_CHECK enum paging_status check_tables(const struct address_space *space, unsigned level, frame_t table,
                                           struct range range);

/* Replace the leaf where the walk ended by a table of the next smaller leaves. The frame is reserved. */
void split_leaf(struct address_space *space, const struct walk *walk, page_t page,
                struct frame_source *frames);

/* One end of a range, in the leaf that reaches across it: `leaf` levels down to `boundary`. Equal: no cut. */
struct cut {
    unsigned leaf, boundary;
};

/*
 * Cuts make the ends of a range the ends of leaves. Without a rule, all leaves that reach across are cut, and
 * an owner's entry that does so is refused (PAGING_RESERVED); with one, only leaves it concerns. What is to
 * be cut is found once, and its tables reserved, because the processor may set accessed and dirty bits before
 * it is done.
 */
struct cut_rule {
    bool (*concerns)(const struct cut_rule *rule, entry_t leaf);
    uint64_t set, clear;
};
struct cuts {
    struct cut start, end;
};
MUST_CHECK enum paging_status cuts_find(const struct address_space *space, struct range range,
                                        const struct cut_rule *rule, struct frame_source *frames,
                                        struct cuts *cuts);
void cuts_make(struct address_space *space, struct range range, const struct cuts *cuts,
               struct frame_source *frames);

#endif
