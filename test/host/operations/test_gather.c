/* SPDX-License-Identifier: MIT */
/* Tests gathers: many calls, one flush, and nothing goes back before it. */
#include "rig/entries.h"
#include "rig/gather_program.h"
#include "rig/rig_internal.h"
#include <selfmap/for_each.h>
#include <selfmap/gather.h>
#include <selfmap/list.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

#define AT(n) (PLACE + (uint64_t)(n)*PAGING_PAGE_BYTES)

static struct paging_gather gather;

static void begin(void)
{
    memset(&gather, 0xa5, sizeof(gather));
    assert_status(paging_gather_begin(&gather, rig.at->space, machine_frames()), PAGING_OK);
    machine_reset_log();
}

static void unmap(uint64_t address)
{
    struct paging_unmapped unmapped;
    assert_status(paging_gather_unmap(&gather, rig_page(address), &unmapped), PAGING_OK);
}

static void map_owned(uint64_t address)
{
    machine_reset_log(); /* what the operation before has reserved is not for this one */
    assert_status(paging_map(&rig.space, rig_page(address), RW, machine_frames()), PAGING_OK);
}

/* Maps `count` owned pages, each the only one of its P1, and lets the processor load all of them. */
static void map_apart(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        map_owned(PLACE + i * 2 * MIB);
    machine_fill_tlb();
}

/* Until the end the processor still has the pages, and nobody else has their frames. */
static void one_flush_at_the_end(void **state)
{
    rig_open();
    map_apart(5);
    uint64_t frames[5];
    unsigned out = machine_frames_out();
    for (unsigned i = 0; i < 5; i++)
        frames[i] = rig_walk(PLACE + i * 2 * MIB).frame;
    begin();
    for (unsigned i = 0; i < 5; i++)
        unmap(PLACE + i * 2 * MIB);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_int_equal(machine_frames_out(), out);
    for (unsigned i = 0; i < 5; i++)
        assert_reads(PLACE + i * 2 * MIB, frames[i]);
    /* pages; and where there are windows, P1s and the tables above */
    assert_int_equal(gather.list.count, 5 + (rig_has_windows() ? 5 + rig.model.levels - 2 : 0));
    assert_true(gather.list.tables);
    paging_gather_end(&gather);
    for (unsigned i = 0; i < 5; i++)
        assert_refused(PLACE + i * 2 * MIB, WALK_READ, 0);
    assert_int_equal(machine_full_flushes(), 0);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

static void many_pages_are_one_full_flush(void **state)
{
    rig_open();
    assert_status(paging_map_range_alloc(&rig.space, (paging_virt_t){PLACE}, 64 * KIB, RW, machine_frames()),
                  PAGING_OK);
    map_apart(0);
    assert_status(paging_map_range(&rig.space, (paging_virt_t){AT(16)}, (paging_phys_t){DEVICE}, 80 * KIB, RW,
                                   machine_frames()),
                  PAGING_OK);
    machine_fill_tlb();
    map_owned(PLACE + 4 * MIB);
    begin();
    unmap(PLACE + 4 * MIB);
    unmap(AT(35));
    unmap(AT(34));
    assert_int_equal(gather.count, 2);
    for (unsigned i = 0; i < 33; i++)
        unmap(AT(i));
    assert_int_equal(gather.count, 2); /* in one P1 they wait as one range, also if it is not the first */
    unmap(AT(33));
    assert_int_equal(gather.count, 2);
    assert_true(paging_flush_list_is_all(&gather.list));
    paging_gather_end(&gather);
    assert_int_equal(machine_full_flushes(), 1);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

/* It remembers eight ranges. The ninth one makes it carry out those before. */
static void it_ends_early_by_itself(void **state)
{
    rig_open();
    map_apart(20);
    begin();
    for (unsigned i = 0; i < 8; i++)
        unmap(PLACE + i * 4 * MIB);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    unsigned out = machine_frames_out();
    unmap(PLACE + 8 * 4 * MIB);
    assert_int_equal(gather.count, 1);
    assert_int_equal(machine_flushes() + 32 * machine_full_flushes() > 0, 1);
    assert_int_equal(machine_frames_out(), out - 16);
    assert_refused(PLACE, WALK_READ, 0);
    unmap(PLACE + 2 * MIB);
    paging_gather_end(&gather);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 40 * MIB, machine_frames()),
                  PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

/* Whatever maps there, a marker too, is refused. */
static void mapping_is_refused(uint64_t address)
{
    paging_page_t page = rig_page(address);
    paging_frame_t frame = {DEVICE_FRAME};
    paging_virt_t start = {address};
    paging_phys_t to = {DEVICE};
    const uint64_t over = RW | PAGING_REPLACE_MARKER;
    struct paging_frame_source *frames = machine_frames();
    assert_status(paging_map_to(&rig.space, page, frame, RW, frames), PAGING_BUSY);
    assert_status(paging_map_to(&rig.space, page, frame, over, frames), PAGING_BUSY);
    assert_status(paging_map(&rig.space, page, RW, frames), PAGING_BUSY);
    assert_status(paging_map_owned(&rig.space, page, frame, PAGING_4K, RW, frames), PAGING_BUSY);
    assert_status(paging_map_list(&rig.space, &page, &frame, 1, over, frames), PAGING_BUSY);
    assert_status(paging_map_list_alloc(&rig.space, &page, 1, RW, frames), PAGING_BUSY);
    assert_status(paging_map_range(&rig.space, start, to, 4 * KIB, over, frames), PAGING_BUSY);
    assert_status(paging_map_range_alloc(&rig.space, start, 4 * KIB, RW, frames), PAGING_BUSY);
    assert_status(paging_set_marker(&rig.space, page, 5, frames), PAGING_BUSY);
}

/* So is whatever changes or removes one page or a list. */
static void changing_is_refused(uint64_t address)
{
    paging_page_t page = rig_page(address);
    paging_frame_t frame = {DEVICE_FRAME};
    struct paging_frame_source *frames = machine_frames();
    struct paging_unmapped unmapped;
    uint64_t value;
    assert_status(paging_clear_marker(&rig.space, page, frames, &value), PAGING_BUSY);
    assert_status(paging_unmap(&rig.space, page, frames, &unmapped), PAGING_BUSY);
    assert_status(paging_unmap_list(&rig.space, &page, 1, frames, NULL), PAGING_BUSY);
    assert_status(paging_remap(&rig.space, page, frame, RW, false, frames, NULL), PAGING_BUSY);
    assert_status(paging_protect(&rig.space, page, NX, 0), PAGING_BUSY);
    assert_status(paging_gather_unmap(&gather, page, &unmapped), PAGING_BUSY);
    assert_status(paging_gather_unmap_list(&gather, &page, 1, &unmapped), PAGING_BUSY);
    assert_status(paging_split(&rig.space, page, frames), PAGING_BUSY);
}

/* And whoever asks. */
static void asking_is_refused(uint64_t address)
{
    paging_page_t page = rig_page(address);
    struct paging_translation translation;
    struct paging_page_translation found;
    assert_status(paging_translate(&rig.space, (paging_virt_t){address}, &translation), PAGING_BUSY);
    assert_status(paging_translate_list(&rig.space, &page, 1, &found), PAGING_OK);
    assert_status(found.status, PAGING_BUSY);
}

/* Ranges pass over it. */
static void ranges_change_nothing(uint64_t address)
{
    paging_virt_t start = {address};
    assert_status(paging_protect_range(&rig.space, start, 4 * KIB, NX, 0, machine_frames()), PAGING_OK);
    assert_status(paging_merge_range(&rig.space, start, 4 * KIB, machine_frames()), PAGING_OK);
}

/* Three pages of one P1, a fourth stays. Nobody gets the three, nor what is below a P1 that went. */
static void what_waits_is_busy(void **state)
{
    const uint64_t waiting[] = {AT(0), AT(1), AT(3), PLACE + 2 * MIB + 4 * KIB};
    const paging_page_t listed = rig_page(AT(3));
    struct paging_translation translation;
    rig_open();
    assert_status(rig_map(AT(0), RW), PAGING_OK);
    assert_status(rig_map_to(AT(1), DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(AT(2), DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(AT(3), DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 2 * MIB, RW), PAGING_OK);
    begin();
    unmap(AT(0));
    assert_status(paging_gather_unmap_list(&gather, &listed, 1, NULL), PAGING_OK);
    assert_status(paging_gather_unmap_range(&gather, (paging_virt_t){AT(1)}, 4 * KIB), PAGING_OK);
    unmap(PLACE + 2 * MIB);
    for (unsigned i = 0; i < 4; i++) {
        machine_snapshot();
        mapping_is_refused(waiting[i]);
        changing_is_refused(waiting[i]);
        asking_is_refused(waiting[i]);
        ranges_change_nothing(waiting[i]);
        assert_true(machine_unchanged());
    }
    assert_status(paging_map_sized(&rig.space, rig_page(PLACE + 2 * MIB), (paging_frame_t){FRAME_2M},
                                   PAGING_2M, RW, machine_frames()),
                  PAGING_BUSY);
    assert_status(paging_translate(&rig.space, (paging_virt_t){AT(2)}, &translation), PAGING_OK);
    paging_gather_end(&gather);
    model_remove(&rig.model, rig_page(AT(0)).number);
    model_remove(&rig.model, rig_page(AT(1)).number);
    model_remove(&rig.model, listed.number);
    model_remove(&rig.model, rig_page(PLACE + 2 * MIB).number);
    assert_status(rig_map_to(AT(0), DEVICE_FRAME, RW), PAGING_OK);
}

/* ---- lists ---- */

/* Three pages from each of two P1s; a third page of each stays. */
static void list_of_two_tables(paging_page_t pages[4])
{
    for (unsigned i = 0; i < 6; i++)
        map_owned(PLACE + i / 3 * 2 * MIB + i % 3 * 4 * KIB);
    for (unsigned i = 0; i < 4; i++)
        pages[i] = rig_page(PLACE + i / 2 * 2 * MIB + i % 2 * 8 * KIB);
    machine_fill_tlb();
}

/* Two lists and a page, which lies between those of a list: one range for each P1, and one flush. */
static void lists_wait_together(void **state)
{
    paging_page_t pages[4];
    struct paging_unmapped unmapped[4];
    rig_open();
    list_of_two_tables(pages);
    unsigned out = machine_frames_out();
    begin();
    assert_status(paging_gather_unmap_list(&gather, pages, 2, unmapped), PAGING_OK);
    unmap(AT(1)); /* and with it the P1 */
    assert_status(paging_gather_unmap_list(&gather, pages + 2, 2, NULL), PAGING_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(unmapped[i].released);
        assert_int_equal(unmapped[i].flags & RW, RW);
        assert_reads(rig_address(pages[i].number), unmapped[i].frame.number);
    }
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_int_equal(machine_frames_out(), out);
    assert_int_equal(gather.count, 2);
    assert_int_equal(gather.list.count, 5 + rig_has_windows());
    paging_gather_end(&gather);
    assert_int_equal(machine_full_flushes(), 0);
    assert_int_equal(machine_frames_out(), out - 6);
    for (unsigned i = 0; i < 4; i++)
        assert_refused(rig_address(pages[i].number), WALK_READ, 0);
    assert_status(paging_unmap(&rig.space, rig_page(PLACE + 2 * MIB + 4 * KIB), machine_frames(), unmapped),
                  PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

/* The last page of a list is out of order, not there, or waits. */
static void a_list_goes_whole_or_not_at_all(void **state)
{
    paging_page_t pages[4];
    struct paging_unmapped unmapped[4];
    rig_open();
    list_of_two_tables(pages);
    begin();
    unmap(rig_address(pages[3].number));
    machine_snapshot();
    memset(unmapped, 0x5a, sizeof(unmapped));
    assert_status(paging_gather_unmap_list(&gather, pages, 4, unmapped), PAGING_BUSY);
    pages[3].number++;
    assert_status(paging_gather_unmap_list(&gather, pages, 4, unmapped), PAGING_NOT_MAPPED);
    pages[3] = pages[2];
    assert_status(paging_gather_unmap_list(&gather, pages, 4, unmapped), PAGING_UNSORTED);
    assert_status(paging_gather_unmap_list(&gather, pages, 0, unmapped), PAGING_OK);
    assert_true(machine_unchanged());
    assert_int_equal(gather.count, 1);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(unmapped[i].flags, 0x5a5a5a5a5a5a5a5a);
    paging_gather_end(&gather);
}

/* Mapping flushes nothing, and takes what does not wait. */
static void a_list_is_mapped_beside_what_waits(void **state)
{
    paging_page_t pages[4], free[] = {rig_page(AT(5)), rig_page(AT(7)), rig_page(PLACE + 4 * MIB)};
    const paging_frame_t to[] = {{DEVICE_FRAME}, {DEVICE_FRAME + 1}, {DEVICE_FRAME + 2}};
    rig_open();
    list_of_two_tables(pages);
    for (unsigned i = 0; i < 3; i++)
        machine_fill(to[i].number);
    begin();
    assert_status(paging_gather_unmap_list(&gather, pages, 4, NULL), PAGING_OK);
    machine_reset_log();
    assert_status(paging_map_list(&rig.space, free, to, 3, RW, machine_frames()), PAGING_OK);
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) /* of the scratch page */
        assert_true(model_is_scratch_slot(&rig.model, rig_page(machine_flushed(i)).number));
    for (unsigned i = 0; i < 3; i++)
        assert_reads(rig_address(free[i].number), to[i].number);
    paging_gather_end(&gather);
    for (unsigned i = 0; i < 3; i++)
        assert_reads(rig_address(free[i].number), to[i].number);
    assert_refused(rig_address(pages[3].number), WALK_READ, 0);
}

/* A list in nine P1s, of which eight can wait. */
static void a_long_list_ends_it_early(void **state)
{
    paging_page_t pages[9];
    rig_open();
    map_apart(9);
    unsigned out = machine_frames_out();
    for (unsigned i = 0; i < 9; i++)
        pages[i] = rig_page(PLACE + i * 2 * MIB);
    begin();
    assert_status(paging_gather_unmap_list(&gather, pages, 9, NULL), PAGING_OK);
    assert_int_equal(gather.count, 1);
    assert_int_equal(machine_frames_out(), out - 16);
    assert_refused(PLACE, WALK_READ, 0);
    paging_gather_end(&gather);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

/* Where spaces live through a direct map, an inactive one has a gather at any time. */
static void either_space_is_busy(struct paging_space *one, struct paging_space *other)
{
    struct paging_gather second;
    assert_status(paging_gather_begin(&second, other, machine_frames()), PAGING_OK);
    assert_status(paging_switch_to(one, other), PAGING_BUSY);
    assert_status(paging_destroy(other, machine_frames()), PAGING_BUSY);
    paging_gather_end(&second);
    assert_status(paging_switch_to(one, other), PAGING_OK);
    assert_status(paging_switch_to(other, one), PAGING_OK);
}

static void spaces_stay_as_they_are(void **state)
{
    rig_open_spaces();
    struct paging_space *one = rig.sides[0].space, *other;
    assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
    other = rig.sides[1].space;
    begin();
    machine_snapshot();
    struct paging_gather second;
    assert_status(paging_gather_begin(&second, one, machine_frames()), PAGING_BUSY);
    assert_status(paging_attach(one, other), PAGING_BUSY);
    assert_status(paging_switch_to(one, other), PAGING_BUSY);
    assert_status(paging_share_upper_half(one, machine_frames()), PAGING_BUSY);
    assert_true(machine_unchanged());
    if (rig_has_windows())
        assert_status(paging_gather_begin(&second, other, machine_frames()), PAGING_UNREACHABLE);
    paging_gather_end(&gather);
    if (!rig_has_windows()) {
        either_space_is_busy(one, other);
        return;
    }

    assert_status(rig_share_upper_half(&rig.sides[0]), PAGING_OK);
    assert_status(rig_attach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
    rig.at = &rig.sides[0];
    begin();
    assert_status(paging_detach(one, other), PAGING_BUSY);
    assert_status(paging_unshare_upper_half(one, machine_frames()), PAGING_BUSY);
    paging_gather_end(&gather);
    assert_status(paging_gather_begin(&second, other, machine_frames()), PAGING_OK);
    assert_status(paging_detach(one, other), PAGING_BUSY);
    paging_gather_end(&second);
    assert_status(rig_detach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
    paging_mark_inactive(other, machine_offset());
    assert_status(paging_gather_begin(&second, other, machine_frames()), PAGING_OK);
    assert_status(paging_destroy(other, machine_frames()), PAGING_BUSY);
    paging_gather_end(&second);
}

/* A page that waits is in the P1 from which somebody else takes the last page. */
static void a_table_that_goes_ends_it(void **state)
{
    struct paging_unmapped unmapped;
    rig_open();
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 2; i++)
            map_owned(AT(i));
        machine_fill_tlb();
        begin();
        unmap(AT(0));
        paging_page_t page = rig_page(AT(1));
        if (round == 0)
            assert_status(paging_unmap(&rig.space, page, machine_frames(), &unmapped), PAGING_OK);
        if (round == 1)
            assert_status(paging_unmap_list(&rig.space, &page, 1, machine_frames(), NULL), PAGING_OK);
        if (round == 2)
            assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 2 * GIB, machine_frames()),
                          PAGING_OK);
        if (round == 3)
            unmap(AT(1));
        if (round == 4) {
            assert_status(paging_move_range(&rig.space, (paging_virt_t){PLACE},
                                            (paging_virt_t){PLACE + 8 * MIB}, 2 * MIB, machine_frames()),
                          PAGING_OK);
            map_owned(PLACE + 8 * MIB); /* nothing waits there */
            assert_status(
                paging_unmap_range(&rig.space, (paging_virt_t){PLACE + 8 * MIB}, 2 * MIB, machine_frames()),
                PAGING_OK);
        }
        if (round != 3)
            assert_int_equal(machine_frames_out(), rig.base_frames);
        paging_gather_end(&gather);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        rig_check();
    }
}

/* What the processor has loaded as writable it may write until the end. */
static void rights_change_at_the_end(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE, 32 * KIB, RW), PAGING_OK);
    machine_fill_tlb();
    begin();
    for (unsigned i = 0; i < 8; i++)
        assert_status(paging_gather_protect_range(&gather, (paging_virt_t){AT(i)}, 4 * KIB, 0, RW),
                      PAGING_OK);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_int_equal(gather.list.count, 8);
    assert_false(gather.list.tables);
    paging_gather_end(&gather);
    assert_int_equal(machine_flushes(), 8);
    for (unsigned i = 0; i < 8; i++)
        assert_refused(AT(i), WALK_WRITE, WALK_WRITE | 1);
}

static enum paging_visit count_kinds(void *context, const struct paging_entry_info *info)
{
    ((unsigned *)context)[info->kind]++;
    return PAGING_VISIT_NEXT;
}

static void shown_as_what_it_is(void **state)
{
    unsigned kinds[8] = {0};
    struct paging_stats stats;
    rig_open();
    assert_status(rig_map(AT(0), RW), PAGING_OK);
    assert_status(rig_map(AT(1), RW), PAGING_OK);
    assert_status(rig_set_marker(AT(2), 5), PAGING_OK);
    begin();
    unmap(AT(0));
    assert_status(paging_for_each(&rig.space, count_kinds, kinds), PAGING_OK);
    assert_int_equal(kinds[PAGING_KIND_DETACHED], 1);
    assert_int_equal(kinds[PAGING_KIND_MARKER], 1);
    assert_int_equal(kinds[PAGING_KIND_LEAF], 1);
    assert_status(paging_count(&rig.space, &stats), PAGING_OK);
    assert_int_equal(stats.markers, 1);
    paging_gather_end(&gather);
}

/* The judge compares each step with the map (rig_gather.c). */
static void any_steps(void **state)
{
    rig_open_large();
    assert_status(rig_map_range_alloc(PLACE + MIB, 3 * MIB, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    uint64_t program = gather_program((uint64_t)PAGING_INDEX_BITS << 56, 0, GATHER_UNMAP, 2);
    program = gather_program(program, 1, GATHER_UNMAP_RANGE, 1);
    program = gather_program(program, 2, OUTSIDE_MAP_TO, 1);
    program = gather_program(program, 3, GATHER_PROTECT_RANGE, 0);
    program = gather_program(program, 4, OUTSIDE_UNMAP_RANGE, 0);
    program = gather_program(program, 5, GATHER_UNMAP_RANGE, 0);
    assert_status(rig_gather(PLACE, 2 * MIB - 4 * KIB, program), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 8 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static void nothing_is_flushed_by_direct_map(void **state)
{
    rig_open();
    map_apart(3);
    paging_mark_inactive(&rig.space, machine_offset());
    machine_flush_all();
    begin();
    unmap(PLACE);
    assert_status(paging_gather_unmap_range(&gather, (paging_virt_t){PLACE}, 4 * MIB), PAGING_OK);
    paging_gather_end(&gather);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 8 * MIB, machine_frames()),
                  PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("gather: one flush at the end, and only then frames go back", one_flush_at_the_end),
    RIG_TEST("gather: of many pages one full flush", many_pages_are_one_full_flush),
    RIG_TEST("gather: with too many ranges it ends early by itself", it_ends_early_by_itself),
    RIG_TEST("gather: what waits is busy", what_waits_is_busy),
    RIG_TEST("gather: lists wait together with pages, for one flush", lists_wait_together),
    RIG_TEST("gather: a list goes whole or not at all", a_list_goes_whole_or_not_at_all),
    RIG_TEST("gather: a list is mapped beside what waits", a_list_is_mapped_beside_what_waits),
    RIG_TEST("gather: a list with too many tables ends it early", a_long_list_ends_it_early),
    RIG_TEST("gather: spaces stay as they are", spaces_stay_as_they_are),
    RIG_TEST("gather: a table that goes ends it", a_table_that_goes_ends_it),
    RIG_TEST("gather: rights change at the end", rights_change_at_the_end),
    RIG_TEST("gather: what waits is shown as what it is", shown_as_what_it_is),
    RIG_TEST("gather: any steps agree with the map", any_steps),
    RIG_TEST("gather: by direct map nothing is flushed", nothing_is_flushed_by_direct_map),
};

RIG_MAIN("gather", tests)
