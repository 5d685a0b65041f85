/* SPDX-License-Identifier: MIT */
/* Judge of translate and walk_address: both must agree with the emulated processor. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

static enum paging_status expected_status(const struct walk *walk)
{
    if (!walk->faulted)
        return PAGING_OK;
    if (walk->error & WALK_NOT_CANONICAL)
        return PAGING_NOT_CANONICAL;
    if (walk->error & WALK_RESERVED)
        return PAGING_MALFORMED;
    if (walk->entry == 0)
        return PAGING_NOT_MAPPED;
    return is_detached(walk->entry) ? PAGING_BUSY : PAGING_MARKED;
}

static void judge_walk_address(const struct walk *walk, uint64_t address)
{
    struct paging_walk_result path;
    enum paging_status status = paging_walk_address(rig.at->space, (paging_virt_t){address}, &path);
    assert_status(status, expected_status(walk));
    if (status == PAGING_NOT_CANONICAL)
        return;
    assert_int_equal(path.top, rig.model.levels);
    assert_int_equal(path.level, walk->level);
    assert_int_equal(path.entries[path.level].bits, walk->entry);
    for (unsigned level = 0; level <= PAGING_MAX_LEVELS; level++)
        if (level < path.level || level > path.top)
            assert_int_equal(path.entries[level].bits, 0);
}

enum paging_status rig_translate(uint64_t address)
{
    struct paging_translation translation;
    enum paging_status status = paging_translate(rig.at->space, (paging_virt_t){address}, &translation);
    struct walk walk = rig_walk(address);
    assert_status(status, expected_status(&walk));
    judge_walk_address(&walk, address);
    if (status != PAGING_OK)
        return status;
    uint64_t rights = (walk.writable ? PAGING_WRITABLE : 0) | (walk.user ? PAGING_USER : 0) |
                      (walk.executable ? 0 : PAGING_NO_EXECUTE);
    uint64_t asked = PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE;
    assert_int_equal(translation.address.value, walk.frame * PAGING_PAGE_BYTES + address % PAGING_PAGE_BYTES);
    assert_int_equal(translation.size, walk.level);
    assert_int_equal(translation.flags & asked, rights);
    uint64_t page = rig_page(address).number;
    bool is_reserved = model_is_reserved_slot(rig.at->model, page);
    uint64_t others = PAGING_LEAF_FLAGS & ~asked & ~(is_reserved ? PAGING_SYSTEM_BITS : 0);
    assert_int_equal(translation.flags & ~asked, flags_of_leaf(walk.entry, walk.level) & others);
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    assert_int_equal(translation.owned, leaf && leaf->owned);
    return status;
}
