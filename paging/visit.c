/* visit.c - all tables, one after the other. */
#include "visit.h"
#include "walk.h"

struct visiting {
    const struct address_space *space;
    paging_visitor visitor;
    void *context;
};

/* Rights that every level down to here grants, and no-execute if one denies. */
static uint64_t passed_on(uint64_t rights, entry_t entry)
{
    return (rights & entry.bits) | ((rights | entry.bits) & ENTRY_NO_EXECUTE);
}

static enum paging_visit_kind kind_of(const struct address_space *space, entry_t entry, unsigned level)
{
    if (entry_is_unused(entry))
        return PAGING_VISIT_HOLE;
    if (!entry_is_present(entry))
        return PAGING_VISIT_RESERVED;
    if (entry_is_malformed(space, entry, level))
        return PAGING_VISIT_MALFORMED;
    return entry_is_table(entry, level) ? PAGING_VISIT_TABLE : PAGING_VISIT_LEAF;
}

/* How many entries from here on are unused? */
static unsigned hole_length(const volatile entry_t *slot, unsigned limit)
{
    unsigned length = 1;
    while (length < limit && entry_is_unused(entry_load(slot + length)))
        length++;
    return length;
}

/* So many entries of a table from the one that maps page first on. False if the visitor has had enough. */
static bool visit_table(const struct visiting *v, unsigned level, frame_t table, uint64_t first,
                        unsigned count, uint64_t rights)
{
    volatile entry_t *slots = entry_slot(v->space, level, (page_t){first}, table);
    unsigned taken = 1;
    for (unsigned i = 0; i < count; i += taken) {
        entry_t entry = entry_load(slots + i);
        struct paging_visit visit = {.level = level, .entry = entry};
        visit.first.number = first + i * level_pages(level);
        visit.kind = kind_of(v->space, entry, level);
        taken = visit.kind == PAGING_VISIT_HOLE ? hole_length(slots + i, count - i) : 1;
        visit.pages = taken * level_pages(level);
        uint64_t below = passed_on(rights, entry);
        if (visit.kind == PAGING_VISIT_LEAF)
            visit.flags = (entry.bits & LEAF_FLAGS & ~(ENTRY_WRITABLE | ENTRY_USER)) | below;
        if (!v->visitor(v->context, &visit))
            return false;
        if (visit.kind == PAGING_VISIT_TABLE &&
            !visit_table(v, level - 1, entry_frame(entry), visit.first.number, ENTRY_COUNT, below))
            return false;
    }
    return true;
}

/* Slots of the root from first up to the next one that the core keeps. */
static unsigned slots_in_a_row(const struct address_space *space, unsigned first)
{
    unsigned slot = first;
    while (slot < ENTRY_COUNT && !page_is_kept(space, slot_page(space, slot)))
        slot++;
    return slot - first;
}

enum paging_status paging_walk(const struct address_space *space, paging_visitor visitor, void *context)
{
    if (space->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    struct visiting visiting = {space, visitor, context};
    uint64_t rights = ENTRY_WRITABLE | ENTRY_USER;
    for (unsigned slot = 0; slot < ENTRY_COUNT; slot++) {
        unsigned count = slots_in_a_row(space, slot);
        uint64_t first = slot_page(space, slot).number;
        if (!visit_table(&visiting, space->cpu.levels, space->root, first, count, rights))
            break;
        slot += count;
    }
    return PAGING_OK;
}

static bool count(void *context, const struct paging_visit *visit)
{
    struct paging_stats *stats = context;
    uint64_t writable_executable = visit->flags & (ENTRY_WRITABLE | ENTRY_NO_EXECUTE);
    switch (visit->kind) {
    case PAGING_VISIT_LEAF:
        stats->leaves[visit->level]++;
        stats->owned_pages += visit->entry.bits & ENTRY_OWNED ? visit->pages : 0;
        stats->writable_executable += writable_executable == ENTRY_WRITABLE;
        break;
    case PAGING_VISIT_TABLE:
        stats->tables[visit->level - 1]++;
        break;
    case PAGING_VISIT_HOLE:
        break;
    case PAGING_VISIT_RESERVED:
        stats->reserved++;
        break;
    case PAGING_VISIT_MALFORMED:
        stats->malformed++;
        break;
    }
    return true;
}

enum paging_status paging_count(const struct address_space *space, struct paging_stats *stats)
{
    struct paging_stats fresh = {0};
    enum paging_status status = paging_walk(space, count, &fresh);
    if (status == PAGING_OK)
        *stats = fresh;
    return status;
}
