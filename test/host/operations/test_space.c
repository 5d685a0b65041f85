/* SPDX-License-Identifier: MIT */
/* Tests create, mark_active, mark_inactive and destroy: every frame goes back, and nothing else changes. */
#include "rig/entries.h"
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

#define DEVICE (DEVICE_FRAME * PAGING_PAGE_BYTES)

static struct paging_cpu cpu(void)
{
    return (struct paging_cpu){
        .levels = rig_levels, .physical_bits = 46, .has_no_execute = true, .has_1g_pages = true};
}

/* Returns the source for one more operation: what earlier ones were promised no longer counts. */
static struct paging_frame_source *frames(void)
{
    machine_begin_operation(NULL);
    return machine_frames();
}

/* Opens a machine without an active space. */
static void open_machine(void)
{
    struct machine_setup setup = rig_setup();
    machine_open(&setup);
}

static struct paging_space create(void)
{
    struct paging_space space;
    memset(&space, 0xa5, sizeof(space));
    machine_begin_operation(&space); /* the source is told this address */
    assert_status(rig_create(&space, cpu(), machine_frames()), PAGING_OK);
    machine_end_operation();
    return space;
}

static void destroy(struct paging_space *space)
{
    machine_reset_log();
    assert_status(paging_destroy(space, frames()), PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    static const struct paging_space none;
    assert_same_space(space, &none);
}

static paging_page_t page_at(uint64_t address)
{
    paging_page_t page = {0};
    assert_status(paging_page_containing(rig_levels, (paging_virt_t){address}, &page), PAGING_OK);
    return page;
}

/* Walks to the address in a space that need not be active. */
static struct walk walk_in(const struct paging_space *space, uint64_t address)
{
    struct walker walker = *machine_walker();
    walker.root = space->root.number;
    return walker_walk(&walker, NULL, address, WALK_READ, false);
}

static void assert_leads(const struct paging_space *space, uint64_t address, uint64_t frame)
{
    struct walk walk = walk_in(space, address);
    assert_false(walk.faulted);
    assert_int_equal(walk.frame, frame);
}

/* ---- what can be in a space ---- */

/* A huge page from the source, of which only the OWNED bit says so. */
static void map_owned_huge(struct paging_space *space, uint64_t address, enum paging_size size)
{
    paging_frame_t frame;
    struct paging_frame_source *source = frames();
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, size, &frame));
    assert_status(paging_map_sized(space, page_at(address), frame, size, RW, source), PAGING_OK);
    *entry_below(space->root.number, address, size) |= PAGING_OWNED;
}

static void fill_with_nothing(struct paging_space *space)
{
    (void)space;
}

static void fill_with_device(struct paging_space *space)
{
    assert_status(paging_map_to(space, page_at(PLACE), (paging_frame_t){DEVICE_FRAME}, RW, frames()),
                  PAGING_OK);
    assert_status(paging_map_range(space, (paging_virt_t){PLACE + 2 * MIB - 16 * KIB},
                                   (paging_phys_t){FRAME_2M * PAGING_PAGE_BYTES - 16 * KIB}, GIB, NX,
                                   frames()),
                  PAGING_OK);
}

static void fill_with_owned(struct paging_space *space)
{
    static const uint64_t places[] = {0, 4 * KIB, 2 * MIB, GIB, SLOT_BYTES, 2 * SLOT_BYTES - 4 * KIB};
    for (unsigned i = 0; i < 6; i++)
        assert_status(paging_map(space, page_at(PLACE + places[i]), RW, frames()), PAGING_OK);
    uint64_t upper =
        walker_canonical(machine_walker(), paging_level_bytes(rig_levels) * (PAGING_TABLE_ENTRIES / 2));
    assert_status(paging_map(space, page_at(upper), PAGING_GLOBAL, frames()), PAGING_OK);
}

static void fill_with_huge(struct paging_space *space)
{
    assert_status(
        paging_map_sized(space, page_at(PLACE), (paging_frame_t){FRAME_2M}, PAGING_2M, RW, frames()),
        PAGING_OK);
    assert_status(
        paging_map_sized(space, page_at(PLACE + GIB), (paging_frame_t){FRAME_1G}, PAGING_1G, RW, frames()),
        PAGING_OK);
    map_owned_huge(space, PLACE + 2 * MIB, PAGING_2M);
    map_owned_huge(space, PLACE + 4 * MIB, PAGING_2M);
    map_owned_huge(space, PLACE + 2 * GIB, PAGING_1G);
}

/* The markers have all bits that mean something in a leaf or in the entry of a table. */
static void fill_with_markers(struct paging_space *space)
{
    for (unsigned i = 0; i < 43; i++)
        assert_status(paging_set_marker(space, page_at(PLACE + i * 4 * KIB), (uint64_t)1 << i, frames()),
                      PAGING_OK);
    assert_status(paging_set_marker(space, page_at(PLACE + GIB), PAGING_MARKER_LIMIT, frames()), PAGING_OK);
    *entry_below(space->root.number, PLACE + 2 * MIB, 2) = ~(uint64_t)1;
}

static void fill_with_split_and_cut(struct paging_space *space)
{
    fill_with_device(space);
    assert_status(paging_split(space, page_at(PLACE + 2 * MIB), frames()), PAGING_OK);
    assert_status(paging_unmap_range(space, (paging_virt_t){PLACE + 8 * MIB + 4 * KIB}, 64 * KIB, frames()),
                  PAGING_OK);
}

static void (*const contents[])(struct paging_space *space) = {
    fill_with_nothing, fill_with_device,  fill_with_owned,
    fill_with_huge,    fill_with_markers, fill_with_split_and_cut,
};
#define CONTENTS (sizeof(contents) / sizeof(contents[0]))

/* ---- tests ---- */

static void gives_every_frame_back(void **state)
{
    open_machine();
    for (unsigned i = 0; i < CONTENTS; i++)
        for (unsigned round = 0; round < 2; round++) {
            struct paging_space space = create();
            assert_int_equal(machine_frames_out(), rig_own_tables());
            assert_int_equal(paging_counted(&space).tables, rig_own_tables());
            contents[i](&space);
            destroy(&space);
            assert_int_equal(machine_frames_out(), 0);
        }
}

/* The processor caches everything of the space first. Then another root is loaded. */
static void active_inactive_destroyed(void **state)
{
    open_machine();
    struct paging_space other = create();
    for (unsigned i = 0; i < CONTENTS; i++) {
        unsigned out = machine_frames_out();
        struct paging_space space = create();
        machine_load_cr3(space.root.number);
        paging_mark_active(&space);
        contents[i](&space);
        machine_fill_tlb();
        machine_load_cr3(other.root.number);
        machine_flush_all();                             /* global pages too */
        paging_mark_inactive(&space, PAGING_PAGE_BYTES); /* whatever the caller claims */
        assert_int_equal(space.offset, PAGING_PAGE_BYTES);
        paging_mark_inactive(&space, machine_offset());
        destroy(&space);
        assert_int_equal(machine_frames_out(), out);
    }
    destroy(&other);
    assert_int_equal(machine_frames_out(), 0);
}

static void active_is_not_destroyed(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    machine_fill_tlb();
    machine_snapshot();
    machine_reset_log();
    struct paging_space before = rig.space;
    unsigned out = machine_frames_out();
    assert_status(paging_destroy(&rig.space, frames()), PAGING_ACTIVE);
    assert_true(machine_unchanged());
    assert_int_equal(machine_frames_out(), out);
    assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    assert_same_space(&rig.space, &before);
    rig_check();
}

/* Frames have any content. Here it looks like entries that are present, huge, or point to themselves. */
static void junk_does_not_matter(void **state)
{
    static const uint64_t junk[] = {~(uint64_t)0, 1, PAGING_PRESENT | PAGING_OWNED | 0x200000,
                                    PAGING_PRESENT | RW | 0x100000, 0xc3};
    open_machine();
    paging_frame_t all[MACHINE_FRAMES];
    for (unsigned i = 0; i < 5; i++) {
        unsigned count = 0;
        while (machine_take(PAGING_FRAME_FOR_TABLE, PAGING_4K, &all[count]))
            count++;
        while (count > 0) {
            uint64_t number = all[--count].number;
            machine_give(PAGING_FRAME_FOR_TABLE, PAGING_4K, all[count]);
            for (unsigned word = 0; word < PAGING_TABLE_ENTRIES; word++)
                machine_frame(number)[word] = junk[i];
        }
        struct paging_space space = create();
        unsigned used = 0;
        for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++)
            used += machine_frame(space.root.number)[slot] != 0;
        assert_int_equal(used, rig_by_direct_map ? 0 : 2); /* the recursive and the scratch slot */
        fill_with_owned(&space);
        assert_true(walk_in(&space, PLACE + 8 * KIB).faulted);
        destroy(&space);
        assert_int_equal(machine_frames_out(), 0);
    }
}

static void assert_not_created(struct paging_cpu cpu, enum paging_status expected)
{
    struct paging_space space, before;
    memset(&space, 0x5a, sizeof(space));
    memcpy(&before, &space, sizeof(space));
    unsigned out = machine_frames_out();
    assert_status(rig_create(&space, cpu, frames()), expected);
    assert_same_space(&space, &before);
    assert_int_equal(machine_frames_out(), out);
}

static void create_out_of_frames(void **state)
{
    open_machine();
    for (unsigned left = 0; left < rig_own_tables(); left++) {
        machine_limit_frames(left);
        assert_not_created(cpu(), PAGING_NO_FRAMES);
    }
    machine_limit_frames(rig_own_tables());
    struct paging_space space = create();
    assert_int_equal(machine_frames_left(), 0);
    destroy(&space);
    assert_int_equal(machine_frames_out(), 0);
}

static void create_refuses(void **state)
{
    open_machine();
    struct paging_cpu bad = cpu();
    for (bad.levels = 0; bad.levels < 9; bad.levels++)
        if (bad.levels != 4 && bad.levels != 5)
            assert_not_created(bad, PAGING_NOT_SUPPORTED);
    static const unsigned bits[] = {0, 11, 12, 53, 64, ~0u};
    for (unsigned i = 0; i < 6; i++) {
        bad = cpu();
        bad.physical_bits = bits[i];
        assert_not_created(bad, PAGING_NOT_SUPPORTED);
    }
    for (unsigned good = 21; good <= 52; good += 31) {
        struct paging_cpu fits = cpu();
        fits.physical_bits = good;
        struct paging_space space;
        assert_status(rig_create(&space, fits, frames()), PAGING_OK);
        destroy(&space);
    }
}

/* Both by direct map, with the same addresses. No frame of one changes when the other changes. */
static void two_side_by_side(void **state)
{
    open_machine();
    struct paging_space one = create(), two = create();
    fill_with_device(&one);
    struct paging_unmapped unmapped;
    for (unsigned i = 0; i < 4; i++) {
        paging_page_t page = page_at(PLACE + i * 4 * KIB + 4 * MIB + 2 * SLOT_BYTES);
        assert_status(paging_map_to(&one, page, (paging_frame_t){DEVICE_FRAME + i}, RW, frames()), PAGING_OK);
        assert_status(paging_map_to(&two, page, (paging_frame_t){DEVICE_FRAME + 8 + i}, RW, frames()),
                      PAGING_OK);
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t address = PLACE + i * 4 * KIB + 4 * MIB + 2 * SLOT_BYTES;
        assert_leads(&one, address, DEVICE_FRAME + i);
        assert_leads(&two, address, DEVICE_FRAME + 8 + i);
        assert_status(paging_unmap(&one, page_at(address), frames(), &unmapped), PAGING_OK);
        assert_int_equal(unmapped.frame.number, DEVICE_FRAME + i);
        assert_true(walk_in(&one, address).faulted);
        assert_leads(&two, address, DEVICE_FRAME + 8 + i);
    }
    assert_true(walk_in(&two, PLACE).faulted);
    unsigned of_two = (unsigned)paging_counted(&two).tables;
    destroy(&one);
    assert_int_equal(machine_frames_out(), of_two);
    assert_leads(&two, PLACE + 4 * MIB + 2 * SLOT_BYTES, DEVICE_FRAME + 8);
    destroy(&two);
    assert_int_equal(machine_frames_out(), 0);
}

/* Another space is created, filled and destroyed while the rig's is active. */
static void next_to_an_active_one(void **state)
{
    rig_open();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    machine_fill_tlb();
    for (unsigned i = 0; i < CONTENTS; i++) {
        machine_reset_log();
        struct paging_space space = create();
        contents[i](&space);
        assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
        destroy(&space);
        rig_check();
        assert_allowed(PLACE, WALK_WRITE);
    }
}

static void make_inactive(struct paging_space *other)
{
    machine_load_cr3(other->root.number);
    machine_flush_all();
    paging_mark_inactive(&rig.space, machine_offset());
}

static void make_active(void)
{
    machine_load_cr3(rig.space.root.number);
    paging_mark_active(&rig.space);
}

/* The judged operations work while the space is active, plain calls while it is not. */
static void back_and_forth(void **state)
{
    rig_open();
    machine_fill(DEVICE_FRAME);
    for (unsigned round = 0; round < 5; round++) {
        uint64_t address = PLACE + round * 2 * MIB;
        assert_status(rig_map(address, RW), PAGING_OK);
        machine_fill_tlb();
        struct paging_space other = create();
        uint64_t flushes = paging_counted(&rig.space).flushes;
        make_inactive(&other);
        assert_status(paging_map_to(&rig.space, rig_page(address + 4 * KIB), (paging_frame_t){DEVICE_FRAME},
                                    RW, frames()),
                      PAGING_OK);
        model_add(&rig.model,
                  (struct model_leaf){rig_page(address + 4 * KIB).number, DEVICE_FRAME, 1, RW, false, 0});
        assert_int_equal(paging_counted(&rig.space).flushes, flushes);
        assert_int_equal(paging_counted(&rig.space).full_flushes, 0);
        machine_fill_tlb();
        make_active();
        destroy(&other);
        rig_check();
        assert_reads(address + 4 * KIB, DEVICE_FRAME);
        assert_allowed(address, WALK_WRITE);
        assert_status(rig_unmap(round & 1 ? address : address + 4 * KIB), PAGING_OK);
    }
    struct paging_space other = create();
    make_inactive(&other);
    destroy(&rig.space);
    destroy(&other);
    assert_int_equal(machine_frames_out(), 0);
}

/* The struct may be copied and moved: it does not contain its own address. */
static void the_struct_moves(void **state)
{
    rig_open();
    struct paging_space moved = rig.space;
    memset(&rig.space, 0xff, sizeof(rig.space));
    assert_status(paging_map_to(&moved, rig_page(PLACE), (paging_frame_t){DEVICE_FRAME}, RW, frames()),
                  PAGING_OK);
    model_add(&rig.model, (struct model_leaf){rig_page(PLACE).number, DEVICE_FRAME, 1, RW, false, 0});
    rig.space = moved;
    rig_check();
}

/* The root was loaded by hand, while another space was attached to the first one. */
static void still_attached(void **state)
{
    rig_open();
    struct paging_space open, next;
    assert_status(paging_create_sibling(&open, &rig.space, frames()), PAGING_OK);
    assert_status(paging_create_sibling(&next, &rig.space, frames()), PAGING_OK);
    assert_status(paging_attach(&rig.space, &open), PAGING_OK);
    make_inactive(&next);
    assert_status(paging_destroy(&rig.space, frames()), PAGING_SLOT_BUSY);
    assert_true(machine_frame_is_out(open.root.number));
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("space: create and destroy give every frame back", gives_every_frame_back),
    RIG_TEST("space: active, inactive, destroyed", active_inactive_destroyed),
    RIG_TEST("space: destroying the active one is refused and changes nothing", active_is_not_destroyed),
    RIG_TEST("space: the content of free frames does not matter", junk_does_not_matter),
    RIG_TEST("space: create out of frames leaks nothing", create_out_of_frames),
    RIG_TEST("space: a processor that does not exist is refused", create_refuses),
    RIG_TEST("space: two side by side", two_side_by_side),
    RIG_TEST("space: others come and go next to the active one", next_to_an_active_one),
    RIG_TEST("space: active and inactive by turns", back_and_forth),
    RIG_TEST("space: the struct can be moved", the_struct_moves),
    RIG_RECURSIVE_TEST("destroy: a space to which another one is still attached is refused", still_attached),
};

RIG_MAIN("space", tests)
