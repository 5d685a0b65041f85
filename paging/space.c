/* space.c - making an address space. */
#include "walk.h"

static bool cpu_is_sane(struct paging_cpu cpu)
{
    bool has_scratch = PAGING_SCRATCH_SLOT < ENTRY_COUNT;
    unsigned least_levels = INDEX_BITS == 9 ? 4 : 2;
    return cpu.levels >= least_levels && cpu.levels <= MAX_LEVELS && (!has_scratch || cpu.levels > 1) &&
           cpu.physical_bits > PAGE_SHIFT && cpu.physical_bits <= PAGE_SHIFT + ENTRY_FRAME_BITS;
}

/* SDM 3A, 4.5.1 and table 4-15: frame bits from MAXPHYADDR on, and bit 63 without no-execute. */
static uint64_t reserved_bits(struct paging_cpu cpu)
{
    uint64_t frames = ((uint64_t)1 << (cpu.physical_bits - PAGE_SHIFT)) - 1;
    uint64_t bits = ENTRY_FRAME_MASK & ~(frames << ENTRY_FRAME_SHIFT);
    return cpu.has_no_execute ? bits : bits | ENTRY_NO_EXECUTE;
}

/*
 * The chain of tables that leads to the scratch page's P1 entry. Its counts say 1 although that entry is
 * unused at rest: so no verb would ever find these tables empty, and none is allowed near them anyway.
 */
static entry_t build_scratch_tables(struct address_space *space, const struct new_tables *tables)
{
    entry_t below = {0};
    for (unsigned level = 1; level < space->cpu.levels; level++) {
        frame_t table = tables->frames[level - 1];
        new_table_fill(space, table, 0, below);
        below = entry_to_table(table, 1);
    }
    return entry_make(entry_frame(below), slot_flags(space));
}

enum paging_status paging_create(struct address_space *space, struct paging_cpu cpu, uintptr_t offset,
                                 struct frame_source *frames)
{
    if (!cpu_is_sane(cpu))
        return PAGING_NOT_SUPPORTED;

    struct address_space fresh = {.cpu = cpu, .reach = PAGING_BY_OFFSET, .offset = offset};
    fresh.has_scratch = PAGING_SCRATCH_SLOT < ENTRY_COUNT;
    fresh.reserved_bits = reserved_bits(cpu);
    for (unsigned level = 1; level <= cpu.levels; level++)
        fresh.windows[level] = window_base(cpu.levels, PAGING_RECURSIVE_SLOT, level).value;
    struct new_tables tables;
    enum paging_status status = new_tables_take(&fresh, frames, fresh.has_scratch ? cpu.levels : 1, &tables);
    if (status != PAGING_OK)
        return status;

    fresh.root = tables.frames[tables.count - 1];
    fresh.tables = tables.count;
    new_table_fill(&fresh, fresh.root, PAGING_RECURSIVE_SLOT, entry_make(fresh.root, slot_flags(&fresh)));
    if (fresh.has_scratch)
        entry_store(table_by_offset(&fresh, fresh.root) + PAGING_SCRATCH_SLOT,
                    build_scratch_tables(&fresh, &tables));
    *space = fresh;
    return PAGING_OK;
}

enum paging_status paging_destroy(struct address_space *space, struct frame_source *frames)
{
    if (space->reach == PAGING_BY_WINDOW)
        return PAGING_ACTIVE;
    /* The root is not below itself. */
    volatile entry_t *root = table_by_offset(space, space->root);
    entry_store(&root[PAGING_RECURSIVE_SLOT], (entry_t){0});
    free_table(space, space->cpu.levels, space->root, frames);
    *space = (struct address_space){0};
    return PAGING_OK;
}

void paging_went_dormant(struct address_space *space, uintptr_t offset)
{
    space->reach = PAGING_BY_OFFSET;
    space->offset = offset;
}

void paging_went_live(struct address_space *space)
{
    space->reach = PAGING_BY_WINDOW;
}
