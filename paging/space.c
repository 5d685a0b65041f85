/* space.c - making an address space, and taking it apart. */
#include "checks.h"
#include "space_parts.h"
#include "unlinked.h"

static bool cpu_is_sane(struct paging_cpu cpu)
{
    unsigned least_levels = INDEX_BITS == 9 ? 4 : 3;
    return cpu.levels >= least_levels && cpu.levels <= MAX_LEVELS && cpu.physical_bits > PAGE_SHIFT &&
           cpu.physical_bits <= PAGE_SHIFT + ENTRY_FRAME_BITS;
}

/* What follows from the processor alone. SDM 3A, 4.5.1 and table 4-15 for the bits that are reserved. */
static void derive(struct address_space *space)
{
    struct paging_cpu cpu = space->cpu;
    space->frame_limit = (uint64_t)1 << (cpu.physical_bits - PAGE_SHIFT);
    space->reserved_bits = ENTRY_FRAME_MASK & ~((space->frame_limit - 1) << ENTRY_FRAME_SHIFT);
    space->reserved_bits |= cpu.has_no_execute ? 0 : ENTRY_NO_EXECUTE;
    space->huge_reserved[PAGE_4K] = space->reserved_bits; /* there it is not PS but PAT */
    for (unsigned level = PAGE_2M; level <= cpu.levels; level++) {
        bool can_be_huge = level == PAGE_2M || (level == PAGE_1G && cpu.has_1g_pages);
        uint64_t below_size = (level_pages(level) - 1) & ~(uint64_t)1; /* bit 12 is PAT */
        space->huge_reserved[level] =
            space->reserved_bits | below_size << ENTRY_FRAME_SHIFT | (can_be_huge ? 0 : ENTRY_HUGE);
    }
    space->leaf_check = ENTRY_PRESENT | space->reserved_bits;
    space->table_check = ENTRY_TABLE_CHECK | space->reserved_bits;
    space->refused_flags[1] = ~LEAF_FLAGS | (cpu.has_no_execute ? 0 : ENTRY_NO_EXECUTE);
    space->refused_flags[0] = space->refused_flags[1] | ENTRY_GLOBAL;

    page_t page = slot_page(space, PAGING_SCRATCH_SLOT);
    virt_addr_t entry = window_entry_address(cpu.levels, PAGING_RECURSIVE_SLOT, PAGE_4K, page);
    space->scratch = (volatile entry_t *)(uintptr_t)page_start(cpu.levels, page).value;
    space->scratch_entry = (volatile entry_t *)(uintptr_t)entry.value;
}

static enum paging_express express_for(const struct address_space *space)
{
    bool locked = space->lender != NULL || space->borrowers > 0;
    if (space->cpu.levels < 4 ||
        (space->reach != PAGING_BY_WINDOW && (space->reach != PAGING_BY_OFFSET || locked)))
        return EXPRESS_NOWHERE;
    if (space->reach == PAGING_BY_WINDOW)
        return space->cpu.levels == 4 ? EXPRESS_WINDOW_4 : EXPRESS_WINDOW_5;
    return space->cpu.levels == 4 ? EXPRESS_OFFSET_4 : EXPRESS_OFFSET_5;
}

void set_reach(struct address_space *space, enum paging_reach reach)
{
    unsigned levels = space->cpu.levels;
    bool foreign = reach == PAGING_BY_FOREIGN_WINDOW;
    space->reach = reach;
    for (unsigned level = 1; level <= levels; level++)
        space->windows[level] = foreign ? foreign_window_base(levels, level).value
                                        : window_base(levels, PAGING_RECURSIVE_SLOT, level).value;
    space->express = express_for(space);
}

/*
 * The chain of tables that leads to the scratch page's P1 entry. Its counts say 1 although that entry is
 * unused at rest: so no verb would ever find these tables empty, and none is allowed near them anyway.
 */
static entry_t build_scratch_tables(struct address_space *space, struct frame_source *frames)
{
    entry_t below = {0};
    for (unsigned level = 1; level < space->cpu.levels; level++) {
        frame_t table = reserved_frame(frames);
        unlinked_fill(space, table, 0, below);
        below = entry_to_table(table, 1);
    }
    return entry_make(entry_frame(below), slot_flags(space));
}

enum paging_status build_space(struct address_space *space, struct frame_source *frames)
{
    derive(space);
    space->tables = HAS_SCRATCH_SLOT ? space->cpu.levels : 1;
    if (!reserve_frames(frames, space->tables))
        return PAGING_NO_FRAMES;
    entry_t scratch = HAS_SCRATCH_SLOT ? build_scratch_tables(space, frames) : (entry_t){0};
    space->root = reserved_frame(frames);
    unlinked_fill(space, space->root, PAGING_RECURSIVE_SLOT, entry_make(space->root, slot_flags(space)));
    if (HAS_SCRATCH_SLOT)
        entry_store(unlinked_open(space, space->root) + PAGING_SCRATCH_SLOT, scratch);
    return PAGING_OK;
}

enum paging_status paging_create(struct address_space *space, struct paging_cpu cpu, uintptr_t offset,
                                 struct frame_source *frames)
{
    if (!cpu_is_sane(cpu))
        return PAGING_NOT_SUPPORTED;
    struct address_space fresh = {.cpu = cpu, .offset = offset};
    set_reach(&fresh, PAGING_BY_OFFSET);
    enum paging_status status = build_space(&fresh, frames);
    if (status == PAGING_OK)
        *space = fresh;
    return status;
}

/* The root is not below itself, and what is borrowed is not below it either. */
static void let_go(const struct address_space *space, volatile entry_t *root)
{
    entry_store(&root[PAGING_RECURSIVE_SLOT], (entry_t){0});
    UNLESS_MUTANT(FREES_BORROWED)
    for (unsigned slot = ENTRY_COUNT / 2; space->lender != NULL && slot < ENTRY_COUNT; slot++)
        if (entry_is_pinned(space, space->cpu.levels, entry_load(&root[slot])))
            entry_store(&root[slot], (entry_t){0});
}

enum paging_status paging_destroy(struct address_space *space, struct frame_source *frames)
{
    if (space->reach == PAGING_BY_WINDOW)
        return PAGING_ACTIVE;
    if (space->reach == PAGING_BY_FOREIGN_WINDOW)
        return PAGING_OPEN;
    if (space->slot_taken)
        return PAGING_SLOT_TAKEN;
    if (space->borrowers > 0)
        return PAGING_SHARED;
    let_go(space, unlinked_open(space, space->root));
    (void)free_named(space, space->cpu.levels + 1, entry_to_table(space->root, 1), frames);
    if (space->lender)
        count_borrowers(space->lender, -1);
    *space = (struct address_space){0};
    return PAGING_OK;
}

void paging_went_dormant(struct address_space *space, uintptr_t offset)
{
    space->offset = offset;
    set_reach(space, PAGING_BY_OFFSET);
}

void paging_went_live(struct address_space *space)
{
    set_reach(space, PAGING_BY_WINDOW);
}
