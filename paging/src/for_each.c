/* for_each.c - all tables, one after the other. */
#include "walk.h"
#include <selfmap/for_each.h>

struct walk_state {
    const struct paging_space *space;
    paging_entry_callback visitor;
    void *context;
};

/* Rights that every level down to here grants, and no-execute if one denies. */
static uint64_t inherited_rights(uint64_t rights, paging_entry_t entry)
{
    return (rights & entry.bits) | ((rights | entry.bits) & PAGING_NO_EXECUTE);
}

static enum paging_entry_kind kind_of(const struct paging_space *space, paging_entry_t entry, unsigned level)
{
    if (paging_entry_is_unused(entry))
        return PAGING_KIND_HOLE;
    if (!paging_entry_is_present(entry))
        return PAGING_KIND_MARKER;
    if (entry_is_malformed(space, entry, level))
        return PAGING_KIND_MALFORMED;
    return paging_entry_is_table(entry, level) ? PAGING_KIND_TABLE : PAGING_KIND_LEAF;
}

/* How many entries from here on are unused? */
static unsigned hole_length(const volatile paging_entry_t *slot, unsigned limit)
{
    unsigned length = 1;
    while (length < limit && paging_entry_is_unused(paging_entry_load(slot + length)))
        length++;
    return length;
}

/* So many entries of a table from the one that maps page first on. False if the visitor has had enough. */
static bool walk_table(const struct walk_state *v, unsigned level, paging_frame_t table, uint64_t first,
                       unsigned count, uint64_t rights)
{
    volatile paging_entry_t *slots = entry_slot(v->space, level, (paging_page_t){first}, table);
    unsigned taken = 1;
    for (unsigned i = 0; i < count; i += taken) {
        paging_entry_t entry = paging_entry_load(slots + i);
        struct paging_entry_info visit = {.level = level, .entry = entry};
        visit.first.number = first + i * paging_level_pages(level);
        visit.kind = kind_of(v->space, entry, level);
        taken = visit.kind == PAGING_KIND_HOLE ? hole_length(slots + i, count - i) : 1;
        visit.pages = taken * paging_level_pages(level);
        uint64_t below = inherited_rights(rights, entry);
        if (visit.kind == PAGING_KIND_LEAF)
            visit.flags = (entry.bits & PAGING_LEAF_FLAGS & ~(PAGING_WRITABLE | PAGING_USER)) | below;
        if (!v->visitor(v->context, &visit))
            return false;
        if (visit.kind == PAGING_KIND_TABLE && !walk_table(v, level - 1, paging_entry_frame(entry),
                                                           visit.first.number, PAGING_TABLE_ENTRIES, below))
            return false;
    }
    return true;
}

/* Slots of the root from first up to the next one that the core keeps. */
static unsigned unreserved_slots(const struct paging_space *space, unsigned first)
{
    unsigned slot = first;
    while (slot < PAGING_TABLE_ENTRIES && !page_is_reserved(space, slot_page(space, slot)))
        slot++;
    return slot - first;
}

enum paging_status paging_for_each(const struct paging_space *space, paging_entry_callback visitor,
                                   void *context)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    struct walk_state visiting = {space, visitor, context};
    uint64_t rights = PAGING_WRITABLE | PAGING_USER;
    for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++) {
        unsigned count = unreserved_slots(space, slot);
        uint64_t first = slot_page(space, slot).number;
        if (!walk_table(&visiting, space->cpu.levels, space->root, first, count, rights))
            break;
        slot += count;
    }
    return PAGING_OK;
}

static bool count(void *context, const struct paging_entry_info *visit)
{
    struct paging_stats *stats = context;
    uint64_t writable_executable = visit->flags & (PAGING_WRITABLE | PAGING_NO_EXECUTE);
    switch (visit->kind) {
    case PAGING_KIND_LEAF:
        stats->leaves[visit->level]++;
        stats->owned_pages += visit->entry.bits & PAGING_OWNED ? visit->pages : 0;
        stats->writable_executable += writable_executable == PAGING_WRITABLE;
        break;
    case PAGING_KIND_TABLE:
        stats->tables[visit->level - 1]++;
        break;
    case PAGING_KIND_HOLE:
        break;
    case PAGING_KIND_MARKER:
        stats->reserved++;
        break;
    case PAGING_KIND_MALFORMED:
        stats->malformed++;
        break;
    }
    return true;
}

enum paging_status paging_count(const struct paging_space *space, struct paging_stats *stats)
{
    struct paging_stats fresh = {0};
    enum paging_status status = paging_for_each(space, count, &fresh);
    if (status == PAGING_OK)
        *stats = fresh;
    return status;
}
