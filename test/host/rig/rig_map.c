/* The core's operations, each called and judged. */
#include "rig/rig_internal.h"
#include "rig/rig_spaces.h"
#include <string.h>

enum map_operation { MAP_TO, MAP_SIZED, MAP_OWNED, MAP_IDENTITY };

static enum paging_status call_map(enum map_operation operation, const struct model_leaf *wanted)
{
    paging_page_t page = {wanted->page};
    paging_frame_t frame = {wanted->frame};
    switch (operation) {
    case MAP_TO:
        return paging_map_to(rig.at->space, page, frame, wanted->flags, machine_frames());
    case MAP_SIZED:
        return paging_map_sized(rig.at->space, page, frame, (enum paging_size)wanted->size, wanted->flags,
                                machine_frames());
    case MAP_OWNED:
        return paging_map(rig.at->space, page, wanted->flags, machine_frames());
    case MAP_IDENTITY:
    default:
        return paging_identity_map(rig.at->space, frame, wanted->flags, machine_frames());
    }
}

static enum paging_status map(enum map_operation operation, struct model_leaf wanted, unsigned refusals)
{
    const struct model_leaf *reserved = model_at(rig.at->model, wanted.page);
    bool replaces = reserved && model_is_replaceable(reserved, &wanted);
    unsigned needed = wanted.owned;
    if (!replaces)
        needed += model_missing_tables(rig.at->model, wanted.page, wanted.size);
    if (!refusals)
        refusals = rig_refuses(wanted.page) | model_refusals(rig.at->model, &rig.at->space->cpu, &wanted);
    if (!refusals && needed > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    struct rig_before before = rig_look_before(refusals);
    enum paging_status status = call_map(operation, &wanted);
    rig_judge_status(&before, status);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        assert_int_equal(machine_frames_out() - before.frames, needed);
        if (wanted.owned)
            wanted.frame = rig_walk(rig_address(wanted.page)).frame;
        wanted.flags &= ~(PAGING_PRESENT | PAGING_REPLACE_MARKER);
        if (replaces)
            model_remove(rig.at->model, wanted.page);
        model_add(rig.at->model, wanted);
    }
    rig_check();
    return status;
}

enum paging_status rig_map_to(uint64_t address, uint64_t frame, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, frame, PAGING_4K, flags, false, 0};
    return map(MAP_TO, leaf, 0);
}

enum paging_status rig_map_sized(uint64_t address, uint64_t frame, enum paging_size size, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, frame, size, flags, false, 0};
    return map(MAP_SIZED, leaf, 0);
}

enum paging_status rig_map(uint64_t address, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, 0, PAGING_4K, flags, true, 0};
    return map(MAP_OWNED, leaf, 0);
}

enum paging_status rig_identity_map(uint64_t frame, uint64_t flags)
{
    uint64_t address = frame * PAGING_PAGE_BYTES;
    struct model_leaf leaf = {frame, frame, PAGING_4K, flags, false, 0};
    unsigned refusals = 0;
    if (frame > UINT64_MAX / PAGING_PAGE_BYTES || walker_canonical(machine_walker(), address) != address) {
        leaf.page = 0;
        refusals = 1u << PAGING_NOT_CANONICAL;
        if (frame >> (rig.at->space->cpu.physical_bits - PAGING_PAGE_SHIFT))
            refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    }
    return map(MAP_IDENTITY, leaf, refusals);
}

/* ---- translate ---- */

static enum paging_status expected_status(const struct walk *walk)
{
    if (!walk->faulted)
        return PAGING_OK;
    if (walk->error & WALK_NOT_CANONICAL)
        return PAGING_NOT_CANONICAL;
    if (walk->error & WALK_RESERVED)
        return PAGING_MALFORMED;
    return walk->entry == 0 ? PAGING_NOT_MAPPED : PAGING_MARKED;
}

static void judge_trace(const struct walk *walk, uint64_t address)
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

void rig_translate(uint64_t address)
{
    struct paging_translation translation;
    enum paging_status status = paging_translate(rig.at->space, (paging_virt_t){address}, &translation);
    struct walk walk = rig_walk(address);
    assert_status(status, expected_status(&walk));
    judge_trace(&walk, address);
    if (status != PAGING_OK)
        return;
    uint64_t rights = (walk.writable ? PAGING_WRITABLE : 0) | (walk.user ? PAGING_USER : 0) |
                      (walk.executable ? 0 : PAGING_NO_EXECUTE);
    uint64_t asked = PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE;
    assert_int_equal(translation.address.value, walk.frame * PAGING_PAGE_BYTES + address % PAGING_PAGE_BYTES);
    assert_int_equal(translation.size, walk.level);
    assert_int_equal(translation.flags & asked, rights);
    uint64_t slot = rig_page(address).number >> (PAGING_INDEX_BITS * (rig.model.levels - 1));
    bool kept = slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT;
    uint64_t others = PAGING_LEAF_FLAGS & ~asked & ~(kept ? PAGING_SYSTEM_BITS : 0);
    assert_int_equal(translation.flags & ~asked, walk.entry & others);
    const struct model_leaf *leaf = model_overlap(rig.at->model, rig_page(address).number, 1);
    assert_int_equal(translation.owned, leaf && leaf->owned);
}
