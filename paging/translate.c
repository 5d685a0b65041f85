/* translate.c - what an address leads to. */
#include "translate.h"
#include "walk.h"

static enum paging_status walk_address(const struct address_space *space, virt_addr_t address,
                                       struct walk *walk)
{
    page_t page;
    enum paging_status status = page_containing(space->cpu.levels, address, &page);
    if (status != PAGING_OK)
        return status;
    *walk = walk_to(space, page, PAGE_4K);
    return leaf_status(walk);
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
    struct walk walk;
    enum paging_status status = walk_address(space, address, &walk);
    if (status != PAGING_OK)
        return status;
    entry_t leaf = walk.entries[walk.level];
    uint64_t offset = address.value % level_bytes(walk.level);
    *translation = (struct paging_translation){
        .address = {frame_start(leaf_frame(leaf, walk.level)).value + offset},
        .size = (enum page_size)walk.level,
        .flags = effective_flags(space, &walk),
        .owned = (leaf.bits & ENTRY_OWNED) != 0,
    };
    return PAGING_OK;
}

enum paging_status paging_trace(const struct address_space *space, virt_addr_t address,
                                struct paging_path *path)
{
    struct walk walk;
    enum paging_status status = walk_address(space, address, &walk);
    if (status == PAGING_NOT_CANONICAL)
        return status;
    *path = (struct paging_path){.top = space->cpu.levels, .level = walk.level};
    for (unsigned level = walk.level; level <= space->cpu.levels; level++)
        path->entries[level] = walk.entries[level];
    return status;
}
