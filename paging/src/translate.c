/* SPDX-License-Identifier: MIT */
/* translate.c - what an address leads to. */
#include <selfmap/translate.h>

#include "walk.h"

PAGING_ALWAYS_INLINE enum paging_status find_page(const struct paging_space *space, paging_virt_t address,
                                                  bool guarded, paging_page_t *page, struct page_walk *walk)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    enum paging_status status = paging_page_containing(space->cpu.levels, address, page);
    if (status != PAGING_OK)
        return status;
    if (!guarded)
        walk_to(space, *page, PAGING_4K, walk);
    else if (!walk_with(space, *page, PAGING_4K, true, walk))
        return PAGING_UNREACHABLE;
    return leaf_status(space, walk);
}

PAGING_OUT_OF_LINE enum paging_status translate_slow(const struct paging_space *space, paging_virt_t address,
                                                     struct paging_translation *translation)
{
    paging_page_t page;
    struct page_walk walk;
    enum paging_status status = find_page(space, address, false, &page, &walk);
    if (status != PAGING_OK)
        return status;
    paging_entry_t leaf = walk.entries[walk.level];
    /*
     * Below a reserved root slot the leaf may be an entry that points to a table, with a count in these bits.
     */
    uint64_t count_bits = page_is_reserved(space, page) ? PAGING_COUNT_MASK | PAGING_SYSTEM_BITS : 0;
    uint64_t offset = address.value % paging_level_bytes(walk.level);
    *translation = (struct paging_translation){
        .address = {paging_frame_start(paging_leaf_frame(leaf, walk.level)).value + offset},
        .size = (enum paging_size)walk.level,
        .flags = effective_flags(walk.entries, walk.level, space->cpu.levels) & ~count_bits,
        .owned = (leaf.bits & ~count_bits & PAGING_OWNED) != 0,
    };
    return PAGING_OK;
}

/* A 4 KiB page below tables that grant everything, so that the leaf alone decides. */
PAGING_ALWAYS_INLINE enum paging_status translate_fast(unsigned levels, bool recursive,
                                                       const struct paging_space *space,
                                                       paging_virt_t address,
                                                       struct paging_translation *translation)
{
    paging_page_t page;
    struct fast_walk_result found;
    if (paging_page_containing(levels, address, &page) != PAGING_OK ||
        !fast_walk(space, levels, recursive, page, &found) || !fast_is_page(space, &found))
        return translate_slow(space, address, translation);
    uint64_t offset = address.value % PAGING_PAGE_BYTES;
    *translation = (struct paging_translation){
        .address = {paging_frame_start(paging_entry_frame(found.entry)).value | offset},
        .size = PAGING_4K,
        .flags = found.entry.bits & PAGING_LEAF_FLAGS,
        .owned = (found.entry.bits & PAGING_OWNED) != 0,
    };
    return PAGING_OK;
}

PAGING_OUT_OF_LINE enum paging_status translate_direct_4(const struct paging_space *space,
                                                         paging_virt_t address,
                                                         struct paging_translation *translation)
{
    return translate_fast(4, false, space, address, translation);
}

PAGING_OUT_OF_LINE enum paging_status translate_recursive_5(const struct paging_space *space,
                                                            paging_virt_t address,
                                                            struct paging_translation *translation)
{
    return translate_fast(5, true, space, address, translation);
}

PAGING_OUT_OF_LINE enum paging_status translate_direct_5(const struct paging_space *space,
                                                         paging_virt_t address,
                                                         struct paging_translation *translation)
{
    return translate_fast(5, false, space, address, translation);
}

PAGING_OUT_OF_LINE enum paging_status translate_other(const struct paging_space *space, paging_virt_t address,
                                                      struct paging_translation *translation)
{
    const paging_page_t any = {0};
    if (takes_fast_path(space, PAGING_FAST_DIRECT_4, any))
        return translate_direct_4(space, address, translation);
    if (takes_fast_path(space, PAGING_FAST_RECURSIVE_5, any))
        return translate_recursive_5(space, address, translation);
    if (takes_fast_path(space, PAGING_FAST_DIRECT_5, any))
        return translate_direct_5(space, address, translation);
    return translate_slow(space, address, translation);
}

enum paging_status paging_translate(const struct paging_space *space, paging_virt_t address,
                                    struct paging_translation *translation)
{
    const paging_page_t any = {0}; /* the page is made from the address, so its number is never too large */
    if (__builtin_expect(takes_fast_path(space, PAGING_FAST_RECURSIVE_4, any), 1))
        return translate_fast(4, true, space, address, translation);
    return translate_other(space, address, translation);
}

enum paging_status paging_walk_address(const struct paging_space *space, paging_virt_t address,
                                       struct paging_walk_result *result)
{
    paging_page_t page;
    struct page_walk walk;
    enum paging_status status = find_page(space, address, true, &page, &walk);
    if (status == PAGING_NOT_CANONICAL || status == PAGING_UNREACHABLE)
        return status;
    *result = (struct paging_walk_result){.top = space->cpu.levels, .level = walk.level};
    for (unsigned level = walk.level; level <= space->cpu.levels; level++)
        result->entries[level] = walk.entries[level];
    return status;
}
