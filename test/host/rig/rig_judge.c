/* How one operation is judged: its status, its flushes, and that a refusal changes nothing. */
#include "rig/rig_internal.h"
#include <string.h>

struct rig_before rig_look_before(unsigned refusals)
{
    struct rig_before before;
    memcpy(&before.space, rig.at->space, sizeof(before.space));
    before.frames = machine_frames_out();
    before.refusals = refusals;
    if (refusals)
        machine_snapshot();
    machine_reset_log();
    return before;
}

void rig_judge_nothing_changed(const struct rig_before *before, const char *why)
{
    if (!machine_unchanged())
        fail_msg("\"%s\", but memory has changed", why);
    assert_int_equal(machine_frames_out(), before->frames);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_same_space(rig.at->space, &before->space);
}

void rig_judge_status(const struct rig_before *before, enum paging_status status)
{
    if (before->refusals ? (before->refusals >> status & 1) == 0 : status != PAGING_OK)
        fail_msg("status is \"%s\", set of right ones %#x", paging_status_name(status), before->refusals);
    if (before->refusals)
        rig_judge_nothing_changed(before, paging_status_name(status));
    assert_int_equal(rig.at->space->flushes - before->space.flushes, machine_flushes());
    assert_int_equal(rig.at->space->full_flushes - before->space.full_flushes, machine_full_flushes());
    assert_int_equal(machine_flushes_by_invpcid(),
                     rig.at->space->cpu.has_invpcid ? machine_full_flushes() : 0);
    for (unsigned i = 0; rig.at == rig.open && i < machine_flushes(); i++)
        if (!model_is_reserved_slot(rig.model.levels, rig_page(machine_flushed(i)).number))
            fail_msg("%#lx was flushed, a page of a space that is not live",
                     (unsigned long)machine_flushed(i));
}

void rig_judge_map_flushes(void)
{
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t slot = rig_page(machine_flushed(i)).number / paging_level_pages(rig.model.levels);
        if (slot != PAGING_SCRATCH_SLOT)
            fail_msg("mapping flushed %#lx", (unsigned long)machine_flushed(i));
    }
}
