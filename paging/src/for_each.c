/* SPDX-License-Identifier: MIT */
/* for_each.c - every entry of every table, or of those of a range, in the order of the addresses. */
#include <selfmap/for_each.h>

#include "cursor.h"

/* Returns the rights that every level down to this entry grants, and no-execute if one denies it. */
static uint64_t inherited_rights(uint64_t rights, paging_entry_t entry)
{
    return (rights & entry.bits) | ((rights | entry.bits) & PAGING_NO_EXECUTE);
}

static enum paging_entry_kind kind_of(const struct paging_space *space, paging_entry_t entry, unsigned level)
{
    if (paging_entry_is_unused(entry))
        return PAGING_KIND_HOLE;
    if (entry_is_detached(entry))
        return PAGING_KIND_DETACHED;
    if (!paging_entry_is_present(entry))
        return PAGING_KIND_MARKER;
    if (entry_is_malformed(space, entry, level))
        return PAGING_KIND_MALFORMED;
    return paging_entry_is_table(entry, level) ? PAGING_KIND_TABLE : PAGING_KIND_LEAF;
}

/* Goes over a range without reserved root slots. Returns false if the callback has ended it. */
static bool walk_range(const struct paging_space *space, struct page_range range,
                       paging_entry_callback callback, void *context)
{
    uint64_t rights[PAGING_MAX_LEVELS + 1]; /* by level: what the entries above that table grant */
    struct cursor c;
    rights[space->cpu.levels] = PAGING_WRITABLE | PAGING_USER;
    cursor_begin(&c, space, range);
    while (cursor_next(&c) != CURSOR_END) {
        if (c.event == CURSOR_LEAVE)
            continue;
        struct paging_entry_info info = {.level = c.level, .entry = c.entry, .first = {cursor_part(&c).at}};
        info.kind = kind_of(space, c.entry, c.level);
        if (info.kind == PAGING_KIND_HOLE)
            cursor_skip_unused(&c);
        info.pages = cursor_part(&c).end - info.first.number;
        uint64_t below = inherited_rights(rights[c.level], c.entry);
        if (info.kind == PAGING_KIND_LEAF)
            info.flags =
                (paging_leaf_flags(c.entry, c.level) & PAGING_LEAF_FLAGS & ~(PAGING_WRITABLE | PAGING_USER)) |
                below;
        enum paging_visit next = callback(context, &info);
        if (next == PAGING_VISIT_STOP)
            return false;
        if (info.kind == PAGING_KIND_TABLE && next != PAGING_VISIT_SKIP) {
            rights[c.level - 1] = below;
            cursor_descend(&c);
        }
    }
    return true;
}

/* Goes over what lies between reserved root slots. */
static void walk_between_slots(const struct paging_space *space, struct page_range range,
                               paging_entry_callback callback, void *context)
{
    struct page_range part;
    bool goes_on = true;
    while (goes_on && paging_next_between_slots(space, &range, &part))
        goes_on = walk_range(space, part, callback, context);
}

enum paging_status paging_for_each(const struct paging_space *space, paging_entry_callback callback,
                                   void *context)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    struct page_range all = {0, paging_page_limit(space->cpu.levels)};
    walk_between_slots(space, all, callback, context);
    return PAGING_OK;
}

enum paging_status paging_for_each_in(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                      paging_entry_callback callback, void *context)
{
    struct page_range range;
    enum paging_status status = paging_range_form(space, start, bytes, &range);
    if (status == PAGING_OK && space->mode == PAGING_MODE_UNREACHABLE)
        status = PAGING_UNREACHABLE;
    if (status == PAGING_OK)
        walk_between_slots(space, range, callback, context);
    return status;
}

static enum paging_visit count_entry(void *context, const struct paging_entry_info *info)
{
    struct paging_stats *stats = context;
    uint64_t writable_executable = info->flags & (PAGING_WRITABLE | PAGING_NO_EXECUTE);
    switch (info->kind) {
    case PAGING_KIND_LEAF:
        stats->leaves[info->level]++;
        stats->owned_pages += info->entry.bits & PAGING_OWNED ? info->pages : 0;
        stats->writable_executable += writable_executable == PAGING_WRITABLE;
        break;
    case PAGING_KIND_TABLE:
        stats->tables[info->level - 1]++;
        break;
    case PAGING_KIND_HOLE:
    case PAGING_KIND_DETACHED:
        break;
    case PAGING_KIND_MARKER:
        stats->markers++;
        break;
    case PAGING_KIND_MALFORMED:
        stats->malformed++;
        break;
    }
    return PAGING_VISIT_NEXT;
}

enum paging_status paging_count(const struct paging_space *space, struct paging_stats *stats)
{
    struct paging_stats fresh = {0};
    enum paging_status status = paging_for_each(space, count_entry, &fresh);
    if (status == PAGING_OK)
        *stats = fresh;
    return status;
}

enum paging_status paging_count_in(const struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                   struct paging_stats *stats)
{
    struct paging_stats fresh = {0};
    enum paging_status status = paging_for_each_in(space, start, bytes, count_entry, &fresh);
    if (status == PAGING_OK)
        *stats = fresh;
    return status;
}
