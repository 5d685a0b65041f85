/* The exact list of flushes of an operation on one page, as the map demands it. */
#include "rig/rig_internal.h"

/* Each address lies within the span of a level. */
static struct {
    unsigned count;
    struct {
        uint64_t address;
        unsigned level;
    } flushes[4 * PAGING_MAX_LEVELS];
} expected;

void rig_expect_flush(uint64_t address, unsigned level)
{
    expected.flushes[expected.count].address = address;
    expected.flushes[expected.count++].level = level;
}

void rig_expect_no_flush(void)
{
    expected.count = 0;
}

/* A table of the shared half is a page in the windows of the active and of the attached space. */
void rig_expect_window_flush(unsigned window, uint64_t address, unsigned level)
{
    if (!rig_has_windows())
        return;
    if (rig.at == rig.active)
        rig_expect_flush(rig_window(window, address), level);
    if (rig.at == rig.attached || (rig.attached && rig_shares(rig.attached, rig.at) &&
                                   model_is_upper(&rig.model, rig_page(address).number)))
        rig_expect_flush(rig_alternate_window(window, address), level);
}

void rig_expect_leaf_flushes(const struct model_leaf *leaf)
{
    uint64_t start = rig_address(leaf->page);
    if (rig.at == rig.active)
        rig_expect_flush(start, leaf->size);
    for (unsigned level = 1; level < leaf->size; level++)
        rig_expect_window_flush(level, start, leaf->size - level);
}

void rig_judge_flushes(void)
{
    unsigned met = 0;
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t flushed = machine_flushed(i);
        if (model_is_scratch_slot(rig.at->model, rig_page(flushed).number))
            continue;
        unsigned match = 0;
        while (match < expected.count &&
               (met >> match & 1 || (flushed ^ expected.flushes[match].address) /
                                        walker_span(machine_walker(), expected.flushes[match].level)))
            match++;
        if (match == expected.count)
            fail_msg("%#lx was flushed for nothing, or twice", (unsigned long)flushed);
        met |= 1u << match;
    }
    for (unsigned i = 0; i < expected.count; i++)
        if (!(met >> i & 1))
            fail_msg("%#lx was not flushed", (unsigned long)expected.flushes[i].address);
}
