/* SPDX-License-Identifier: MIT */
/* Judges of clone_lower_half and unshare_page, and a clone that goes again. */
#include "rig/rig_internal.h"
#include <selfmap/clone.h>
#include <string.h>

static uint64_t half_of(const struct rig_side *side)
{
    return paging_level_pages(side->model->levels) * (PAGING_TABLE_ENTRIES / 2);
}

/* Makes a map of what the lower half of the side maps, as it is with shared frames. */
static void share_lower_half(const struct rig_side *side, struct model *map)
{
    model_copy(map, side->model);
    map->owns_shared_half = false;
    map->count = model_first(map, half_of(side));
    for (unsigned i = 0; i < map->count; i++)
        if (map->leaves[i].owned)
            map->leaves[i].flags = model_shared_flags(map->leaves[i].flags);
}

/* Replaces what the lower half of the side maps. */
static void set_lower_half(struct rig_side *side, const struct model *map)
{
    struct model *model = side->model;
    unsigned first = model_first(model, half_of(side)), kept = model->count - first;
    memmove(&model->leaves[map->count], &model->leaves[first], kept * sizeof(*model->leaves));
    memcpy(model->leaves, map->leaves, map->count * sizeof(*map->leaves));
    model->count = map->count + kept;
}

/* Returns whether the source of frames can give each owned page of the map one more owner. */
static bool can_be_shared(const struct model *map)
{
    for (unsigned i = 0; i < map->count; i++)
        for (uint64_t at = 0; map->leaves[i].owned && at < paging_level_pages(map->leaves[i].size); at++)
            if (!machine_can_share(map->leaves[i].frame + at))
                return false;
    return true;
}

static unsigned clone_refusals(const struct rig_side *source, const struct rig_side *destination,
                               const struct model *map)
{
    unsigned refusals = 0;
    if (!rig_is_reachable(source) || !rig_is_reachable(destination))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (source->model->by_direct_map != destination->model->by_direct_map)
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (model_first(destination->model, half_of(destination)) > 0)
        refusals |= 1u << PAGING_ALREADY_MAPPED;
    if (!refusals && (model_tables(map) > machine_frames_left() || !can_be_shared(map)))
        refusals = 1u << PAGING_NO_FRAMES;
    return refusals;
}

/* Expects the flushes of the pages that lose the right to write. */
static void expect_flushes(const struct model *before, const struct model *map)
{
    unsigned count = 0;
    rig_expect_no_flush();
    for (unsigned i = 0; i < map->count && count <= RIG_FLUSH_LIMIT; i++)
        if (before->leaves[i].flags & ~map->leaves[i].flags & PAGING_WRITABLE) {
            rig_expect_leaf_flushes(&before->leaves[i]);
            count += rig.at == rig.active || (rig_has_windows() && before->leaves[i].size > PAGING_4K);
        }
}

/* The counters of both spaces, the scratch page's flushes included, are right. */
static void judge_counters(const struct paging_space was[2], const struct rig_side *source,
                           const struct rig_side *destination)
{
    const struct paging_counters before = paging_counted(&was[0]), others = paging_counted(&was[1]);
    const struct paging_counters after = paging_counted(source->space);
    const struct paging_counters others_after = paging_counted(destination->space);
    uint64_t pages = after.flushes - before.flushes + others_after.flushes - others.flushes;
    assert_int_equal(pages, machine_flushes());
    assert_int_equal(after.full_flushes - before.full_flushes, machine_full_flushes());
    assert_int_equal(others_after.full_flushes, others.full_flushes);
    if (!rig_has_windows() && source != rig.active)
        assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
}

enum paging_status rig_clone_lower_half(struct rig_side *source, struct rig_side *destination)
{
    static struct model map;
    unsigned tables = 0, pages = 0;
    rig.at = source;
    if (rig_is_reachable(source))
        rig_note_touched(0, half_of(source));
    share_lower_half(source, &map);
    unsigned refusals = clone_refusals(source, destination, &map);
    const struct paging_space was[2] = {*source->space, *destination->space};
    if (source == destination && !refusals) /* nothing is there, so nothing is cloned */
        machine_snapshot();
    if (!refusals) {
        expect_flushes(source->model, &map);
        tables = model_tables(&map);
        pages = model_owned_frames(&map);
    }
    rig_look_before(refusals);
    machine_begin_operation(destination->space);
    enum paging_status status = paging_clone_lower_half(source->space, destination->space, machine_frames());
    rig_judge_status(status);
    if (status == PAGING_OK) {
        assert_int_equal(rig_frames_taken(), tables + pages);
        rig_judge_flushes();
        if (source == destination)
            rig_judge_nothing_changed("nothing is there");
        else
            judge_counters(was, source, destination);
        set_lower_half(source, &map);
        set_lower_half(destination, &map);
    }
    rig_check();
    return status;
}

/* Returns why the leaf does not become writable, or stays as it is because it is. */
static unsigned sharing_refusals(const struct model_leaf *leaf)
{
    if (leaf->flags & PAGING_WRITABLE)
        return 0;
    if ((leaf->flags & MODEL_COPIED) == 0)
        return 1u << PAGING_DENIED;
    return machine_is_shared(leaf->frame, (enum paging_size)leaf->size) ? 1u << PAGING_COPY_NEEDED : 0;
}

enum paging_status rig_unshare_page(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    const struct model_leaf *leaf;
    unsigned refusals = rig_leaf_refusals(page, &leaf);
    rig_note_touched(page, 1);
    if (leaf)
        refusals |= sharing_refusals(leaf);
    struct model_leaf after = leaf ? *leaf : (struct model_leaf){0};
    bool changes = !refusals && (after.flags & PAGING_WRITABLE) == 0;
    rig_expect_no_flush();
    if (changes)
        rig_expect_leaf_flushes(leaf);
    else if (!refusals)
        machine_snapshot();
    rig_look_before(refusals);
    enum paging_status status = paging_unshare_page(rig.at->space, (paging_page_t){page}, machine_frames());
    rig_judge_one_space(status);
    if (status == PAGING_OK) {
        rig_judge_flushes();
        assert_int_equal(rig_frames_taken(), 0);
        if (!changes)
            rig_judge_nothing_changed("it was writable");
        after.flags &= changes ? ~(MODEL_SHARED | MODEL_COPIED) : ~0ull;
        after.flags |= PAGING_WRITABLE;
        model_remove(rig.at->model, after.page);
        model_add(rig.at->model, after);
    }
    rig_check();
    return status;
}

/* Makes the child of the space at hand, which is active; and ends it whatever has become of it. */
static enum paging_status clone_and_end(struct rig_side *parent, struct rig_side *child)
{
    enum paging_status status = rig_create_sibling(child, parent);
    if (status != PAGING_OK)
        return status;
    if (rig_has_windows())
        assert_status(rig_attach(parent, child), PAGING_OK);
    status = rig_clone_lower_half(parent, child);
    if (rig_has_windows())
        assert_status(rig_detach(parent, child), PAGING_OK);
    assert_status(rig_destroy(child), PAGING_OK);
    return status;
}

enum paging_status rig_fork(void)
{
    static struct model model;
    struct rig_side *child = &rig.sides[RIG_SPACES - 1];
    bool is_lent = child->model == NULL;
    if (is_lent)
        child->model = &model;
    enum paging_status status = clone_and_end(rig.active, child);
    if (is_lent)
        child->model = NULL;
    rig.at = rig.active;
    return status;
}
