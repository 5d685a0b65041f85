/* SPDX-License-Identifier: MIT */
/*
 * clone.c - a lower half twice: share the frames, make the tables, then write the entries in both spaces.
 *
 * What can fail comes first: the source of frames may refuse to share, or break its promise of a table. Until
 * then no entry of the source has changed, and the destination has empty tables only. Then each page loses
 * the right to write, and is copied as the processor has left it: no accessed or dirty bit is lost between.
 */
#include <selfmap/clone.h>

#include "cursor.h"
#include "flush.h"
#include "gather_internal.h"
#include "leaf.h"
#include "table_pages.h"

struct clone {
    struct paging_space *source, *destination;
    struct paging_frame_source *frames;
    uint64_t tables;               /* that the source's lower half has */
    uint64_t shared;               /* the frames of the pages below this one are shared */
    struct paging_flush_list list; /* of the source */
};

/* What is done with a part of the lower half, between reserved root slots. */
typedef enum paging_status (*clone_step)(struct clone *clone, struct page_range part);

static enum paging_status for_lower_half(struct clone *clone, clone_step step)
{
    struct page_range half = {0, paging_page_limit(clone->source->cpu.levels) / 2}, part;
    enum paging_status status = PAGING_OK;
    while (status == PAGING_OK && paging_next_between_slots(clone->source, &half, &part))
        status = step(clone, part);
    return status;
}

/* ---- checking ---- */

static enum paging_status check_pair(const struct paging_space *source,
                                     const struct paging_space *destination)
{
    if (source->mode == PAGING_MODE_UNREACHABLE || destination->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    if (source->cpu.levels != destination->cpu.levels || source->by_direct_map != destination->by_direct_map)
        return PAGING_NOT_SUPPORTED;
    return PAGING_OK;
}

/* No table is empty, so what there is shows in the root. */
static enum paging_status check_empty(struct clone *clone, struct page_range part)
{
    struct cursor c;
    cursor_begin(&c, clone->destination, part);
    return cursor_next_used(&c) == CURSOR_END ? PAGING_OK : PAGING_ALREADY_MAPPED;
}

/* Checks the source's entries above the P1s, and counts the tables. */
static enum paging_status check_tables(struct clone *clone, struct page_range part)
{
    struct cursor c;
    cursor_begin(&c, clone->source, part);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (entry_is_malformed(clone->source, c.entry, c.level))
            return PAGING_MALFORMED;
        if (!paging_entry_is_table(c.entry, c.level))
            continue;
        clone->tables++;
        if (c.level > PAGING_2M)
            cursor_descend(&c);
    }
    return PAGING_OK;
}

/* ---- frames ---- */

/* What is done with the frame, or run of frames, of an owned page of this level. Returns whether to go on. */
typedef bool (*frame_step)(const struct clone *clone, unsigned level, paging_frame_t frame);

static bool share_frame(const struct clone *clone, unsigned level, paging_frame_t frame)
{
    return clone->frames->share &&
           clone->frames->share(clone->frames, clone->destination, (enum paging_size)level, frame);
}

static bool give_share(const struct clone *clone, unsigned level, paging_frame_t frame)
{
    give_page(clone->destination, clone->frames, level, frame);
    return true;
}

/* Does so with a row of a P1. Returns the page where the step has ended it, or the end of the row. */
PAGING_ALWAYS_INLINE uint64_t for_owned_in_row(const struct clone *clone, frame_step step,
                                               volatile paging_entry_t *slot, struct page_range row)
{
    const uint64_t owned = PAGING_PRESENT | PAGING_OWNED;
    for (; row.at < row.end; row.at++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        if ((entry.bits & owned) == owned && !step(clone, PAGING_4K, paging_entry_frame(entry)))
            break;
    }
    return row.at;
}

/*
 * Does so with each owned page of the source in a part. Returns the page where that has ended. Inlined, so
 * that each step is compiled into a walk of its own.
 */
PAGING_ALWAYS_INLINE uint64_t for_owned(const struct clone *clone, frame_step step, struct page_range part)
{
    struct cursor c;
    cursor_begin(&c, clone->source, part);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            uint64_t end = for_owned_in_row(clone, step, c.slot, row);
            if (end < row.end)
                return end;
        } else if (paging_entry_is_table(c.entry, c.level)) {
            if (c.level > PAGING_2M || (c.entry.bits & PAGING_OWNED_BELOW) != 0)
                cursor_descend(&c);
        } else if (paging_entry_is_present(c.entry) && (c.entry.bits & PAGING_OWNED) != 0) {
            if (!step(clone, c.level, paging_leaf_frame(c.entry, c.level)))
                return cursor_part(&c).at;
        }
    }
    return part.end;
}

static enum paging_status share_frames(struct clone *clone, struct page_range part)
{
    clone->shared = for_owned(clone, share_frame, part);
    if (clone->shared == part.end)
        return PAGING_OK;
    return clone->frames->share ? PAGING_NO_FRAMES : PAGING_NOT_SUPPORTED;
}

static enum paging_status give_shares(struct clone *clone, struct page_range part)
{
    part.end = part.end < clone->shared ? part.end : clone->shared;
    if (part.at < part.end)
        (void)for_owned(clone, give_share, part);
    return PAGING_OK;
}

/* ---- tables ---- */

/* Links an empty table in the destination wherever the source has one. It counts what it will hold. */
static enum paging_status make_tables(struct clone *clone, struct page_range part)
{
    struct paging_space *destination = clone->destination;
    struct page_walk walk;
    struct cursor c;
    cursor_begin(&c, clone->source, part);
    while (cursor_next_used(&c) != CURSOR_END) {
        paging_frame_t table;
        if (c.event == CURSOR_LEAVE || !paging_entry_is_table(c.entry, c.level))
            continue;
        if (!take_table(destination, clone->frames, &table))
            return PAGING_BROKEN_SOURCE;
        paging_table_zero(paging_temp_map(destination, table));
        paging_entry_t link = entry_to_table(table, entry_count(c.entry));
        link.bits |= c.level == PAGING_2M ? c.entry.bits & PAGING_OWNED_BELOW : 0;
        walk_to(destination, (paging_page_t){cursor_part(&c).at}, c.level, &walk);
        paging_entry_store(walk.slots[walk.level], link);
        own_counters(destination)->tables++;
        if (c.level > PAGING_2M)
            cursor_descend(&c);
    }
    return PAGING_OK;
}

/* Unlinks the tables that were made, flushes what is cached of them, and gives them back. */
static enum paging_status drop_tables(struct clone *clone, struct page_range part)
{
    struct paging_flush_list list;
    flush_begin(&list);
    paging_clear_waiting(clone->destination, part, &list);
    paging_carry_out(clone->destination, &list);
    paging_sweep_waiting(clone->destination, part, clone->frames);
    return PAGING_OK;
}

/* ---- entries ---- */

/* Takes the right to write from a page whose frame is shared. Returns the leaf as it is then. */
static paging_entry_t share_page(volatile paging_entry_t *slot, paging_entry_t leaf)
{
    paging_entry_t after = with_shared_frame(leaf);
    if (after.bits == leaf.bits)
        return leaf;
    if (has_accessed_dirty(leaf.bits)) {
        paging_entry_store(slot, after);
        return after;
    }
    paging_entry_xor(slot, leaf.bits ^ after.bits);
    return paging_entry_load(slot);
}

/* Returns what the destination gets for a leaf or marker of this level. */
static paging_entry_t copy_of(struct clone *clone, unsigned level, volatile paging_entry_t *slot,
                              paging_entry_t entry, uint64_t at)
{
    if (!paging_entry_is_present(entry) || (entry.bits & PAGING_OWNED) == 0)
        return entry_elsewhere(entry);
    paging_entry_t copy = share_page(slot, entry);
    if ((entry.bits & PAGING_WRITABLE) != 0)
        flush_add_leaf(clone->source, &clone->list, level, (paging_page_t){at});
    return copy;
}

/* Returns where the destination has the page's entry of this level, in a table that is there. */
static volatile paging_entry_t *slot_of_copy(const struct clone *clone, unsigned level, uint64_t at)
{
    struct page_walk walk;
    walk_to(clone->destination, (paging_page_t){at}, level, &walk);
    return walk.slots[walk.level];
}

static void copy_row(struct clone *clone, volatile paging_entry_t *slot, struct page_range row)
{
    volatile paging_entry_t *to = slot_of_copy(clone, PAGING_4K, row.at);
    for (; row.at < row.end; row.at++, slot++, to++) {
        paging_entry_t entry = paging_entry_load(slot);
        if (!paging_entry_is_unused(entry))
            paging_entry_store(to, copy_of(clone, PAGING_4K, slot, entry, row.at));
    }
}

static enum paging_status copy_entries(struct clone *clone, struct page_range part)
{
    struct cursor c;
    cursor_begin(&c, clone->source, part);
    while (cursor_next_used(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        if (c.level == PAGING_4K) {
            struct page_range row = cursor_take_row(&c);
            copy_row(clone, c.slot, row);
        } else if (paging_entry_is_table(c.entry, c.level)) {
            cursor_descend(&c);
        } else {
            uint64_t at = cursor_part(&c).at;
            volatile paging_entry_t *to = slot_of_copy(clone, c.level, at);
            paging_entry_store(to, copy_of(clone, c.level, c.slot, c.entry, at));
        }
    }
    return PAGING_OK;
}

/* ---- the operation ---- */

static enum paging_status check(struct clone *clone)
{
    enum paging_status status = check_pair(clone->source, clone->destination);
    if (status != PAGING_OK)
        return status;
    finish_gather_of(clone->source); /* entries that wait name frames, and cannot be copied */
    finish_gather_of(clone->destination);
    status = for_lower_half(clone, check_empty);
    return status == PAGING_OK ? for_lower_half(clone, check_tables) : status;
}

/* Shares the frames and makes the tables: all, or nothing has changed. */
static enum paging_status take(struct clone *clone)
{
    if (!clone->frames->reserve(clone->frames, clone->destination, clone->tables, 0))
        return PAGING_NO_FRAMES;
    enum paging_status status = for_lower_half(clone, share_frames);
    if (status == PAGING_OK)
        status = for_lower_half(clone, make_tables);
    paging_temp_unmap(clone->destination);
    clone->frames->unreserve(clone->frames, clone->destination);
    if (status != PAGING_OK) {
        (void)for_lower_half(clone, drop_tables);
        (void)for_lower_half(clone, give_shares);
    }
    return status;
}

enum paging_status paging_clone_lower_half(struct paging_space *source, struct paging_space *destination,
                                           struct paging_frame_source *frames)
{
    struct clone clone = {.source = source, .destination = destination, .frames = frames};
    flush_begin(&clone.list);
    enum paging_status status = check(&clone);
    if (status == PAGING_OK)
        status = take(&clone);
    if (status != PAGING_OK)
        return status;
    (void)for_lower_half(&clone, copy_entries);
    paging_carry_out(source, &clone.list);
    return PAGING_OK;
}
