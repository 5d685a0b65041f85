/* SPDX-License-Identifier: MIT */
/* Tests attach and detach: an attached space changes through the alternate slot, and nothing else does. */
#include "rig/entries.h"
#include "rig/judge_for_each.h"
#include "rig/page_list.h"
#include "rig/rig_internal.h"
#include <selfmap/check_access.h>
#include <selfmap/guarded_load.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

#define DEVICE_2M (FRAME_2M * PAGING_PAGE_BYTES)

static struct rig_side *const home = &rig.sides[0], *const other = &rig.sides[1],
                              *const third = &rig.sides[2];

/* The active space has a page where the attached one will have pages too. */
static void open_attached(void)
{
    rig_open_spaces();
    machine_fill(FRAME_2M);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_attach(home, other), PAGING_OK);
    machine_fill_tlb();
}

/* Detached and destroyed, it gives everything back. */
static void close_and_destroy(void)
{
    unsigned out = machine_frames_out();
    assert_status(rig_detach(home, other), PAGING_OK);
    assert_status(rig_destroy(other), PAGING_OK);
    assert_true(machine_frames_out() < out);
    assert_int_equal(machine_frames_out(),
                     paging_counted(home->space).tables + model_owned_frames(home->model));
}

/* ---- the memory of the active space ---- */

static struct saved_tables {
    unsigned count;
    uint64_t frames[64];
    uint64_t words[64][PAGING_TABLE_ENTRIES];
} saved;

static bool keep_table(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                       uint64_t entry)
{
    (void)context, (void)address, (void)table;
    unsigned slot = index;
    if (level == rig.model.levels && (slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT))
        return false;
    if ((entry & 1) && !walker_is_leaf(level, entry))
        saved.frames[saved.count++] = walker_entry_frame(machine_walker(), level, entry);
    return true;
}

static void keep_live_tables(void)
{
    saved.count = 0;
    saved.frames[saved.count++] = machine_walker()->root;
    walker_visit(machine_walker(), keep_table, NULL);
    for (unsigned i = 0; i < saved.count; i++)
        memcpy(saved.words[i], machine_frame(saved.frames[i]), PAGING_PAGE_BYTES);
}

/* Between two operations, the scratch page's entry is empty again. */
static void assert_active_tables_unchanged(void)
{
    for (unsigned i = 0; i < saved.count; i++)
        if (memcmp(saved.words[i], machine_frame(saved.frames[i]), PAGING_PAGE_BYTES) != 0)
            fail_msg("a table of the active space has changed, frame %#lx", (unsigned long)saved.frames[i]);
    assert_reads(PLACE + 2 * MIB, FRAME_2M);
}

/* ---- operations ---- */

static void single_pages(void)
{
    uint64_t upper = rig_upper_place();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_ALREADY_MAPPED);
    assert_status(rig_map(PLACE + 4 * KIB, PAGING_USER), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M + 512, PAGING_2M, NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 2 * MIB + 4 * KIB, RW), PAGING_INSIDE_HUGE);
    assert_status(rig_identity_map(DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map(upper, RW | PAGING_GLOBAL), PAGING_OK);
    static const uint64_t offsets[] = {0, 4 * KIB, 2 * MIB + 12 * KIB, GIB + 5 * MIB, 3 * GIB};
    for (unsigned i = 0; i < 5; i++)
        rig_translate(PLACE + offsets[i]);
    rig_translate(upper);
    assert_status(rig_unmap(PLACE + 4 * KIB), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_unmap(DEVICE), PAGING_OK);
    assert_status(rig_unmap(PLACE + 2 * MIB), PAGING_OK);
    assert_status(rig_unmap(PLACE + GIB), PAGING_OK);
    assert_status(rig_unmap(upper), PAGING_OK);
    assert_status(rig_unmap(upper), PAGING_NOT_MAPPED);
}

static void markers(void)
{
    assert_status(rig_set_marker(PLACE, 7), PAGING_OK);
    assert_status(rig_map(PLACE, RW), PAGING_MARKED);
    rig_translate(PLACE);
    assert_status(rig_clear_marker(PLACE), PAGING_OK);
    assert_int_equal(rig.marker_value, 7);
    assert_status(rig_set_marker(PLACE, 8), PAGING_OK);
    assert_status(rig_map(PLACE, RW | PAGING_REPLACE_MARKER), PAGING_OK);
    assert_status(rig_clear_marker(PLACE), PAGING_ALREADY_MAPPED);
    assert_status(rig_unmap(PLACE), PAGING_OK);
}

static void ranges(void)
{
    assert_status(rig_map_range(PLACE + 2 * MIB - 8 * KIB, DEVICE_2M - 8 * KIB, 4 * MIB + 12 * KIB, RW),
                  PAGING_OK);
    assert_status(rig_protect_range(PLACE + 2 * MIB + 8 * KIB, 4 * KIB, NX, RW), PAGING_OK);
    assert_status(rig_protect_range(PLACE + 4 * MIB, 2 * MIB, PAGING_USER, 0), PAGING_OK);
    assert_status(rig_protect_range(PLACE + 2 * MIB + 8 * KIB, 4 * KIB, RW, NX), PAGING_OK);
    assert_status(rig_merge_range(PLACE + 2 * MIB, 2 * MIB), PAGING_OK);
    assert_status(rig_split(PLACE + 4 * MIB), PAGING_OK);
    assert_status(rig_merge_range(PLACE, GIB), PAGING_OK);
    assert_status(rig_unmap_range(PLACE + 4 * MIB, 64 * KIB), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 8 * MIB - 4 * KIB, 2 * MIB + 4 * KIB, RW), PAGING_OK);
    assert_int_equal(rig_walk(PLACE + 8 * MIB).level, PAGING_2M);
    assert_status(rig_unmap_range(PLACE + 8 * MIB, 4 * KIB), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 16 * MIB), PAGING_OK);
    assert_int_equal(rig.at->model->count, 0);
}

static void huge_ranges(void)
{
    assert_status(rig_map_range(PLACE, DEVICE_1G, 2 * GIB, RW), PAGING_OK);
    assert_status(rig_split(PLACE), PAGING_OK);
    assert_status(rig_protect_range(PLACE + GIB, GIB, NX, 0), PAGING_OK);
    assert_status(rig_unmap_range(PLACE + GIB + 4 * KIB, 4 * KIB), PAGING_OK);
    assert_status(rig_merge_range(PLACE, GIB), PAGING_OK);
    assert_status(rig_unmap_range(PLACE, 2 * GIB), PAGING_OK);
}

static void (*const operations[])(void) = {single_pages, markers, ranges, huge_ranges};

/* The rig judges what each operation does: it walks the space's root in physical memory. */
static void all_operations(bool watch)
{
    for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        open_attached();
        keep_live_tables();
        rig_load_meanwhile(watch);
        operations[i]();
        rig_load_meanwhile(false);
        assert_active_tables_unchanged();
        close_and_destroy();
    }
}

static void operations_work(void **state)
{
    all_operations(false);
}

static void processor_loads_meanwhile(void **state)
{
    all_operations(true);
}

static void fill_other(void)
{
    assert_status(rig_map(PLACE, RW | NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, PAGING_USER), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * GIB, FRAME_1G, PAGING_1G, NX), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 8 * KIB, 5), PAGING_OK);
    assert_status(rig_map(rig_upper_place(), NX | PAGING_GLOBAL), PAGING_OK);
}

static void for_each_and_count(void **state)
{
    open_attached();
    fill_other();
    judge_all();
    assert_int_equal(walked.owned, 2);
    assert_int_equal(walked.markers, 1);
    close_and_destroy();
}

/* The expected answer is that of a walk from the space's own root. */
static void judge_access(uint64_t address, enum paging_access_kind kind, bool user)
{
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_FETCH};
    struct paging_access access = {.kind = kind, .user = user, .write_protect = true};
    struct walker walker = rig_walker();
    struct walk walk = walker_walk(&walker, NULL, address, accesses[kind] | (user ? WALK_USER : 0), false);
    uint64_t error = 0;
    enum paging_status status = paging_check_access(rig.at->space, (paging_virt_t){address}, access, &error);
    assert_int_equal(status != PAGING_OK, walk.faulted);
    assert_int_equal(error, walk.faulted ? walk.error : 0);
}

static void access_is_predicted(void **state)
{
    open_attached();
    fill_other();
    const uint64_t addresses[] = {PLACE,           PLACE + 4 * KIB, PLACE + 8 * KIB,   PLACE + 5 * MIB,
                                  PLACE + 2 * GIB, PLACE + 2 * MIB, rig_upper_place(), 0};
    for (unsigned i = 0; i < 8; i++)
        for (unsigned kind = PAGING_READ; kind <= PAGING_FETCH; kind++)
            for (unsigned user = 0; user < 2; user++)
                judge_access(addresses[i], (enum paging_access_kind)kind, user);
    close_and_destroy();
}

/* With too few frames, at any number, nothing changes: the rig compares every byte. */
static void out_of_frames(void **state)
{
    open_attached();
    for (unsigned left = 0; left <= rig_levels + 1; left++) {
        machine_limit_frames(left);
        (void)rig_map(PLACE, RW);
        (void)rig_set_marker(PLACE + SLOT_BYTES, 3);
        (void)rig_map_range(PLACE + 2 * MIB - 4 * KIB, DEVICE, 2 * MIB, RW);
        (void)rig_map_range_alloc(PLACE + GIB, 8 * KIB, RW);
        (void)rig_unmap_range(PLACE, 2 * GIB);
    }
    machine_unlimit_frames();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    for (unsigned left = 0; left <= 2; left++) {
        machine_limit_frames(left);
        enum paging_status expected = left < 2 ? PAGING_NO_FRAMES : PAGING_OK;
        assert_status(rig_protect_range(PLACE + GIB, 4 * KIB, NX, 0), expected);
    }
    close_and_destroy();
}

/* ---- flushes ---- */

/* Pages of an attached space are in no TLB. The windows of freed tables are, and each is flushed once. */
static void flushes_are_of_windows(void **state)
{
    open_attached();
    struct paging_space *space = other->space;
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    uint64_t flushes = paging_counted(space).flushes;
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_protect_range(PLACE, 4 * KIB, 0, RW), PAGING_OK);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_status(rig_unmap_range(PLACE + 4 * KIB, 4 * KIB), PAGING_OK);
    assert_int_equal(paging_counted(space).flushes, flushes);
    machine_reset_log();
    struct paging_unmapped unmapped;
    assert_status(paging_unmap(space, rig_page(PLACE + 8 * KIB), machine_frames(), &unmapped), PAGING_OK);
    model_remove(other->model, rig_page(PLACE).number + 2);
    rig_check();
    assert_int_equal(machine_flushes(), rig_levels - 1);
    for (unsigned i = 0; i < rig_levels - 1; i++)
        assert_int_equal(machine_flushed(i), rig_alternate_window(i + 1, PLACE) & ~(PAGING_PAGE_BYTES - 1));
    close_and_destroy();
}

/* Attach and detach flush everything once, and what the slot showed is forgotten. */
static void slot_changes_flush_all(void **state)
{
    for (unsigned invpcid = 0; invpcid < 2; invpcid++) {
        struct machine_setup setup = rig_setup();
        setup.invpcid = invpcid;
        rig_open_spaces_on(setup);
        assert_status(rig_map(PLACE, RW), PAGING_OK);
        uint64_t global = rig_upper_place();
        assert_status(rig_map(global, RW | PAGING_GLOBAL), PAGING_OK);
        assert_status(rig_create_sibling(other, home), PAGING_OK);
        for (unsigned i = 0; i < 2; i++) {
            machine_fill_tlb();
            assert_true(machine_caches(PLACE) && machine_caches(global));
            assert_status(i ? rig_detach(home, other) : rig_attach(home, other), PAGING_OK);
            assert_false(machine_caches(PLACE) || machine_caches(global));
            assert_int_equal(machine_full_flushes(), 1);
            assert_int_equal(machine_flushes_by_invpcid(), invpcid);
        }
        assert_int_equal(paging_counted(home->space).full_flushes, 2);
    }
}

/* The flush comes last: nothing remains of what a processor loads between the stores. */
static void slot_changes_before_flush(void **state)
{
    rig_open_spaces();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_create_sibling(other, home), PAGING_OK);
    machine_observe(machine_fill_tlb);
    assert_status(rig_attach(home, other), PAGING_OK);
    assert_status(rig_detach(home, other), PAGING_OK);
    machine_observe(NULL);
}

/*
 * Through its own recursive slot, a table of the attached space would have one more address for each level.
 * No operation flushes those: a translation cached there would still lead to the table when it is freed.
 */
static void one_window_each(void **state)
{
    open_attached();
    rig_load_meanwhile(true);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    machine_fill_tlb();
    uint64_t span = paging_level_bytes(rig_levels);
    paging_virt_t second = {
        rig_address(PAGING_ALTERNATE_SLOT * (span / PAGING_PAGE_BYTES) +
                    PAGING_RECURSIVE_SLOT * (span / PAGING_TABLE_ENTRIES / PAGING_PAGE_BYTES))};
    assert_true(walker_walk(machine_walker(), NULL, second.value, WALK_READ, false).faulted);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    rig_load_meanwhile(false);
    assert_status(rig_detach(home, other), PAGING_OK);
    assert_status(rig_switch_to(home, other), PAGING_OK); /* its recursive slot is set again */
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
}

/* ---- what is refused ---- */

static void one_slot_for_one_space(void **state)
{
    open_attached();
    assert_status(rig_create_sibling(third, other), PAGING_OK);
    assert_status(rig_attach(home, third), PAGING_SLOT_BUSY);
    assert_status(rig_attach(home, other), PAGING_SLOT_BUSY);
    assert_status(rig_attach(other, third), PAGING_NOT_ACTIVE);
    assert_status(rig_switch_to(home, third), PAGING_SLOT_BUSY);
    assert_status(rig_switch_to(other, third), PAGING_NOT_ACTIVE);
    assert_status(rig_detach(home, third), PAGING_UNREACHABLE);
    assert_status(rig_detach(third, other), PAGING_UNREACHABLE);
    assert_status(rig_destroy(other), PAGING_ATTACHED);
    assert_status(rig_destroy(home), PAGING_ACTIVE);
    assert_status(rig_destroy(third), PAGING_OK);
    assert_status(rig_detach(home, other), PAGING_OK);
    assert_status(rig_detach(home, other), PAGING_UNREACHABLE);
    assert_status(rig_attach(home, home), PAGING_ACTIVE);
    assert_status(rig_switch_to(home, home), PAGING_ACTIVE);
}

static void levels_must_agree(void **state)
{
    rig_open_spaces();
    struct paging_cpu cpu = rig.space.cpu;
    cpu.levels = 9 - cpu.levels;
    struct paging_space strange;
    assert_status(paging_create(&strange, cpu, machine_offset(), machine_frames()), PAGING_OK);
    machine_snapshot();
    assert_status(paging_attach(home->space, &strange), PAGING_NOT_SUPPORTED);
    assert_status(paging_switch_to(home->space, &strange), PAGING_NOT_SUPPORTED);
    assert_true(machine_unchanged());
    assert_status(paging_destroy(&strange, machine_frames()), PAGING_OK);
    rig_check();
}

static void judge_unreachable(void)
{
    struct paging_translation translation;
    struct paging_walk_result path = {.level = 77};
    struct paging_stats stats = {.markers = 77};
    uint64_t error = 77;
    paging_virt_t place = {PLACE};
    assert_status(paging_translate(rig.at->space, place, &translation), PAGING_UNREACHABLE);
    assert_status(paging_walk_address(rig.at->space, place, &path), PAGING_UNREACHABLE);
    assert_int_equal(path.level, 77);
    assert_status(paging_count(rig.at->space, &stats), PAGING_UNREACHABLE);
    assert_int_equal(stats.markers, 77);
    assert_status(paging_check_access(rig.at->space, place, (struct paging_access){0}, &error),
                  PAGING_UNREACHABLE);
    assert_int_equal(error, 77);
    assert_status(rig_map(PLACE, RW), PAGING_UNREACHABLE);
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_UNREACHABLE);
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGING_2M, RW), PAGING_UNREACHABLE);
    assert_status(rig_map_range(PLACE, DEVICE, MIB, RW), PAGING_UNREACHABLE);
    assert_status(rig_map_range_alloc(PLACE, 8 * KIB, RW), PAGING_UNREACHABLE);
    assert_status(rig_unmap(PLACE), PAGING_UNREACHABLE);
    assert_status(rig_unmap_range(PLACE, MIB), PAGING_UNREACHABLE);
    assert_status(rig_protect_range(PLACE, MIB, RW, 0), PAGING_UNREACHABLE);
    assert_status(rig_split(PLACE), PAGING_UNREACHABLE);
    assert_status(rig_merge_range(PLACE, GIB), PAGING_UNREACHABLE);
    assert_status(rig_set_marker(PLACE, 1), PAGING_UNREACHABLE);
    assert_status(rig_clear_marker(PLACE), PAGING_UNREACHABLE);
    assert_status(rig_set_marker_range(PLACE, MIB, 1, 0), PAGING_UNREACHABLE);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_UNREACHABLE);
    assert_status(rig_protect(PLACE, RW, 0), PAGING_UNREACHABLE);
    assert_status(rig_move_range(PLACE, PLACE + GIB, MIB), PAGING_UNREACHABLE);
    assert_status(rig_test_and_clear(PLACE, MIB, PAGING_DIRTY), PAGING_UNREACHABLE);
    assert_status(rig_next_piece(PLACE, MIB, 100), PAGING_UNREACHABLE);
    assert_status(rig_find_hole(PLACE, PLACE + GIB, MIB, 4 * KIB), PAGING_UNREACHABLE);
    assert_status(rig_translate_list(PLACE, LIST_OF(3)), PAGING_UNREACHABLE);
    assert_status(rig_map_list(PLACE, DEVICE_FRAME, LIST_OF(3), RW), PAGING_UNREACHABLE);
    assert_status(rig_map_list_alloc(PLACE, LIST_OF(3), RW), PAGING_UNREACHABLE);
    assert_status(rig_unmap_list(PLACE, LIST_OF(3)), PAGING_UNREACHABLE);
    assert_status(rig_share_upper_half(rig.at), PAGING_UNREACHABLE);
    assert_status(rig_unshare_upper_half(rig.at), PAGING_UNREACHABLE);
    assert_status(rig_create_sibling(third, rig.at), PAGING_UNREACHABLE);
}

/* Only the core's own load continues: no other fault is taken for its. */
static void another_fault_is_not_the_loads(void **state)
{
    uint64_t rip = (uintptr_t)another_fault_is_not_the_loads;
    (void)state;
    assert_false(paging_resume_fault(&rip));
    assert_int_equal(rip, (uintptr_t)another_fault_is_not_the_loads);
}

/*
 * A fault handler may ask through a space that is wrong about where its tables are: here a copy from before
 * the space was detached. The core's loads fault, or are told so.
 */
static void walk_through_a_window_that_is_gone(void **state)
{
    struct paging_walk_result path = {.level = 77};
    uint64_t error = 77;
    open_attached();
    rig.at = other;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    struct paging_space stale = *other->space;
    assert_status(rig_detach(home, other), PAGING_OK);
    assert_status(paging_walk_address(&stale, (paging_virt_t){PLACE}, &path), PAGING_UNREACHABLE);
    assert_int_equal(path.level, 77);
    assert_status(paging_check_access(&stale, (paging_virt_t){PLACE}, (struct paging_access){0}, &error),
                  PAGING_UNREACHABLE);
    assert_int_equal(error, 77);
    rig.at = home;
    rig_check();
}

static void unreachable_is_refused(void **state)
{
    open_attached();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_detach(home, other), PAGING_OK);
    rig.at = other;
    judge_unreachable();
    rig.at = home;
    assert_status(rig_switch_to(home, other), PAGING_OK);
    rig.at = home;
    judge_unreachable();
    rig.at = other;
    assert_status(rig_destroy(home), PAGING_OK);
}

static void create_out_of_frames(void **state)
{
    open_attached();
    for (unsigned left = 0; left < rig_levels; left++) {
        machine_limit_frames(left);
        assert_status(rig_create_sibling(third, home), PAGING_NO_FRAMES);
        assert_status(rig_create_sibling(third, other), PAGING_NO_FRAMES);
    }
    machine_limit_frames(rig_levels);
    assert_status(rig_create_sibling(third, other), PAGING_OK);
}

static const struct CMUnitTest tests[] = {
    RIG_RECURSIVE_TEST("spaces: attaching and detaching flush after the last store",
                       slot_changes_before_flush),
    RIG_RECURSIVE_TEST("attach: every operation works on the attached space, and nothing else changes",
                       operations_work),
    RIG_RECURSIVE_TEST("attach: every operation, while the processor loads all it can reach",
                       processor_loads_meanwhile),
    RIG_RECURSIVE_TEST("attach: for_each and count show the attached space", for_each_and_count),
    RIG_RECURSIVE_TEST("attach: check_access predicts accesses to the attached space", access_is_predicted),
    RIG_RECURSIVE_TEST("attach: out of frames, the attached space stays as it was", out_of_frames),
    RIG_RECURSIVE_TEST("attach: windows of the attached space are flushed, its pages are not",
                       flushes_are_of_windows),
    RIG_RECURSIVE_TEST("attach: attach and detach flush everything once", slot_changes_flush_all),
    RIG_RECURSIVE_TEST("attach: each table of the attached space has one address", one_window_each),
    RIG_RECURSIVE_TEST("attach: one alternate slot for one space", one_slot_for_one_space),
    RIG_RECURSIVE_TEST("attach: the number of levels must be the same", levels_must_agree),
    RIG_RECURSIVE_TEST("attach: every operation refuses an unreachable space", unreachable_is_refused),
    RIG_RECURSIVE_TEST("attach: a walk through a window that is gone is refused",
                       walk_through_a_window_that_is_gone),
    RIG_TEST("walk: a fault elsewhere is not that of the guarded load", another_fault_is_not_the_loads),
    RIG_RECURSIVE_TEST("create_sibling: out of frames, nothing changes", create_out_of_frames),
};

RIG_MAIN("attach", tests)
