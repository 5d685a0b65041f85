/* SPDX-License-Identifier: MIT */
/* How one operation is judged: its status, its flushes, and that a refusal changes nothing. */
#include "rig/rig_internal.h"
#include <string.h>

static struct {
    struct paging_space spaces[RIG_SPACES];
    unsigned frames, refusals;
} before;

void rig_look_before(unsigned refusals)
{
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            memcpy(&before.spaces[i], rig.sides[i].space, sizeof(before.spaces[i]));
    before.frames = machine_frames_out();
    before.refusals = refusals;
    if (refusals)
        machine_snapshot();
    machine_reset_log();
    machine_begin_operation(rig.at->space);
}

int rig_frames_taken(void)
{
    return (int)machine_frames_out() - (int)before.frames;
}

bool rig_take_frame(enum paging_size size, uint64_t *number)
{
    paging_frame_t frame = {0};
    bool taken = machine_take(PAGING_FRAME_FOR_PAGE, size, &frame);
    *number = frame.number;
    return taken;
}

void rig_give_frame(enum paging_size size, uint64_t number)
{
    machine_give(PAGING_FRAME_FOR_PAGE, size, (paging_frame_t){number});
}

void rig_judge_nothing_changed(const char *why)
{
    if (!machine_unchanged())
        fail_msg("\"%s\", but memory has changed", why);
    assert_int_equal(rig_frames_taken(), 0);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_root_loads(), 0);
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            assert_same_space(rig.sides[i].space, &before.spaces[i]);
}

void rig_judge_status(enum paging_status status)
{
    machine_end_operation();
    if (before.refusals ? (before.refusals >> status & 1) == 0 : status != PAGING_OK)
        fail_msg("status is \"%s\", set of right ones %#x", paging_status_name(status), before.refusals);
    if (before.refusals)
        rig_judge_nothing_changed(paging_status_name(status));
    assert_int_equal(machine_flushes_by_invpcid(),
                     rig.active->space->cpu.has_invpcid ? machine_full_flushes() : 0);
}

void rig_judge_one_space(enum paging_status status)
{
    const struct paging_counters was = paging_counted(&before.spaces[rig.at - rig.sides]);
    rig_judge_status(status);
    assert_int_equal(paging_counted(rig.at->space).flushes - was.flushes, machine_flushes());
    assert_int_equal(paging_counted(rig.at->space).full_flushes - was.full_flushes, machine_full_flushes());
    if (rig.at != rig.active && rig.at->model->by_direct_map)
        assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    for (unsigned i = 0; rig.at == rig.attached && i < machine_flushes(); i++)
        if (!model_is_reserved_slot(rig.at->model, rig_page(machine_flushed(i)).number))
            fail_msg("%#lx was flushed, a page of an inactive space", (unsigned long)machine_flushed(i));
}

void rig_judge_map_flushes(void)
{
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++)
        if (!model_is_scratch_slot(rig.at->model, rig_page(machine_flushed(i)).number))
            fail_msg("mapping flushed %#lx", (unsigned long)machine_flushed(i));
}
