/* translate.c - what an address leads to. */
#include "translate.h"
#include "express.h"

static enum paging_status walk_address(const struct address_space *space, virt_addr_t address, page_t *page,
                                       struct walk *walk)
{
    if (space->reach == PAGING_BY_NOTHING)
        return PAGING_OUT_OF_REACH;
    enum paging_status status = page_containing(space->cpu.levels, address, page);
    if (status != PAGING_OK)
        return status;
    walk_to(space, *page, PAGE_4K, walk);
    return leaf_status(space, walk);
}

/* The leaf's flags as they take effect: a right counts if every level grants it (SDM 3A, 4.6.1). */
static uint64_t effective_flags(const struct address_space *space, const struct walk *walk)
{
    uint64_t granted = ENTRY_WRITABLE | ENTRY_USER;
    uint64_t denied = 0;
    for (unsigned level = walk->level; level <= space->cpu.levels; level++) {
        granted &= walk->entries[level].bits;
        denied |= walk->entries[level].bits & ENTRY_NO_EXECUTE;
    }
    uint64_t own = walk->entries[walk->level].bits & LEAF_FLAGS;
    return (own & ~(ENTRY_WRITABLE | ENTRY_USER)) | granted | denied;
}

OUT_OF_LINE enum paging_status translate_long(const struct address_space *space, virt_addr_t address,
                                              struct paging_translation *translation)
{
    page_t page;
    struct walk walk;
    enum paging_status status = walk_address(space, address, &page, &walk);
    if (status != PAGING_OK)
        return status;
    entry_t leaf = walk.entries[walk.level];
    /* Below a kept slot the leaf may be a table's entry, and these bits its count and more. */
    uint64_t count_bits = page_is_kept(space, page) ? COUNT_MASK | ENTRY_SYSTEM_BITS : 0;
    uint64_t offset = address.value % level_bytes(walk.level);
    *translation = (struct paging_translation){
        .address = {frame_start(leaf_frame(leaf, walk.level)).value + offset},
        .size = (enum page_size)walk.level,
        .flags = effective_flags(space, &walk) & ~count_bits,
        .owned = (leaf.bits & ~count_bits & ENTRY_OWNED) != 0,
    };
    return PAGING_OK;
}

/* On the express way: a 4 KiB page below tables that grant everything, so that the leaf alone decides. */
ALWAYS_INLINE enum paging_status translate_express(unsigned levels, bool window,
                                                   const struct address_space *space, virt_addr_t address,
                                                   struct paging_translation *translation)
{
    page_t page;
    struct express way;
    if (page_containing(levels, address, &page) != PAGING_OK ||
        !express_walk(space, levels, window, page, &way) || !express_is_page(space, &way))
        return translate_long(space, address, translation);
    *translation = (struct paging_translation){
        .address = {frame_start(entry_frame(way.entry)).value | address.value % PAGE_BYTES},
        .size = PAGE_4K,
        .flags = way.entry.bits & LEAF_FLAGS,
        .owned = (way.entry.bits & ENTRY_OWNED) != 0,
    };
    return PAGING_OK;
}

TAKE_EXPRESS(translate,
             (const struct address_space *space, virt_addr_t address, struct paging_translation *translation),
             (space, address, translation))

enum paging_status paging_trace(const struct address_space *space, virt_addr_t address,
                                struct paging_path *path)
{
    page_t page;
    struct walk walk;
    enum paging_status status = walk_address(space, address, &page, &walk);
    if (status == PAGING_NOT_CANONICAL || status == PAGING_OUT_OF_REACH)
        return status;
    *path = (struct paging_path){.top = space->cpu.levels, .level = walk.level};
    for (unsigned level = walk.level; level <= space->cpu.levels; level++)
        path->entries[level] = walk.entries[level];
    return status;
}
