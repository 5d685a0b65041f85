/* translate.c - what an address leads to. */
#include "translate.h"
#include "walk.h"

static enum paging_status walk_address(const struct address_space *space, virt_addr_t address, page_t *page,
                                       struct walk *walk)
{
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

enum paging_status paging_translate(const struct address_space *space, virt_addr_t address,
                                    struct paging_translation *translation)
{
    page_t page;
    struct walk walk;
    enum paging_status status = walk_address(space, address, &page, &walk);
    if (status != PAGING_OK)
        return status;
    entry_t leaf = walk.entries[walk.level];
    /* Below a kept slot the leaf may be a table's entry, and these bits its count. */
    uint64_t count_bits = page_is_kept(space, page) ? COUNT_MASK : 0;
    uint64_t offset = address.value % level_bytes(walk.level);
    *translation = (struct paging_translation){
        .address = {frame_start(leaf_frame(leaf, walk.level)).value + offset},
        .size = (enum page_size)walk.level,
        .flags = effective_flags(space, &walk) & ~count_bits,
        .owned = (leaf.bits & ~count_bits & ENTRY_OWNED) != 0,
    };
    return PAGING_OK;
}

enum paging_status paging_trace(const struct address_space *space, virt_addr_t address,
                                struct paging_path *path)
{
    page_t page;
    struct walk walk;
    enum paging_status status = walk_address(space, address, &page, &walk);
    if (status == PAGING_NOT_CANONICAL)
        return status;
    *path = (struct paging_path){.top = space->cpu.levels, .level = walk.level};
    for (unsigned level = walk.level; level <= space->cpu.levels; level++)
        path->entries[level] = walk.entries[level];
    return status;
}
