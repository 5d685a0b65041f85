/* SPDX-License-Identifier: MIT */
/* Cases are done here, each step through the judges of the rig. */
#include "fuzz/draw.h"
#include "fuzz/test_case.h"

/* After each store and flush: some page, and at once again the one that was just flushed. */
static void load_between_stores(void)
{
    machine_speculate(draw_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
    if (draw(PAGING_TABLE_ENTRIES < 512 ? 20 : 2000) == 0)
        machine_fill_tlb();
}

/* Returns whether an operation of the core was called. */
static bool do_step(const struct operation *operation)
{
    if (!operation_can(operation))
        return false;
    struct draw_source before = draw_from(draw_source_of_seed(operation->meanwhile));
    machine_observe(operation->meanwhile ? load_between_stores : NULL);
    (void)operation_do(operation);
    machine_observe(NULL);
    (void)draw_from(before);
    return operation_is(operation, IS_CORES);
}

static void open_machine(const struct machine_options *options)
{
    struct machine_setup setup = {.levels = (unsigned)options->levels,
                                  .physical_bits = PAGING_PAGE_SHIFT + (unsigned)options->frame_bits,
                                  .no_execute = options->no_execute,
                                  .pages_1g = options->pages_1g,
                                  .invpcid = options->invpcid,
                                  .frames = (unsigned)options->frames,
                                  .by_direct_map = options->direct};
    if (options->several)
        rig_open_spaces_on(setup);
    else
        rig_open_on(setup);
    if (options->breaks)
        machine_break_huge();
}

/* Unmaps and destroys everything. Left are the active space's own tables, and a half that it shares. */
static void close_machine(void)
{
    if (rig.attached)
        assert_status(rig_detach(rig.active, rig.attached), PAGING_OK);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < RIG_SPACES; i++)
            if (rig.sides[i].space && &rig.sides[i] != rig.active)
                (void)rig_destroy(&rig.sides[i]); /* the owner of a shared half in the second round */
    rig.at = rig.active;
    if (rig.active->owns_shared_half)
        assert_status(rig_unshare_upper_half(rig.active), PAGING_OK);
    while (rig.at->model->count > 0) {
        const struct model_leaf *leaf = &rig.at->model->leaves[0];
        assert_status(rig_unmap_range(rig_address(leaf->page), paging_level_bytes(leaf->size)), PAGING_OK);
    }
    if (!rig.active->shared_owner)
        assert_int_equal(machine_frames_out(), rig.base_frames);
    (void)rig_close(NULL);
}

void case_draw(struct test_case *test, unsigned levels, enum case_life life)
{
    test->count = test->operations = 0;
    machine_options_draw(&test->options, levels, life);
    open_machine(&test->options);
    while (test->count < CASE_STEPS && !draw_is_over()) {
        operation_draw(&test->steps[test->count++]);
        test->operations += do_step(&test->steps[test->count - 1]);
    }
    close_machine();
}

void case_do(struct test_case *test)
{
    test->operations = 0;
    open_machine(&test->options);
    for (unsigned i = 0; i < test->count; i++)
        test->operations += do_step(&test->steps[i]);
    close_machine();
}
