/* SPDX-License-Identifier: MIT */
/* Several spaces: how they are to each other, and the judges of the operations that change that. */
#include "rig/rig_internal.h"
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

static struct paging_space spaces[RIG_SPACES];
static struct model models[RIG_SPACES];

void rig_open_spaces_on(struct machine_setup setup)
{
    setup.frames = PAGING_TABLE_ENTRIES < 512 ? 0 : 900;
    rig_open_on(setup);
    for (unsigned i = 1; i < RIG_SPACES; i++)
        rig.sides[i].model = &models[i];
}

void rig_open_spaces(void)
{
    rig_open_spaces_on(rig_setup());
}

void rig_open_sharer(void)
{
    rig_open_spaces();
    assert_status(rig_share_upper_half(&rig.sides[0]), PAGING_OK);
    assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
    if (rig_has_windows())
        assert_status(rig_attach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
    rig.at = &rig.sides[0];
}

bool rig_is_several(void)
{
    return rig.sides[1].model != NULL;
}

uint64_t rig_number_of(const struct rig_side *side)
{
    return (uint64_t)(side - rig.sides);
}

/* ---- how the spaces are to each other ---- */

static struct rig_side *shared_owner_of(const struct rig_side *side)
{
    return side->owns_shared_half ? (struct rig_side *)side : side->shared_owner;
}

bool rig_shares(const struct rig_side *one, const struct rig_side *other)
{
    return shared_owner_of(one) && shared_owner_of(one) == shared_owner_of(other);
}

unsigned rig_sharers(const struct rig_side *side)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        count += rig.sides[i].space && rig.sides[i].shared_owner == side;
    return count;
}

bool rig_is_reachable(const struct rig_side *side)
{
    return side == rig.active || side == rig.attached || side->model->by_direct_map;
}

bool rig_has_windows(void)
{
    return !rig.at->model->by_direct_map;
}

unsigned rig_space_refusals(uint64_t page)
{
    bool shared = rig.at->shared_owner || rig_sharers(rig.at) > 0;
    if (!rig_is_reachable(rig.at))
        return 1u << PAGING_UNREACHABLE;
    return shared && rig.at != rig.active && model_is_upper(&rig.model, page) ? 1u << PAGING_SHARED : 0;
}

uint64_t rig_upper_place(void)
{
    unsigned slot = PAGING_TABLE_ENTRIES / 2;
    while (model_is_reserved_slot(&rig.model, slot * paging_level_pages(rig.model.levels)))
        slot++;
    return rig_address(slot * paging_level_pages(rig.model.levels));
}

/*
 * Loads wherever the tables on the way to PLACE appear; and all there is at each flush, and at some stores.
 */
static void load_meanwhile(void)
{
    static unsigned flushes;
    unsigned now = machine_flushes() + machine_full_flushes();
    for (unsigned level = 1; level < rig.model.levels; level++) {
        machine_speculate(rig_window(level, PLACE));
        machine_speculate(rig_alternate_window(level, PLACE));
    }
    if (now != flushes || machine_stores() % 8 == 0)
        machine_fill_tlb();
    flushes = now;
}

void rig_load_meanwhile(bool on)
{
    machine_observe(on ? load_meanwhile : NULL);
}

/* ---- creating and destroying ---- */

void rig_judge_spaces(enum paging_status status, int frames, unsigned full_flushes)
{
    rig_judge_status(status);
    if (status != PAGING_OK)
        return;
    assert_int_equal(rig_frames_taken(), frames);
    assert_int_equal(machine_full_flushes(), full_flushes);
}

static enum paging_mode mode_of(const struct rig_side *side)
{
    if (side->model->by_direct_map)
        return side == rig.active ? PAGING_MODE_DIRECT_ACTIVE : PAGING_MODE_DIRECT;
    if (side == rig.active)
        return PAGING_MODE_RECURSIVE;
    return side == rig.attached ? PAGING_MODE_ALTERNATE : PAGING_MODE_UNREACHABLE;
}

/* Everything that must hold after an operation on spaces: each can be reached as it should be. */
static void check_spaces(void)
{
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            assert_int_equal(rig.sides[i].space->mode, mode_of(&rig.sides[i]));
    rig_check();
}

enum paging_status rig_create_sibling(struct rig_side *side, struct rig_side *sibling)
{
    struct paging_space *fresh = &spaces[side - rig.sides];
    bool has_scratch_page = PAGING_HAS_SCRATCH_SLOT && !sibling->model->by_direct_map;
    unsigned refusals = 0, needed = has_scratch_page ? rig.model.levels : 1;
    assert_null(side->space);
    if (!rig_is_reachable(sibling))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (!refusals && needed > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    memset(fresh, 0x5a, sizeof(*fresh));
    rig_look_before(refusals);
    machine_begin_operation(fresh);
    enum paging_status status = paging_create_sibling(fresh, sibling->space, machine_frames());
    rig_judge_spaces(status, (int)needed, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        *side =
            (struct rig_side){.space = fresh, .model = side->model, .shared_owner = shared_owner_of(sibling)};
        side->model->count = 0;
        side->model->levels = rig.model.levels;
        side->model->by_direct_map = sibling->model->by_direct_map;
        side->model->owns_shared_half = side->shared_owner != NULL;
        if (side->shared_owner)
            model_copy_upper_half(side->model, sibling->model);
    } else if (((unsigned char *)fresh)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
    check_spaces();
    return status;
}

/* Its tables, and the frames of owned pages that are not in a half of another's. */
static unsigned frames_of(const struct rig_side *side)
{
    static struct model own;
    model_copy(&own, side->model);
    if (side->shared_owner)
        own.count = model_first(&own, paging_level_pages(own.levels) * (PAGING_TABLE_ENTRIES / 2));
    return (unsigned)paging_counted(side->space).tables + model_owned_frames(&own);
}

enum paging_status rig_destroy(struct rig_side *side)
{
    unsigned refusals = 0, frames = frames_of(side);
    if (side == rig.active)
        refusals |= 1u << PAGING_ACTIVE;
    if (side == rig.attached)
        refusals |= 1u << PAGING_ATTACHED;
    if (rig_sharers(side) > 0)
        refusals |= 1u << PAGING_SHARED;
    rig_look_before(refusals);
    machine_begin_operation(side->space);
    enum paging_status status = paging_destroy(side->space, machine_frames());
    rig_judge_spaces(status, -(int)frames, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        *side = (struct rig_side){.model = side->model};
        if (rig.at == side)
            rig.at = rig.active;
    }
    check_spaces();
    return status;
}

/* ---- one and another ---- */

static unsigned pair_refusals(const struct rig_side *active, const struct rig_side *other)
{
    unsigned refusals = 0;
    if (active != rig.active)
        refusals |= 1u << PAGING_NOT_ACTIVE;
    if (other == rig.active)
        refusals |= 1u << PAGING_ACTIVE;
    if (active == rig.active && rig.attached)
        refusals |= 1u << PAGING_SLOT_BUSY;
    return refusals;
}

enum paging_status rig_attach(struct rig_side *active, struct rig_side *side)
{
    unsigned refusals = pair_refusals(active, side);
    if (!PAGING_HAS_ALTERNATE_SLOT || active->model->by_direct_map || side->model->by_direct_map)
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    rig_look_before(refusals);
    enum paging_status status = paging_attach(active->space, side->space);
    rig_judge_spaces(status, 0, 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes() + machine_root_loads(), 0);
        rig.attached = rig.at = side;
    }
    check_spaces();
    return status;
}

enum paging_status rig_detach(struct rig_side *active, struct rig_side *side)
{
    rig_look_before(active != rig.active || side != rig.attached ? 1u << PAGING_UNREACHABLE : 0);
    enum paging_status status = paging_detach(active->space, side->space);
    rig_judge_spaces(status, 0, 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes() + machine_root_loads(), 0);
        rig.attached = NULL;
        rig.at = rig.active;
    }
    check_spaces();
    return status;
}

enum paging_status rig_reattach(struct rig_side *active, struct rig_side *side)
{
    enum paging_status status = rig_detach(active, side);
    return status == PAGING_OK ? rig_attach(active, side) : status;
}

enum paging_status rig_switch_to(struct rig_side *active, struct rig_side *next)
{
    rig_look_before(pair_refusals(active, next));
    enum paging_status status = paging_switch_to(active->space, next->space);
    rig_judge_spaces(status, 0, rig_shares(active, next) ? 0 : 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes(), 0);
        assert_int_equal(machine_root_loads(), 1);
        rig.active = rig.at = next;
    }
    check_spaces();
    return status;
}
