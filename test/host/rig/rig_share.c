/* SPDX-License-Identifier: MIT */
/* Judges of share_upper_half and unshare_upper_half. */
#include "rig/rig_internal.h"
#include <selfmap/share.h>

/* The slots of the upper half below which there is a page, or none; and what is flushed when each goes. */
struct slots {
    unsigned count;
    uint64_t flushed[PAGING_TABLE_ENTRIES];
};

/* The window of the table, or without windows a page below it. */
static uint64_t flushed_with_table(const struct rig_side *side, uint64_t page)
{
    unsigned level = rig.model.levels - 1;
    if (side->model->by_direct_map)
        return rig_address(page);
    return side == rig.attached ? rig_alternate_window(level, rig_address(page))
                                : rig_window(level, rig_address(page));
}

static struct slots upper_slots(const struct rig_side *side, bool used)
{
    struct slots slots = {0};
    unsigned levels = rig.model.levels;
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++) {
        uint64_t page = slot * paging_level_pages(levels);
        bool has = model_overlap(side->model, page, paging_level_pages(levels)) != NULL;
        if (model_is_reserved_slot(side->model, page) || has != used)
            continue;
        slots.flushed[slots.count++] = flushed_with_table(side, page);
    }
    return slots;
}

static void set_shared(struct rig_side *side, bool shared)
{
    side->owns_shared_half = side->model->owns_shared_half = shared;
}

enum paging_status rig_share_upper_half(struct rig_side *side)
{
    unsigned missing = side->owns_shared_half ? 0 : upper_slots(side, false).count, refusals = 0;
    if (!rig_is_reachable(side))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (side->shared_owner)
        refusals |= 1u << PAGING_SHARED;
    if (!refusals && missing > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    rig_look_before(refusals);
    machine_begin_operation(side->space);
    enum paging_status status = paging_share_upper_half(side->space, machine_frames());
    rig_judge_spaces(status, (int)missing, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK)
        set_shared(side, true);
    rig_check();
    return status;
}

/*
 * What is flushed with each table that went, once; all of the TLB at once if they are many. Nothing if the
 * space is inactive, and lives by direct map.
 */
static void judge_unshare_flushes(const struct rig_side *side, const struct slots *slots)
{
    if (side->model->by_direct_map && side != rig.active) {
        assert_int_equal(machine_full_flushes() + machine_flushes(), 0);
        return;
    }
    if (machine_full_flushes() > 0) {
        assert_true(slots->count > 8);
        return;
    }
    assert_int_equal(machine_flushes(), slots->count);
    for (unsigned i = 0; i < slots->count; i++) {
        unsigned met = 0;
        for (unsigned j = 0; j < slots->count; j++)
            met += machine_flushed(j) / PAGING_PAGE_BYTES == slots->flushed[i] / PAGING_PAGE_BYTES;
        assert_int_equal(met, 1);
    }
}

enum paging_status rig_unshare_upper_half(struct rig_side *side)
{
    struct slots empty = {0};
    unsigned refusals = 0;
    if (side->owns_shared_half)
        empty = upper_slots(side, false);
    if (!rig_is_reachable(side))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (side->shared_owner || rig_sharers(side) > 0)
        refusals |= 1u << PAGING_SHARED;
    rig_look_before(refusals);
    machine_begin_operation(side->space);
    enum paging_status status = paging_unshare_upper_half(side->space, machine_frames());
    rig_judge_spaces(status, -(int)empty.count, machine_full_flushes());
    if (status == PAGING_OK) {
        judge_unshare_flushes(side, &empty);
        set_shared(side, false);
    }
    rig_check();
    return status;
}
