/* SPDX-License-Identifier: MIT */
/* bare.c - walks written by hand, with everything known in advance that a world fixes: the limit. */
#include "operations.h"
#include <selfmap/window.h>

/* What every entry that leads to a table has in its low byte, which says present and not huge. */
#define TABLE_BYTE (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_ACCESSED | PAGING_DIRTY)
#define FAST       static inline __attribute__((always_inline))
#define SLOW       static __attribute__((noinline))

/* What does not change from call to call, worked out beforehand. */
static struct {
    uint64_t refused;   /* flags that need a second look */
    uint64_t frame_end; /* frames the processor can address */
    uint64_t reserved;  /* bits that no present entry may have */
    uint64_t odd;       /* bits that a table's entry has only if somebody else made it */
} known;

FAST bool leads_on(paging_entry_t entry)
{
    return ((entry.bits ^ TABLE_BYTE) & known.odd) == 0;
}

FAST volatile paging_entry_t *by_offset(const struct paging_space *space, uint64_t table_bits,
                                        paging_page_t page, unsigned level)
{
    return (volatile paging_entry_t *)(space->offset + (table_bits & PAGING_FRAME_MASK)) +
           paging_page_index(page, level);
}

/* Where the entry of this level is; above is the one before it. A constant base and a shift, or two adds. */
FAST volatile paging_entry_t *slot_of(const struct paging_space *space, enum paging_mode mode,
                                      unsigned levels, unsigned level, paging_page_t page,
                                      paging_entry_t above)
{
    if (mode != PAGING_MODE_RECURSIVE)
        return by_offset(space, level == levels ? space->root.number << PAGING_FRAME_SHIFT : above.bits, page,
                         level);
    /* The slot, taken once per level left out: a geometric series, and so a constant without a loop. */
    uint64_t base =
        (uint64_t)PAGING_RECURSIVE_SLOT * ((paging_level_pages(level + 1) - 1) / (PAGING_TABLE_ENTRIES - 1))
        << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (levels - level));
    return (volatile paging_entry_t *)(uintptr_t)(base + (page.number >> (PAGING_INDEX_BITS * (level - 1))) *
                                                             sizeof(paging_entry_t));
}

/* Is there a P1 for the page? Then *slot is its entry there. */
FAST bool walk(const struct paging_space *space, enum paging_mode mode, unsigned levels, paging_page_t page,
               volatile paging_entry_t **slot)
{
    paging_entry_t entry = {0};
    if (levels == 5) {
        entry = paging_entry_load(slot_of(space, mode, levels, 5, page, entry));
        if (!leads_on(entry))
            return false;
    }
    entry = paging_entry_load(slot_of(space, mode, levels, 4, page, entry));
    if (!leads_on(entry))
        return false;
    entry = paging_entry_load(slot_of(space, mode, levels, 3, page, entry));
    if (!leads_on(entry))
        return false;
    entry = paging_entry_load(slot_of(space, mode, levels, 2, page, entry));
    if (!leads_on(entry))
        return false;
    *slot = slot_of(space, mode, levels, 1, page, entry);
    return true;
}

/* The last entry on the way down, for what is seldom done and may be general. */
SLOW volatile paging_entry_t *stop_of(const struct paging_space *space, paging_page_t page, unsigned *level)
{
    volatile paging_entry_t *slot;
    paging_entry_t entry = {0};
    for (*level = space->cpu.levels;; --*level) {
        slot = slot_of(space, space->mode, space->cpu.levels, *level, page, entry);
        entry = paging_entry_load(slot);
        if (*level == 1 || !leads_on(entry))
            return slot;
    }
}

/*
 * The way down that makes what is missing, from the bottom up. The lowest table takes the first frame, as in
 * the core: memory.c shows frames where the core's tables are.
 */
SLOW enum paging_status map_through_new_tables(struct paging_space *space, paging_page_t page,
                                               paging_entry_t leaf, struct paging_frame_source *frames)
{
    unsigned top;
    volatile paging_entry_t *slot = stop_of(space, page, &top);
    paging_entry_t old = paging_entry_load(slot);
    if (old.bits != 0)
        return (old.bits & PAGING_PRESENT) ? PAGING_ALREADY_MAPPED : PAGING_MARKED;
    for (unsigned level = 1; level < top; level++) {
        paging_frame_t table;
        if (!frames->allocate(frames, space, PAGING_FRAME_FOR_TABLE, PAGING_4K, &table))
            return PAGING_NO_FRAMES;
        uint64_t bits = table.number << PAGING_FRAME_SHIFT | TABLE_BYTE;
        paging_table_zero(by_offset(space, bits, (paging_page_t){0}, 1));
        paging_entry_store(by_offset(space, bits, page, level), leaf);
        leaf.bits = bits;
    }
    paging_entry_store(slot, leaf);
    return PAGING_OK;
}

/* One of the flags in known.refused: is it wrong here? */
SLOW enum paging_status map_refused(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                    uint64_t flags, struct paging_frame_source *frames)
{
    bool upper_half = paging_page_index(page, space->cpu.levels) >= PAGING_TABLE_ENTRIES / 2;
    if ((flags & ~PAGING_LEAF_FLAGS) != 0 || ((flags & PAGING_GLOBAL) != 0 && !upper_half))
        return PAGING_BAD_FLAGS;
    if ((flags & PAGING_NO_EXECUTE) != 0 && !space->cpu.has_no_execute)
        return PAGING_NOT_SUPPORTED;
    if (frame.number >= known.frame_end)
        return PAGING_FRAME_TOO_HIGH;
    return map_through_new_tables(space, page, paging_entry_leaf(PAGING_4K, frame, flags), frames);
}

FAST enum paging_status map_to(struct paging_space *space, enum paging_mode mode, unsigned levels,
                               paging_page_t page, paging_frame_t frame, uint64_t flags,
                               struct paging_frame_source *frames)
{
    if ((flags & known.refused) != 0)
        return map_refused(space, page, frame, flags, frames);
    if (frame.number >= known.frame_end)
        return PAGING_FRAME_TOO_HIGH;
    volatile paging_entry_t *slot;
    bool found = walk(space, mode, levels, page, &slot);
    paging_entry_t leaf = {frame.number << PAGING_FRAME_SHIFT | flags | PAGING_PRESENT};
    if (!found)
        return map_through_new_tables(space, page, leaf, frames);
    paging_entry_t old = paging_entry_load(slot);
    if (old.bits != 0)
        return (old.bits & PAGING_PRESENT) ? PAGING_ALREADY_MAPPED : PAGING_MARKED;
    paging_entry_store(slot, leaf);
    return PAGING_OK;
}

FAST bool is_page(paging_entry_t entry)
{
    return ((entry.bits ^ PAGING_PRESENT) & (PAGING_PRESENT | known.reserved)) == 0;
}

SLOW enum paging_status refused(paging_entry_t entry)
{
    if (entry.bits & PAGING_PRESENT)
        return PAGING_MALFORMED;
    return entry.bits ? PAGING_MARKED : PAGING_NOT_MAPPED;
}

FAST enum paging_status answer(paging_entry_t leaf, unsigned level, paging_virt_t address,
                               struct paging_translation *translation)
{
    uint64_t inside = paging_level_bytes(level) - 1;
    if (!is_page(leaf))
        return refused(leaf);
    translation->address.value = (leaf.bits & PAGING_FRAME_MASK & ~inside) | (address.value & inside);
    translation->size = (enum paging_size)level;
    translation->flags = leaf.bits & PAGING_LEAF_FLAGS;
    translation->owned = (leaf.bits & PAGING_OWNED) != 0;
    return PAGING_OK;
}

SLOW enum paging_status translate_huge(const struct paging_space *space, paging_page_t page,
                                       paging_virt_t address, struct paging_translation *translation)
{
    unsigned level;
    paging_entry_t entry = paging_entry_load(stop_of(space, page, &level));
    return answer(entry, level, address, translation);
}

FAST enum paging_status translate(const struct paging_space *space, enum paging_mode mode, unsigned levels,
                                  paging_virt_t address, struct paging_translation *translation)
{
    unsigned unused = 64 - paging_address_bits(levels);
    if ((uint64_t)((int64_t)(address.value << unused) >> unused) != address.value)
        return PAGING_NOT_CANONICAL;
    paging_page_t page = {address.value << unused >> (unused + PAGING_PAGE_SHIFT)};
    volatile paging_entry_t *slot;
    if (!walk(space, mode, levels, page, &slot))
        return translate_huge(space, page, address, translation);
    return answer(paging_entry_load(slot), PAGING_4K, address, translation);
}

/* The page's address: its highest bit is copied into all bits above. */
FAST uint64_t sign_extended(uint64_t page, unsigned levels)
{
    unsigned unused = 64 - paging_address_bits(levels);
    return (uint64_t)((int64_t)(page << (unused + PAGING_PAGE_SHIFT)) >> unused);
}

/* Clears the entry in which the leaf was found, and reports the leaf as the processor left it. */
FAST void take_leaf(volatile paging_entry_t *slot, paging_entry_t leaf, struct paging_unmapped *unmapped)
{
    if ((~leaf.bits & (PAGING_ACCESSED | PAGING_DIRTY)) == 0)
        paging_entry_store(slot, (paging_entry_t){0});
    else
        leaf = paging_entry_exchange(slot, (paging_entry_t){0});
    unmapped->frame.number = leaf.bits << 12 >> (12 + PAGING_FRAME_SHIFT);
    unmapped->size = PAGING_4K;
    unmapped->flags = leaf.bits & PAGING_LEAF_FLAGS;
    unmapped->released = (leaf.bits & PAGING_OWNED) != 0;
}

FAST enum paging_status unmap(struct paging_space *space, enum paging_mode mode, unsigned levels,
                              paging_page_t page, struct paging_frame_source *frames,
                              struct paging_unmapped *unmapped)
{
    volatile paging_entry_t *slot;
    if (!walk(space, mode, levels, page, &slot))
        return PAGING_NOT_MAPPED;
    paging_entry_t leaf = paging_entry_load(slot);
    if (!is_page(leaf))
        return refused(leaf);
    take_leaf(slot, leaf, unmapped);
    if (mode != PAGING_MODE_DIRECT)
        paging_tlb_flush_page((paging_virt_t){sign_extended(page.number, levels)});
    if (unmapped->released)
        frames->release(frames, space, PAGING_FRAME_FOR_PAGE, PAGING_4K, unmapped->frame);
    return PAGING_OK;
}

/* ---- lists: a walk for each P1, and one pass ---- */

/*
 * Is the page's entry in the P1 that *slot is the entry of `last` in? Then *slot goes there, else by a walk.
 */
FAST bool walk_on(const struct paging_space *space, enum paging_mode mode, unsigned levels,
                  const paging_page_t *page, bool first, volatile paging_entry_t **slot)
{
    if (first || (page[0].number ^ page[-1].number) >> PAGING_INDEX_BITS != 0)
        return walk(space, mode, levels, *page, slot);
    *slot += page[0].number - page[-1].number;
    return true;
}

FAST enum paging_status map_list(struct paging_space *space, enum paging_mode mode, unsigned levels,
                                 const paging_page_t *pages, const paging_frame_t *to, uint64_t count,
                                 uint64_t flags, struct paging_frame_source *frames)
{
    volatile paging_entry_t *slot;
    bool found = false;
    for (uint64_t i = 0; i < count; i++) {
        if ((i > 0 && pages[i].number <= pages[i - 1].number) || (flags & known.refused) != 0)
            return PAGING_UNSORTED;
        if (to[i].number >= known.frame_end)
            return PAGING_FRAME_TOO_HIGH;
        found = walk_on(space, mode, levels, pages + i, !found, &slot);
        paging_entry_t leaf = {to[i].number << PAGING_FRAME_SHIFT | flags | PAGING_PRESENT};
        if (!found) {
            enum paging_status status = map_through_new_tables(space, pages[i], leaf, frames);
            if (status != PAGING_OK)
                return status;
        } else if (paging_entry_load(slot).bits != 0) {
            return PAGING_ALREADY_MAPPED;
        } else {
            paging_entry_store(slot, leaf);
        }
    }
    return PAGING_OK;
}

FAST enum paging_status translate_list(const struct paging_space *space, enum paging_mode mode,
                                       unsigned levels, const paging_page_t *pages, uint64_t count,
                                       struct paging_page_translation *translations)
{
    volatile paging_entry_t *slot;
    bool found = false;
    for (uint64_t i = 0; i < count; i++) {
        found = pages[i].number < paging_page_limit(levels) &&
                walk_on(space, mode, levels, pages + i, !found, &slot);
        paging_entry_t leaf = found ? paging_entry_load(slot) : (paging_entry_t){0};
        if (!is_page(leaf)) {
            translations[i].status = refused(leaf);
            continue;
        }
        translations[i].status = PAGING_OK;
        translations[i].size = PAGING_4K;
        translations[i].frame.number = leaf.bits << 12 >> (12 + PAGING_FRAME_SHIFT);
        translations[i].flags = leaf.bits & PAGING_LEAF_FLAGS;
        translations[i].owned = (leaf.bits & PAGING_OWNED) != 0;
    }
    return PAGING_OK;
}

FAST enum paging_status unmap_list(struct paging_space *space, enum paging_mode mode, unsigned levels,
                                   const paging_page_t *pages, uint64_t count,
                                   struct paging_unmapped *unmapped)
{
    volatile paging_entry_t *slot;
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0 && pages[i].number <= pages[i - 1].number)
            return PAGING_UNSORTED;
        if (!walk_on(space, mode, levels, pages + i, i == 0, &slot))
            return PAGING_NOT_MAPPED;
        paging_entry_t leaf = paging_entry_load(slot);
        if (!is_page(leaf))
            return refused(leaf);
        take_leaf(slot, leaf, &unmapped[i]);
    }
    for (uint64_t i = 0; mode != PAGING_MODE_DIRECT && i < count; i++)
        paging_tlb_flush_page((paging_virt_t){sign_extended(pages[i].number, levels)});
    return PAGING_OK;
}

/* One of each for a world, and their struct. */
#define WORLD(name, mode, levels)                                                                       \
    static enum paging_status map_to_##name(struct paging_space *space, paging_page_t page,             \
                                            paging_frame_t frame, uint64_t flags,                       \
                                            struct paging_frame_source *frames)                         \
    {                                                                                                   \
        return map_to(space, mode, levels, page, frame, flags, frames);                                 \
    }                                                                                                   \
    static enum paging_status translate_##name(const struct paging_space *space, paging_virt_t address, \
                                               struct paging_translation *translation)                  \
    {                                                                                                   \
        return translate(space, mode, levels, address, translation);                                    \
    }                                                                                                   \
    static enum paging_status unmap_##name(struct paging_space *space, paging_page_t page,              \
                                           struct paging_frame_source *frames,                          \
                                           struct paging_unmapped *unmapped)                            \
    {                                                                                                   \
        return unmap(space, mode, levels, page, frames, unmapped);                                      \
    }                                                                                                   \
    static enum paging_status map_list_##name(struct paging_space *space, const paging_page_t *pages,   \
                                              const paging_frame_t *to, uint64_t count, uint64_t flags, \
                                              struct paging_frame_source *frames)                       \
    {                                                                                                   \
        return map_list(space, mode, levels, pages, to, count, flags, frames);                          \
    }                                                                                                   \
    static enum paging_status translate_list_##name(const struct paging_space *space,                   \
                                                    const paging_page_t *pages, uint64_t count,         \
                                                    struct paging_page_translation *translations)       \
    {                                                                                                   \
        return translate_list(space, mode, levels, pages, count, translations);                         \
    }                                                                                                   \
    static enum paging_status unmap_list_##name(struct paging_space *space, const paging_page_t *pages, \
                                                uint64_t count, struct paging_frame_source *frames,     \
                                                struct paging_unmapped *unmapped)                       \
    {                                                                                                   \
        (void)frames;                                                                                   \
        return unmap_list(space, mode, levels, pages, count, unmapped);                                 \
    }                                                                                                   \
    static const struct operations name##_operations = {map_to_##name,         translate_##name,        \
                                                        unmap_##name,          map_list_##name,         \
                                                        translate_list_##name, unmap_list_##name};

WORLD(offset4, PAGING_MODE_DIRECT, 4)
WORLD(offset5, PAGING_MODE_DIRECT, 5)
WORLD(live4, PAGING_MODE_DIRECT_ACTIVE, 4)
WORLD(live5, PAGING_MODE_DIRECT_ACTIVE, 5)
WORLD(window4, PAGING_MODE_RECURSIVE, 4)
WORLD(window5, PAGING_MODE_RECURSIVE, 5)

const struct operations *bare_operations(const struct paging_space *space)
{
    unsigned levels = space->cpu.levels;
    known.refused = ~PAGING_LEAF_FLAGS | PAGING_GLOBAL | (space->cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE);
    known.frame_end = (uint64_t)1 << (space->cpu.physical_bits - PAGING_PAGE_SHIFT);
    known.reserved = PAGING_FRAME_MASK & ~((known.frame_end - 1) << PAGING_FRAME_SHIFT);
    known.reserved |= space->cpu.has_no_execute ? 0 : PAGING_NO_EXECUTE;
    known.odd = known.reserved | PAGING_NO_EXECUTE | 0xff;
    if (space->mode == PAGING_MODE_DIRECT)
        return levels == 4 ? &offset4_operations : &offset5_operations;
    if (space->mode == PAGING_MODE_DIRECT_ACTIVE)
        return levels == 4 ? &live4_operations : &live5_operations;
    return levels == 4 ? &window4_operations : &window5_operations;
}
