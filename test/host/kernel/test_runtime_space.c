/* SPDX-License-Identifier: MIT */
/*
 * runtime_space: the firmware's memory is mapped in a space of its own, with the rights it needs, and nowhere
 * else; what is ours is mapped in both. On the emulated machine, with the core as it is.
 */
#include "kernel/boot/runtime_space.h"
#include "kernel/boot/stack_guards.h"
#include "kernel/cpu/descriptors.h"
#include "rig/rig.h"
#include <selfmap/for_each.h>
#include <selfmap/switch.h>
#include <stdio.h>
#include <string.h>

static struct handoff handoff;
static struct memory_region memory[8];
static size_t memory_count;

const struct paging_space *exceptions_set_active_space(const struct paging_space *active)
{
    return active;
}

/* Of the first stacks the guard page lies in the image's data, of the others elsewhere. */
struct guarded_stack descriptors_stack(unsigned number)
{
    return (struct guarded_stack){.name = "", .guard = (0x3005 + 0x100 * number) * PAGING_PAGE_BYTES};
}

static void region(uint64_t start, uint64_t end, uint64_t flags, bool for_runtime, bool until_exit)
{
    handoff.regions[handoff.region_count++] = (struct handoff_region){
        "a region", {start}, {end}, flags, .for_runtime = for_runtime, .until_exit = until_exit};
}

static void descriptor(uint64_t start, uint64_t end, enum memory_kind kind, enum memory_needs needs)
{
    memory[memory_count++] = (struct memory_region){{start}, {end}, 0, kind, needs};
}

static void map_identity(struct paging_space *space, uint64_t start, uint64_t end, uint64_t flags)
{
    enum paging_status status =
        paging_identity_map_range(space, (paging_phys_t){start * PAGING_PAGE_BYTES},
                                  (end - start) * PAGING_PAGE_BYTES, flags, machine_frames());
    assert_true(status == PAGING_OK || status == PAGING_ALREADY_MAPPED);
}

/* Maps the regions as the loader does. They may not overlap. */
static void map_regions(void)
{
    for (unsigned i = 0; i < handoff.region_count; i++)
        map_identity(&rig.space, handoff.regions[i].start.number, handoff.regions[i].end.number,
                     handoff.regions[i].flags);
}

static enum paging_status make(void)
{
    return runtime_space_make(&handoff, &rig.space, memory_count, machine_frames());
}

/* Image and stack around what the firmware needs; code of the firmware's that can be written. */
static void begin(void)
{
    rig_open_spaces();
    handoff = (struct handoff){.memory = memory};
    memory_count = 0;
    region(0x3000, 0x3004, 0, false, false);
    region(0x3004, 0x3008, RW | NX, false, false);
    region(0x3008, 0x3009, NX, false, true);
    region(0x3009, 0x3020, RW, true, false);
    descriptor(0x3000, 0x3009, MEMORY_OWN, MEMORY_NEEDS_NOTHING);
    descriptor(0x3009, 0x3020, MEMORY_RUNTIME_CODE, MEMORY_NEEDS_CODE);
}

/* Returns the flags of a page that leads to itself, of those that matter; or ~0 if it is not mapped. */
static uint64_t flags_in(const struct paging_space *space, uint64_t frame)
{
    struct paging_translation found;
    paging_virt_t address = {frame * PAGING_PAGE_BYTES};
    if (paging_translate(space, address, &found) != PAGING_OK)
        return UINT64_MAX;
    assert_int_equal(found.address.value, address.value);
    return found.flags & (RW | NX | US | PAGING_CACHE_FLAGS);
}

#define NOT_MAPPED UINT64_MAX

static void the_firmwares_memory_moves(void **state)
{
    (void)state;
    begin();
    map_regions();
    assert_null(runtime_space());
    assert_status(make(), PAGING_OK);
    struct paging_space *runtime = runtime_space();
    assert_non_null(runtime);
    assert_int_equal(runtime->mode, PAGING_MODE_UNREACHABLE);
    assert_status(paging_attach(&rig.space, runtime), PAGING_OK);
    static const struct {
        uint64_t frame, active, runtime;
    } pages[] = {{0x3000, 0, 0},
                 {0x3003, 0, 0},
                 {0x3004, RW | NX, RW | NX},
                 {0x3005, RW | NX, NOT_MAPPED}, /* a guard page, which the active space has not lost here */
                 {0x3006, RW | NX, RW | NX},
                 {0x3007, RW | NX, RW | NX},
                 {0x3008, NOT_MAPPED, NOT_MAPPED},
                 {0x3009, NOT_MAPPED, RW},
                 {0x301f, NOT_MAPPED, RW},
                 {0x3020, NOT_MAPPED, NOT_MAPPED}};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        assert_int_equal(flags_in(&rig.space, pages[i].frame), pages[i].active);
        assert_int_equal(flags_in(runtime, pages[i].frame), pages[i].runtime);
    }
    assert_status(paging_detach(&rig.space, runtime), PAGING_OK);
}

/* A screen in the middle of registers that runtime services need: it stays mapped, with its own flags. */
static void what_is_ours_stays_where_both_need_it(void **state)
{
    (void)state;
    begin();
    region(0x3030, 0x3034, RW | NX | PAGING_CACHE_WRITE_COMBINING, false, false);
    region(0x3034, 0x3036, RW | NX | PAGING_CACHE_UNCACHED_MINUS, false, false);
    descriptor(0x302e, 0x3038, MEMORY_MMIO, MEMORY_NEEDS_UNCACHED_DATA);
    map_regions();
    map_identity(&rig.space, 0x302e, 0x3030, RW | NX); /* late: only the last map has it */
    map_identity(&rig.space, 0x3036, 0x3038, RW | NX);
    assert_status(make(), PAGING_OK);
    assert_status(paging_attach(&rig.space, runtime_space()), PAGING_OK);
    for (uint64_t frame = 0x302e; frame < 0x3038; frame++) {
        bool ours = frame >= 0x3030 && frame < 0x3036;
        uint64_t flags =
            RW | NX | (frame < 0x3034 ? PAGING_CACHE_WRITE_COMBINING : PAGING_CACHE_UNCACHED_MINUS);
        assert_int_equal(flags_in(&rig.space, frame), ours ? flags : NOT_MAPPED);
        if (ours)
            assert_int_equal(flags_in(runtime_space(), frame), flags);
        else
            assert_true(flags_in(runtime_space(), frame) != NOT_MAPPED);
    }
    assert_status(paging_detach(&rig.space, runtime_space()), PAGING_OK);
}

/* Memory that is ours is not the firmware's, though the map says that runtime services need it. */
static void own_memory_is_not_the_firmwares(void **state)
{
    (void)state;
    begin();
    descriptor(0x3040, 0x3042, MEMORY_OWN, MEMORY_NEEDS_DATA);
    map_regions();
    map_identity(&rig.space, 0x3041, 0x3042, RW | NX);
    assert_status(make(), PAGING_OK);
    assert_status(paging_attach(&rig.space, runtime_space()), PAGING_OK);
    assert_int_equal(flags_in(&rig.space, 0x3041), RW | NX);
    assert_int_equal(flags_in(runtime_space(), 0x3040), NOT_MAPPED);
    assert_status(paging_detach(&rig.space, runtime_space()), PAGING_OK);
}

static void without_no_execute(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    begin();
    rig_close(state);
    setup.no_execute = false;
    rig_open_spaces_on(setup);
    for (unsigned i = 0; i < handoff.region_count; i++)
        map_identity(&rig.space, handoff.regions[i].start.number, handoff.regions[i].end.number,
                     handoff.regions[i].flags & ~NX);
    assert_status(make(), PAGING_OK);
    assert_status(paging_attach(&rig.space, runtime_space()), PAGING_OK);
    assert_int_equal(flags_in(runtime_space(), 0x3004), RW);
    assert_status(paging_detach(&rig.space, runtime_space()), PAGING_OK);
}

/* ---- guard pages ---- */

/* In a huge page or not: just that page goes, and once more changes nothing. */
static void guard_pages_are_unmapped(void **state)
{
    (void)state;
    rig_open_large();
    map_identity(&rig.space, 0x3000, 0x3000 + 2 * 512, RW | NX);
    for (unsigned round = 0; round < 2; round++) {
        assert_status(stack_guards_unmap(&rig.space, machine_frames()), PAGING_OK);
        for (uint64_t frame = 0x3000; frame < 0x3000 + 2 * 512; frame++) {
            uint64_t number = (frame - 0x3005) / 0x100;
            bool is_guard = frame % 0x100 == 5 && number < DESCRIPTORS_STACKS;
            assert_int_equal(flags_in(&rig.space, frame), is_guard ? NOT_MAPPED : RW | NX);
        }
    }
}

/* ---- which runs are released ---- */

static char released[512];

static void write_down(void *context, struct frame_run run, bool for_runtime)
{
    size_t length = strlen(released);
    assert_ptr_equal(context, &handoff);
    snprintf(released + length, sizeof released - length, "%lx..%lx%s ", run.start, run.end,
             for_runtime ? "" : " loader");
}

static const char *released_runs(void)
{
    released[0] = '\0';
    runtime_space_for_each_released(&handoff, memory_count, write_down, &handoff);
    return released;
}

static void runs_are_cut_around_what_is_kept(void **state)
{
    (void)state;
    handoff = (struct handoff){.memory = memory};
    memory_count = 0;
    region(10, 20, 0, true, false);
    assert_string_equal(released_runs(), "a..14 ");
    region(11, 12, 0, false, false); /* over the start, in two that touch, the second one first */
    region(8, 11, 0, false, false);
    region(19, 25, 0, false, false); /* over the end */
    region(15, 16, 0, false, false); /* in the middle */
    region(14, 15, 0, false, true);  /* not kept: nobody needs it after the exit */
    assert_string_equal(released_runs(), "c..f 10..13 e..f loader ");
    descriptor(0, 13, MEMORY_RUNTIME_DATA, MEMORY_NEEDS_DATA);
    descriptor(12, 40, MEMORY_RUNTIME_DATA, MEMORY_NEEDS_NOTHING);
    assert_string_equal(released_runs(), "c..f 10..13 e..f loader 0..8 c..d ");
    region(0, 40, 0, false, false);
    assert_string_equal(released_runs(), "");
}

/* ---- out of frames ---- */

/* With too few frames the space is not made, wherever they run out, and then nothing is unmapped. */
static void out_of_frames_nothing_is_unmapped(void **state)
{
    struct machine_setup setup = rig_setup();
    unsigned used, needed;
    begin();
    map_regions();
    used = (unsigned)paging_counted(&rig.space).tables;
    needed = used; /* the other space takes as many tables */
    rig_close(state);
    for (setup.frames = used; setup.frames < used + needed; setup.frames++) {
        rig_open_on(setup);
        map_regions();
        assert_status(make(), PAGING_NO_FRAMES);
        assert_null(runtime_space());
        assert_int_equal(flags_in(&rig.space, 0x3009), RW);
        assert_int_equal(flags_in(&rig.space, 0x3008), NX);
        rig_close(state);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_RECURSIVE_TEST("runtime space: out of frames, nothing is unmapped",
                       out_of_frames_nothing_is_unmapped),
    RIG_RECURSIVE_TEST("runtime space: the firmware's memory is mapped there, and nowhere else",
                       the_firmwares_memory_moves),
    RIG_RECURSIVE_TEST("runtime space: what is ours stays mapped where both need it",
                       what_is_ours_stays_where_both_need_it),
    RIG_RECURSIVE_TEST("runtime space: memory of ours is not the firmware's",
                       own_memory_is_not_the_firmwares),
    RIG_RECURSIVE_TEST("runtime space: without no-execute", without_no_execute),
    RIG_RECURSIVE_TEST("stack guards: just the pages below the stacks are unmapped",
                       guard_pages_are_unmapped),
    RIG_RECURSIVE_TEST("runtime space: runs are cut around what is kept", runs_are_cut_around_what_is_kept),
};

RIG_MAIN("runtime_space", tests)
