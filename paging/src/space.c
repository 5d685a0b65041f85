/* space.c - making an address space, and taking it apart. */
#include "checks.h"
#include "space_internal.h"
#include "table_pages.h"

static bool cpu_is_sane(struct paging_cpu cpu)
{
    unsigned least_levels = PAGING_INDEX_BITS == 9 ? 4 : 3;
    return cpu.levels >= least_levels && cpu.levels <= PAGING_MAX_LEVELS &&
           cpu.physical_bits > PAGING_PAGE_SHIFT &&
           cpu.physical_bits <= PAGING_PAGE_SHIFT + PAGING_FRAME_BITS;
}

/* What follows from the processor alone. SDM 3A, 4.5.1 and table 4-15 for the bits that are reserved. */
static void derive(struct paging_space *space)
{
    struct paging_cpu cpu = space->cpu;
    space->frame_limit = (uint64_t)1 << (cpu.physical_bits - PAGING_PAGE_SHIFT);
    space->reserved_bits = PAGING_FRAME_MASK & ~((space->frame_limit - 1) << PAGING_FRAME_SHIFT);
    space->reserved_bits |= cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE;
    space->huge_reserved[PAGING_4K] = space->reserved_bits; /* there it is not PS but PAT */
    for (unsigned level = PAGING_2M; level <= cpu.levels; level++) {
        bool can_be_huge = level == PAGING_2M || (level == PAGING_1G && cpu.has_1g_pages);
        uint64_t below_size = (paging_level_pages(level) - 1) & ~(uint64_t)1; /* bit 12 is PAT */
        space->huge_reserved[level] =
            space->reserved_bits | below_size << PAGING_FRAME_SHIFT | (can_be_huge ? 0 : PAGING_HUGE);
    }
    space->leaf_check = PAGING_PRESENT | space->reserved_bits;
    space->table_check = PAGING_TABLE_CHECK | space->reserved_bits;
    space->refused_flags[1] = ~PAGING_LEAF_FLAGS | (cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE);
    space->refused_flags[0] = space->refused_flags[1] | PAGING_GLOBAL;

    paging_page_t page = slot_page(space, PAGING_SCRATCH_SLOT);
    paging_virt_t entry = paging_window_entry(cpu.levels, PAGING_RECURSIVE_SLOT, PAGING_4K, page);
    space->scratch = (volatile paging_entry_t *)(uintptr_t)paging_page_start(cpu.levels, page).value;
    space->scratch_entry = (volatile paging_entry_t *)(uintptr_t)entry.value;
}

static enum paging_fast_path express_for(const struct paging_space *space)
{
    bool locked = space->shared_owner != NULL || space->sharers > 0;
    if (space->cpu.levels < 4 ||
        (space->mode != PAGING_MODE_RECURSIVE && (space->mode != PAGING_MODE_DIRECT || locked)))
        return PAGING_FAST_NONE;
    if (space->mode == PAGING_MODE_RECURSIVE)
        return space->cpu.levels == 4 ? PAGING_FAST_RECURSIVE_4 : PAGING_FAST_RECURSIVE_5;
    return space->cpu.levels == 4 ? PAGING_FAST_DIRECT_4 : PAGING_FAST_DIRECT_5;
}

void paging_set_mode(struct paging_space *space, enum paging_mode reach)
{
    unsigned levels = space->cpu.levels;
    bool foreign = reach == PAGING_MODE_ALTERNATE;
    space->mode = reach;
    for (unsigned level = 1; level <= levels; level++)
        space->windows[level] = foreign ? paging_alternate_window_base(levels, level).value
                                        : paging_window_base(levels, PAGING_RECURSIVE_SLOT, level).value;
    space->fast_path = express_for(space);
}

/*
 * The chain of tables that leads to the scratch page's P1 entry. Its counts say 1 although that entry is
 * unused at rest: so no operation would ever find these tables empty, and none is allowed near them anyway.
 */
static paging_entry_t build_scratch_tables(struct paging_space *space, struct paging_frame_source *frames)
{
    paging_entry_t below = {0};
    for (unsigned level = 1; level < space->cpu.levels; level++) {
        paging_frame_t table = reserved_frame(frames);
        paging_init_table(space, table, 0, below);
        below = entry_to_table(table, 1);
    }
    return paging_entry_make(paging_entry_frame(below), reserved_slot_flags(space));
}

enum paging_status paging_build_space(struct paging_space *space, struct paging_frame_source *frames)
{
    derive(space);
    space->tables = PAGING_HAS_SCRATCH_SLOT ? space->cpu.levels : 1;
    if (!reserve_frames(frames, space->tables))
        return PAGING_NO_FRAMES;
    paging_entry_t scratch =
        PAGING_HAS_SCRATCH_SLOT ? build_scratch_tables(space, frames) : (paging_entry_t){0};
    space->root = reserved_frame(frames);
    paging_init_table(space, space->root, PAGING_RECURSIVE_SLOT,
                      paging_entry_make(space->root, reserved_slot_flags(space)));
    if (PAGING_HAS_SCRATCH_SLOT)
        paging_entry_store(paging_temp_map(space, space->root) + PAGING_SCRATCH_SLOT, scratch);
    return PAGING_OK;
}

enum paging_status paging_create(struct paging_space *space, struct paging_cpu cpu, uintptr_t offset,
                                 struct paging_frame_source *frames)
{
    if (!cpu_is_sane(cpu))
        return PAGING_NOT_SUPPORTED;
    struct paging_space fresh = {.cpu = cpu, .offset = offset};
    paging_set_mode(&fresh, PAGING_MODE_DIRECT);
    enum paging_status status = paging_build_space(&fresh, frames);
    if (status == PAGING_OK)
        *space = fresh;
    return status;
}

/* The root is not below itself, and what is borrowed is not below it either. */
static void drop_shared_entries(const struct paging_space *space, volatile paging_entry_t *root)
{
    paging_entry_store(&root[PAGING_RECURSIVE_SLOT], (paging_entry_t){0});
    UNLESS_MUTANT(FREES_BORROWED)
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; space->shared_owner != NULL && slot < PAGING_TABLE_ENTRIES;
         slot++)
        if (entry_is_shared(space, space->cpu.levels, paging_entry_load(&root[slot])))
            paging_entry_store(&root[slot], (paging_entry_t){0});
}

enum paging_status paging_destroy(struct paging_space *space, struct paging_frame_source *frames)
{
    if (space->mode == PAGING_MODE_RECURSIVE)
        return PAGING_ACTIVE;
    if (space->mode == PAGING_MODE_ALTERNATE)
        return PAGING_ATTACHED;
    if (space->slot_busy)
        return PAGING_SLOT_BUSY;
    if (space->sharers > 0)
        return PAGING_SHARED;
    drop_shared_entries(space, paging_temp_map(space, space->root));
    (void)paging_free_subtree(space, space->cpu.levels + 1, entry_to_table(space->root, 1), frames);
    if (space->shared_owner)
        paging_count_sharers(space->shared_owner, -1);
    *space = (struct paging_space){0};
    return PAGING_OK;
}

void paging_mark_inactive(struct paging_space *space, uintptr_t offset)
{
    space->offset = offset;
    paging_set_mode(space, PAGING_MODE_DIRECT);
}

void paging_mark_active(struct paging_space *space)
{
    paging_set_mode(space, PAGING_MODE_RECURSIVE);
}
