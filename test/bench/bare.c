/* bare.c - walks written by hand, with everything known in advance that a world fixes: the limit. */
#include "paging/window.h"
#include "verbs.h"

/* What every entry that leads to a table has in its low byte, which says present and not huge. */
#define TABLE_BYTE (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER | ENTRY_ACCESSED | ENTRY_DIRTY)
#define FAST       static inline __attribute__((always_inline))
#define SLOW       static __attribute__((noinline))

/* What does not change from call to call, worked out beforehand. */
static struct {
    uint64_t refused;   /* flags that need a second look */
    uint64_t frame_end; /* frames the processor can address */
    uint64_t reserved;  /* bits that no present entry may have */
    uint64_t odd;       /* bits that a table's entry has only if somebody else made it */
} known;

FAST bool leads_on(entry_t entry)
{
    return ((entry.bits ^ TABLE_BYTE) & known.odd) == 0;
}

FAST volatile entry_t *by_offset(const struct address_space *space, uint64_t table_bits, page_t page,
                                 unsigned level)
{
    return (volatile entry_t *)(space->offset + (table_bits & ENTRY_FRAME_MASK)) + page_index(page, level);
}

/* Where the entry of this level is; above is the one before it. A constant base and a shift, or two adds. */
FAST volatile entry_t *slot_of(const struct address_space *space, enum paging_reach reach, unsigned levels,
                               unsigned level, page_t page, entry_t above)
{
    if (reach == PAGING_BY_OFFSET)
        return by_offset(space, level == levels ? space->root.number << ENTRY_FRAME_SHIFT : above.bits, page,
                         level);
    /* The slot, taken once per level left out: a geometric series, and so a constant without a loop. */
    uint64_t base = (uint64_t)PAGING_RECURSIVE_SLOT * ((level_pages(level + 1) - 1) / (ENTRY_COUNT - 1))
                    << (PAGE_SHIFT + INDEX_BITS * (levels - level));
    return (volatile entry_t *)(uintptr_t)(base +
                                           (page.number >> (INDEX_BITS * (level - 1))) * sizeof(entry_t));
}

/* Is there a P1 for the page? Then *slot is its entry there. */
FAST bool walk(const struct address_space *space, enum paging_reach reach, unsigned levels, page_t page,
               volatile entry_t **slot)
{
    entry_t entry = {0};
    if (levels == 5) {
        entry = entry_load(slot_of(space, reach, levels, 5, page, entry));
        if (!leads_on(entry))
            return false;
    }
    entry = entry_load(slot_of(space, reach, levels, 4, page, entry));
    if (!leads_on(entry))
        return false;
    entry = entry_load(slot_of(space, reach, levels, 3, page, entry));
    if (!leads_on(entry))
        return false;
    entry = entry_load(slot_of(space, reach, levels, 2, page, entry));
    if (!leads_on(entry))
        return false;
    *slot = slot_of(space, reach, levels, 1, page, entry);
    return true;
}

/* The last entry on the way down, for what is seldom done and may be general. */
SLOW volatile entry_t *stop_of(const struct address_space *space, page_t page, unsigned *level)
{
    volatile entry_t *slot;
    entry_t entry = {0};
    for (*level = space->cpu.levels;; --*level) {
        slot = slot_of(space, space->reach, space->cpu.levels, *level, page, entry);
        entry = entry_load(slot);
        if (*level == 1 || !leads_on(entry))
            return slot;
    }
}

/*
 * The way down that makes what is missing, from the bottom up. The lowest table takes the first frame, as in
 * the core: memory.c shows frames where the core's tables are.
 */
SLOW enum paging_status map_through_new_tables(struct address_space *space, page_t page, entry_t leaf,
                                               struct frame_source *frames)
{
    unsigned top;
    volatile entry_t *slot = stop_of(space, page, &top);
    entry_t old = entry_load(slot);
    if (old.bits != 0)
        return (old.bits & ENTRY_PRESENT) ? PAGING_ALREADY_MAPPED : PAGING_RESERVED;
    for (unsigned level = 1; level < top; level++) {
        frame_t table;
        if (!frames->allocate(frames, PAGE_4K, &table))
            return PAGING_NO_FRAMES;
        uint64_t bits = table.number << ENTRY_FRAME_SHIFT | TABLE_BYTE;
        table_zero(by_offset(space, bits, (page_t){0}, 1));
        entry_store(by_offset(space, bits, page, level), leaf);
        leaf.bits = bits;
    }
    entry_store(slot, leaf);
    return PAGING_OK;
}

/* One of the flags in known.refused: is it wrong here? */
SLOW enum paging_status map_refused(struct address_space *space, page_t page, frame_t frame, uint64_t flags,
                                    struct frame_source *frames)
{
    bool upper_half = page_index(page, space->cpu.levels) >= ENTRY_COUNT / 2;
    if ((flags & ~LEAF_FLAGS) != 0 || ((flags & ENTRY_GLOBAL) != 0 && !upper_half))
        return PAGING_BAD_FLAGS;
    if ((flags & ENTRY_NO_EXECUTE) != 0 && !space->cpu.has_no_execute)
        return PAGING_NOT_SUPPORTED;
    if (frame.number >= known.frame_end)
        return PAGING_FRAME_TOO_HIGH;
    return map_through_new_tables(space, page, entry_leaf(PAGE_4K, frame, flags), frames);
}

FAST enum paging_status map_to(struct address_space *space, enum paging_reach reach, unsigned levels,
                               page_t page, frame_t frame, uint64_t flags, struct frame_source *frames)
{
    if ((flags & known.refused) != 0)
        return map_refused(space, page, frame, flags, frames);
    if (frame.number >= known.frame_end)
        return PAGING_FRAME_TOO_HIGH;
    volatile entry_t *slot;
    bool found = walk(space, reach, levels, page, &slot);
    entry_t leaf = {frame.number << ENTRY_FRAME_SHIFT | flags | ENTRY_PRESENT};
    if (!found)
        return map_through_new_tables(space, page, leaf, frames);
    entry_t old = entry_load(slot);
    if (old.bits != 0)
        return (old.bits & ENTRY_PRESENT) ? PAGING_ALREADY_MAPPED : PAGING_RESERVED;
    entry_store(slot, leaf);
    return PAGING_OK;
}

SLOW enum paging_status refused(entry_t entry)
{
    if (entry.bits & ENTRY_PRESENT)
        return PAGING_MALFORMED;
    return entry.bits ? PAGING_RESERVED : PAGING_NOT_MAPPED;
}

FAST enum paging_status answer(entry_t leaf, unsigned level, virt_addr_t address,
                               struct paging_translation *translation)
{
    uint64_t inside = level_bytes(level) - 1;
    if (((leaf.bits ^ ENTRY_PRESENT) & (ENTRY_PRESENT | known.reserved)) != 0)
        return refused(leaf);
    translation->address.value = (leaf.bits & ENTRY_FRAME_MASK & ~inside) | (address.value & inside);
    translation->size = (enum page_size)level;
    translation->flags = leaf.bits & LEAF_FLAGS;
    translation->owned = (leaf.bits & ENTRY_OWNED) != 0;
    return PAGING_OK;
}

SLOW enum paging_status translate_huge(const struct address_space *space, page_t page, virt_addr_t address,
                                       struct paging_translation *translation)
{
    unsigned level;
    entry_t entry = entry_load(stop_of(space, page, &level));
    return answer(entry, level, address, translation);
}

FAST enum paging_status translate(const struct address_space *space, enum paging_reach reach, unsigned levels,
                                  virt_addr_t address, struct paging_translation *translation)
{
    unsigned unused = 64 - address_bits(levels);
    if ((uint64_t)((int64_t)(address.value << unused) >> unused) != address.value)
        return PAGING_NOT_CANONICAL;
    page_t page = {address.value << unused >> (unused + PAGE_SHIFT)};
    volatile entry_t *slot;
    if (!walk(space, reach, levels, page, &slot))
        return translate_huge(space, page, address, translation);
    return answer(entry_load(slot), PAGE_4K, address, translation);
}

/* The page's address: its highest bit is copied into all bits above. */
FAST uint64_t sign_extended(uint64_t page, unsigned levels)
{
    unsigned unused = 64 - address_bits(levels);
    return (uint64_t)((int64_t)(page << (unused + PAGE_SHIFT)) >> unused);
}

FAST enum paging_status unmap(struct address_space *space, enum paging_reach reach, unsigned levels,
                              page_t page, struct frame_source *frames, struct paging_unmapped *unmapped)
{
    volatile entry_t *slot;
    if (!walk(space, reach, levels, page, &slot))
        return PAGING_NOT_MAPPED;
    entry_t leaf = entry_load(slot);
    if (((leaf.bits ^ ENTRY_PRESENT) & (ENTRY_PRESENT | known.reserved)) != 0)
        return refused(leaf);
    entry_store(slot, (entry_t){0});
    if (reach == PAGING_BY_WINDOW)
        tlb_flush_page((virt_addr_t){sign_extended(page.number, levels)});
    unmapped->frame.number = leaf.bits << 12 >> (12 + ENTRY_FRAME_SHIFT);
    unmapped->size = PAGE_4K;
    unmapped->flags = leaf.bits & LEAF_FLAGS;
    unmapped->released = (leaf.bits & ENTRY_OWNED) != 0;
    if (unmapped->released)
        frames->release(frames, PAGE_4K, unmapped->frame);
    return PAGING_OK;
}

/* One of each for a world, and their struct. */
#define WORLD(name, reach, levels)                                                                        \
    static enum paging_status map_to_##name(struct address_space *space, page_t page, frame_t frame,      \
                                            uint64_t flags, struct frame_source *frames)                  \
    {                                                                                                     \
        return map_to(space, reach, levels, page, frame, flags, frames);                                  \
    }                                                                                                     \
    static enum paging_status translate_##name(const struct address_space *space, virt_addr_t address,    \
                                               struct paging_translation *translation)                    \
    {                                                                                                     \
        return translate(space, reach, levels, address, translation);                                     \
    }                                                                                                     \
    static enum paging_status unmap_##name(struct address_space *space, page_t page,                      \
                                           struct frame_source *frames, struct paging_unmapped *unmapped) \
    {                                                                                                     \
        return unmap(space, reach, levels, page, frames, unmapped);                                       \
    }                                                                                                     \
    static const struct verbs name##_verbs = {map_to_##name, translate_##name, unmap_##name};

WORLD(offset4, PAGING_BY_OFFSET, 4)
WORLD(offset5, PAGING_BY_OFFSET, 5)
WORLD(window4, PAGING_BY_WINDOW, 4)
WORLD(window5, PAGING_BY_WINDOW, 5)

const struct verbs *bare_verbs(const struct address_space *space)
{
    unsigned levels = space->cpu.levels;
    known.refused = ~LEAF_FLAGS | ENTRY_GLOBAL | (space->cpu.has_no_execute ? 0 : ENTRY_NO_EXECUTE);
    known.frame_end = (uint64_t)1 << (space->cpu.physical_bits - PAGE_SHIFT);
    known.reserved = ENTRY_FRAME_MASK & ~((known.frame_end - 1) << ENTRY_FRAME_SHIFT);
    known.reserved |= space->cpu.has_no_execute ? 0 : ENTRY_NO_EXECUTE;
    known.odd = known.reserved | ENTRY_NO_EXECUTE | 0xff;
    if (space->reach == PAGING_BY_OFFSET)
        return levels == 4 ? &offset4_verbs : &offset5_verbs;
    return levels == 4 ? &window4_verbs : &window5_verbs;
}
