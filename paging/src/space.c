/* SPDX-License-Identifier: MIT */
/* space.c - make an address space, and take it apart. */
#include <selfmap/space.h>

#include "space_internal.h"
#include "table_pages.h"

static bool cpu_is_valid(struct paging_cpu cpu)
{
    unsigned least_levels = PAGING_INDEX_BITS == 9 ? 4 : 3;
    if (PAGING_HAS_ONLY_LEVELS && cpu.levels != PAGING_ONLY_LEVELS)
        return false;
    return cpu.levels >= least_levels && cpu.levels <= PAGING_MAX_LEVELS &&
           cpu.physical_bits > PAGING_PAGE_SHIFT &&
           cpu.physical_bits <= PAGING_PAGE_SHIFT + PAGING_FRAME_BITS;
}

/* Computes the bits that are reserved on this processor (SDM 3A, 4.5.1 and table 4-15). */
static void set_reserved_bits(struct paging_space *space)
{
    struct paging_cpu cpu = space->cpu;
    space->frame_limit = (uint64_t)1 << (cpu.physical_bits - PAGING_PAGE_SHIFT);
    space->reserved_bits = PAGING_FRAME_MASK & ~((space->frame_limit - 1) << PAGING_FRAME_SHIFT);
    space->reserved_bits |= cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE;
    space->huge_reserved[PAGING_4K] = space->reserved_bits; /* there bit 7 is not PS but PAT */
    for (unsigned level = PAGING_2M; level <= PAGING_MAX_LEVELS; level++) {
        bool can_be_huge = level == PAGING_2M || (level == PAGING_1G && cpu.has_1g_pages);
        uint64_t below_size = (paging_level_pages(level) - 1) & ~(uint64_t)1; /* bit 12 is PAT */
        space->huge_reserved[level] =
            space->reserved_bits | below_size << PAGING_FRAME_SHIFT | (can_be_huge ? 0 : PAGING_HUGE);
    }
}

/* Computes everything that follows from the processor alone. */
static void derive(struct paging_space *space)
{
    struct paging_cpu cpu = space->cpu;
    set_reserved_bits(space);
    space->leaf_check = PAGING_PRESENT | space->reserved_bits;
    space->table_check = PAGING_TABLE_CHECK | space->reserved_bits;
    space->refused_flags[1] = ~PAGING_LEAF_FLAGS | (cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE);
    space->refused_flags[0] = space->refused_flags[1] | PAGING_GLOBAL;

    paging_page_t page = first_page_of_slot(space, PAGING_SCRATCH_SLOT);
    paging_virt_t entry = paging_window_entry(cpu.levels, PAGING_RECURSIVE_SLOT, PAGING_4K, page);
    space->scratch = (volatile paging_entry_t *)(uintptr_t)paging_page_start(cpu.levels, page).value;
    space->scratch_entry = (volatile paging_entry_t *)(uintptr_t)entry.value;
}

/* Opens the fast path that serves this mode and number of levels, and closes the others. */
static PAGING_FOR_SIZE void set_fast_path(struct paging_space *space)
{
    unsigned levels = space->cpu.levels;
    for (unsigned i = 0; i < PAGING_FAST_PATHS; i++)
        space->fast_pages[i] = 0;
    /* The fast path does not know that a shared half must not be changed through an inactive space. */
    if (levels < 4 || (!is_active(space) && (space->mode != PAGING_MODE_DIRECT || shares_half(space))))
        return;
    bool recursive = space->mode == PAGING_MODE_RECURSIVE;
    enum paging_fast_path path = recursive ? PAGING_FAST_RECURSIVE_4 : PAGING_FAST_DIRECT_4;
    space->fast_pages[path + (levels - 4)] = paging_page_limit(levels);
}

void paging_set_mode(struct paging_space *space, enum paging_mode mode)
{
    unsigned levels = space->cpu.levels;
    space->mode = mode;
    for (unsigned level = 1; level <= levels; level++)
        space->windows[level] = mode == PAGING_MODE_ALTERNATE
                                    ? paging_alternate_window_base(levels, level).value
                                    : paging_window_base(levels, PAGING_RECURSIVE_SLOT, level).value;
    set_fast_path(space);
}

void paging_change_sharers(struct paging_space *owner, int change)
{
    owner->sharers += (uint64_t)(int64_t)change;
    set_fast_path(owner);
}

/* Frames for the root and the tables of the scratch page. */
struct own_frames {
    paging_frame_t frames[PAGING_MAX_LEVELS];
};

/* Takes `count` frames, all or none. */
static enum paging_status take_frames(const struct paging_space *given, struct paging_frame_source *frames,
                                      unsigned count, struct own_frames *taken)
{
    if (!frames->reserve(frames, given, count, 0))
        return PAGING_NO_FRAMES;
    unsigned got = 0;
    while (got < count && take_table(given, frames, &taken->frames[got]))
        got++;
    frames->unreserve(frames, given);
    if (got == count)
        return PAGING_OK;
    while (got > 0)
        give_table(given, frames, taken->frames[--got]);
    return PAGING_BROKEN_SOURCE;
}

/*
 * Builds the chain of tables that leads to the scratch page's P1 entry, and returns the entry of the root.
 * The counts say 1 although that P1 entry is unused at rest, so that no operation finds these tables empty.
 */
static paging_entry_t build_scratch_tables(struct paging_space *space, const struct own_frames *taken)
{
    paging_entry_t below = {0};
    for (unsigned level = 1; level < space->cpu.levels; level++) {
        paging_frame_t table = taken->frames[level];
        paging_init_table(space, table, 0, below);
        below = entry_to_table(table, 1);
    }
    return paging_entry_make(paging_entry_frame(below), reserved_slot_flags(space));
}

enum paging_status paging_build_space(struct paging_space *space, const struct paging_space *given,
                                      struct paging_frame_source *frames)
{
    struct own_frames taken = {0};
    bool has_scratch_page = !space->by_direct_map && PAGING_HAS_SCRATCH_SLOT;
    unsigned count = has_scratch_page ? space->cpu.levels : 1;
    derive(space);
    enum paging_status status = take_frames(given, frames, count, &taken);
    if (status != PAGING_OK)
        return status;
    paging_entry_t self = {0}, scratch = {0};
    if (has_scratch_page)
        scratch = build_scratch_tables(space, &taken);
    own_counters(space)->tables = count;
    space->root = taken.frames[0];
    if (!space->by_direct_map)
        self = paging_entry_make(space->root, reserved_slot_flags(space));
    paging_init_table(space, space->root, PAGING_RECURSIVE_SLOT, self);
    if (has_scratch_page)
        paging_entry_store(paging_temp_map(space, space->root) + PAGING_SCRATCH_SLOT, scratch);
    return PAGING_OK;
}

static PAGING_FOR_SIZE enum paging_status create(struct paging_space *space, struct paging_cpu cpu,
                                                 uintptr_t offset, bool by_direct_map,
                                                 struct paging_frame_source *frames)
{
    struct paging_space fresh = {.cpu = cpu, .offset = offset, .by_direct_map = by_direct_map};
    if (!cpu_is_valid(cpu))
        return PAGING_NOT_SUPPORTED;
    paging_set_mode(&fresh, PAGING_MODE_DIRECT);
    enum paging_status status = paging_build_space(&fresh, space, frames);
    if (status == PAGING_OK)
        *space = fresh;
    return status;
}

enum paging_status paging_create(struct paging_space *space, struct paging_cpu cpu, uintptr_t offset,
                                 struct paging_frame_source *frames)
{
    return create(space, cpu, offset, PAGING_HAS_ONLY_DIRECT, frames);
}

enum paging_status paging_create_direct(struct paging_space *space, struct paging_cpu cpu, uintptr_t offset,
                                        struct paging_frame_source *frames)
{
    if (PAGING_HAS_ONLY_RECURSIVE)
        return PAGING_NOT_SUPPORTED;
    return create(space, cpu, offset, true, frames);
}

/* Removes from the root what is not below it: itself, and the tables of another owner. */
static void drop_foreign_entries(const struct paging_space *space, volatile paging_entry_t *root)
{
    if (!space->by_direct_map)
        paging_entry_store(&root[PAGING_RECURSIVE_SLOT], (paging_entry_t){0});
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; space->shared_owner && slot < PAGING_TABLE_ENTRIES; slot++)
        if (entry_is_shared(space, space->cpu.levels, paging_entry_load(&root[slot])))
            paging_entry_store(&root[slot], (paging_entry_t){0});
}

PAGING_FOR_SIZE enum paging_status paging_destroy(struct paging_space *space,
                                                  struct paging_frame_source *frames)
{
    if (is_active(space))
        return PAGING_ACTIVE;
    if (space->mode == PAGING_MODE_ALTERNATE)
        return PAGING_ATTACHED;
    if (space->slot_busy)
        return PAGING_SLOT_BUSY;
    if (space->sharers > 0)
        return PAGING_SHARED;
    if (space->gather)
        return PAGING_BUSY;
    drop_foreign_entries(space, paging_temp_map(space, space->root));
    (void)paging_free_subtree(space, space->cpu.levels + 1, entry_to_table(space->root, 1), frames);
    if (space->shared_owner)
        paging_change_sharers(space->shared_owner, -1);
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
    paging_set_mode(space, space->by_direct_map ? PAGING_MODE_DIRECT_ACTIVE : PAGING_MODE_RECURSIVE);
}
