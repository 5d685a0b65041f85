/* SPDX-License-Identifier: MIT */
/*
 * Tests a frame source that promises frames and then refuses them: no operation links a frame that it was not
 * given, the tables stay sound, and every frame goes back in the end.
 */
#include "rig/entries.h"
#include "rig/rig.h"
#include <limits.h>
#include <selfmap/clone.h>
#include <selfmap/for_each.h>
#include <selfmap/list.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

/* Promises everything, and refuses single frames after `left` more: all, or one. It has no larger runs. */
static struct {
    struct paging_frame_source source;
    unsigned left;
    bool refuses_once, refused;
    const struct paging_space *holder; /* of the reservation; NULL for none */
    unsigned reservations;
} broken;

static bool promise(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                    uint64_t pages)
{
    (void)tables, (void)pages;
    assert_null(broken.holder);
    broken.holder = space;
    broken.reservations++;
    return true;
}

/* Before the core knows, the processor looks for pages, and learns the way to tables that are still empty. */
static void load_meanwhile(void)
{
    static const uint64_t places[] = {GIB - 3 * MIB - 8 * KIB, GIB - 20 * KIB, GIB, 2 * GIB,
                                      2 * GIB + 5 * MIB};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++)
        machine_speculate(PLACE + places[i]);
    if (rig.attached)
        machine_fill_tlb();
}

static void end_promise(struct paging_frame_source *source, const struct paging_space *space)
{
    assert_non_null(space);
    assert_ptr_equal(space, broken.holder);
    broken.holder = NULL;
}

static bool allocate(struct paging_frame_source *source, const struct paging_space *space,
                     enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    if (broken.holder)
        assert_ptr_equal(space, broken.holder);
    if (size != PAGING_4K)
        return false;
    if (broken.left == 0) {
        broken.left = broken.refuses_once ? UINT_MAX : 0;
        broken.refused = true;
        load_meanwhile();
        return false;
    }
    broken.left--;
    return machine_take(use, size, frame);
}

static void release(struct paging_frame_source *source, const struct paging_space *space,
                    enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    assert_non_null(space);
    machine_give(use, size, frame);
}

static void split(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame)
{
    machine_frames()->split(machine_frames(), space, size, frame);
}

static bool share_frame(struct paging_frame_source *source, const struct paging_space *space,
                        enum paging_size size, paging_frame_t frame)
{
    return machine_frames()->share(machine_frames(), space, size, frame);
}

static struct paging_frame_source *source_with(unsigned left)
{
    broken.source = (struct paging_frame_source){
        .reserve = promise,
        .unreserve = end_promise,
        .allocate = allocate,
        .release = release,
        .split = split,
        .join = NULL,
        .share = share_frame,
    };
    broken.left = left;
    broken.refused = false;
    broken.holder = NULL;
    broken.reservations = 0;
    machine_begin_operation(NULL);
    return &broken.source;
}

/* Whatever the operation met, it has reserved once, and ended that. */
static void must_have_ended_its_reservation(void)
{
    assert_int_equal(broken.reservations, 1);
    assert_null(broken.holder);
}

/* What is in the tables, found by for_each. */
struct found {
    uint64_t tables, pages;
};

/* The entry counts what is in its table, which is not empty, and says whether a P1 may hold owned pages. */
static void check_count(const struct paging_entry_info *info)
{
    const uint64_t *entries = machine_frame(paging_entry_frame(info->entry).number);
    bool owned = false;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        owned |= (entries[i] & PAGING_OWNED) != 0 && (entries[i] & PAGING_PRESENT) != 0;
    assert_int_not_equal(used_entries(paging_entry_frame(info->entry).number), 0);
    assert_int_equal(stored_count(info->entry.bits), used_entries(paging_entry_frame(info->entry).number));
    if (info->level == PAGING_2M && owned)
        assert_true(info->entry.bits & PAGING_SYSTEM_11);
}

/* Every table was handed out by the source, and so was every owned page. No entry is malformed. */
static enum paging_visit is_sound(void *context, const struct paging_entry_info *info)
{
    struct found *found = context;
    if (info->kind == PAGING_KIND_TABLE) {
        found->tables++;
        assert_true(machine_frame_is_out(paging_entry_frame(info->entry).number));
        if (info->level < rig.model.levels || (info->entry.bits & PAGING_SYSTEM_11) == 0) /* not shared */
            check_count(info);
    }
    if (info->kind == PAGING_KIND_LEAF) {
        found->pages += info->pages;
        if ((info->entry.bits & PAGING_OWNED) != 0)
            assert_true(machine_frame_is_out(paging_entry_frame(info->entry).number));
    }
    assert_int_not_equal(info->kind, PAGING_KIND_MALFORMED);
    return PAGING_VISIT_NEXT;
}

/* Returns how many pages are mapped. */
static uint64_t must_be_sound(void)
{
    struct found found = {.tables = rig.base_frames};
    assert_status(paging_for_each(&rig.space, is_sound, &found), PAGING_OK);
    assert_int_equal(found.tables, paging_counted(&rig.space).tables);
    machine_audit();
    return found.pages;
}

/* ---- one page: nothing has changed ---- */

typedef enum paging_status (*call)(struct paging_frame_source *frames);

static enum paging_status map_to(struct paging_frame_source *frames)
{
    return paging_map_to(&rig.space, rig_page(PLACE), (paging_frame_t){DEVICE_FRAME}, RW, frames);
}

static enum paging_status map_sized(struct paging_frame_source *frames)
{
    return paging_map_sized(&rig.space, rig_page(PLACE), (paging_frame_t){FRAME_2M}, PAGING_2M, RW, frames);
}

/* None of its tables is there, and its entry is not the first one in any. */
static enum paging_status map(struct paging_frame_source *frames)
{
    return paging_map(&rig.space, rig_page(PLACE + SLOT_BYTES + 5 * GIB + 14 * MIB + 36 * KIB), RW, frames);
}

/* The frame is the caller's: it does not come from the broken source, and goes back on an error. */
static enum paging_status map_owned(struct paging_frame_source *frames)
{
    paging_frame_t frame;
    assert_true(machine_take(PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    enum paging_status status = paging_map_owned(&rig.space, rig_page(PLACE), frame, PAGING_4K, RW, frames);
    if (status != PAGING_OK)
        machine_give(PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
    return status;
}

static enum paging_status set_marker(struct paging_frame_source *frames)
{
    return paging_set_marker(&rig.space, rig_page(PLACE), 5, frames);
}

static enum paging_status split_page(struct paging_frame_source *frames)
{
    return paging_split(&rig.space, rig_page(PLACE + GIB), frames);
}

static enum paging_status create(struct paging_frame_source *frames)
{
    struct paging_space space;
    enum paging_status status = paging_create(&space, rig.space.cpu, machine_offset(), frames);
    if (status == PAGING_OK)
        assert_status(paging_destroy(&space, frames), PAGING_OK);
    return status;
}

static enum paging_status create_sibling(struct paging_frame_source *frames)
{
    struct paging_space space;
    enum paging_status status = paging_create_sibling(&space, &rig.space, frames);
    if (status == PAGING_OK)
        assert_status(paging_destroy(&space, frames), PAGING_OK);
    return status;
}

static enum paging_status share(struct paging_frame_source *frames)
{
    return paging_share_upper_half(&rig.space, frames);
}

/*
 * With fewer frames than it takes, the operation refuses and changes nothing; with enough it succeeds.
 * Sharing takes 253 frames, so not every number is tried.
 */
static void changes_nothing(call operation)
{
    for (unsigned left = 0;; left += left < 6 ? 1 : 247) {
        unsigned out = machine_frames_out();
        machine_fill_tlb();
        enum paging_status status = operation(source_with(left));
        must_have_ended_its_reservation();
        assert_status(status, broken.refused ? PAGING_BROKEN_SOURCE : PAGING_OK);
        if (status == PAGING_OK) {
            (void)must_be_sound();
            return;
        }
        assert_int_equal(machine_frames_out(), out);
        (void)must_be_sound();
        rig_check();
    }
}

static void one_page(void **state)
{
    static const call operations[] = {map_to, map_sized,      map,  map_owned, set_marker, split_page,
                                      create, create_sibling, share};
    struct machine_setup setup = rig_setup();
    setup.frames = 512;
    for (unsigned i = 0; i < 2 * sizeof(operations) / sizeof(*operations); i++) {
        broken.refuses_once = i % 2 == 1;
        rig_open_on(setup);
        assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
        uint64_t upper = rig_address(paging_page_limit(rig.model.levels) / 2);
        assert_status(rig_map_to(upper, DEVICE_FRAME, RW), PAGING_OK);
        changes_nothing(operations[i / 2]);
        machine_close();
    }
}

/* ---- where larger markers are ---- */

static enum paging_status map_in_marker(struct paging_frame_source *frames)
{
    return paging_map(&rig.space, rig_page(PLACE + GIB + MIB), RW | PAGING_REPLACE_MARKER, frames);
}

static enum paging_status clear_in_marker(struct paging_frame_source *frames)
{
    uint64_t value;
    return paging_clear_marker(&rig.space, rig_page(PLACE + GIB + MIB), frames, &value);
}

static enum paging_status map_range_in_marker(struct paging_frame_source *frames)
{
    return paging_map_range_alloc(&rig.space, (paging_virt_t){PLACE + GIB - 20 * KIB}, 40 * KIB,
                                  RW | PAGING_REPLACE_MARKER, frames);
}

static enum paging_status unmap_in_marker(struct paging_frame_source *frames)
{
    return paging_unmap_range(&rig.space, (paging_virt_t){PLACE + GIB - 20 * KIB}, 40 * KIB, frames);
}

static enum paging_status set_more_markers(struct paging_frame_source *frames)
{
    return paging_set_marker_range(&rig.space, (paging_virt_t){PLACE + GIB - 20 * KIB}, 2 * GIB, 8,
                                   PAGING_REPLACE_MARKER, frames);
}

/* Tables are full of markers, or not there. Everything can be removed afterwards. */
static void larger_markers(void **state)
{
    static const call operations[] = {map_in_marker, clear_in_marker, map_range_in_marker, unmap_in_marker,
                                      set_more_markers};
    for (unsigned i = 0; i < 2 * sizeof(operations) / sizeof(*operations); i++) {
        enum paging_status status = PAGING_BROKEN_SOURCE;
        broken.refuses_once = i % 2 == 1;
        for (unsigned left = 0; status != PAGING_OK; left++) {
            rig_open();
            assert_status(rig_set_marker_range(PLACE, 2 * GIB, 7, 0), PAGING_OK);
            machine_fill_tlb();
            status = operations[i / 2](source_with(left));
            must_have_ended_its_reservation();
            assert_status(status, broken.refused ? PAGING_BROKEN_SOURCE : PAGING_OK);
            (void)must_be_sound();
            assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 3 * GIB, machine_frames()),
                          PAGING_OK);
            assert_int_equal(must_be_sound(), 0);
            assert_int_equal(machine_frames_out(), rig.base_frames);
            machine_close();
        }
    }
}

/* ---- ranges: a part may be done, and can be undone ---- */

static enum paging_status map_range(struct paging_frame_source *frames)
{
    return paging_map_range(&rig.space, (paging_virt_t){PLACE + GIB - 3 * MIB - 8 * KIB},
                            (paging_phys_t){DEVICE_1G - 3 * MIB - 8 * KIB}, GIB + 8 * MIB, RW, frames);
}

static enum paging_status map_alloc(struct paging_frame_source *frames)
{
    return paging_map_range_alloc(&rig.space, (paging_virt_t){PLACE + GIB - 20 * KIB}, 40 * KIB, RW, frames);
}

/* Nine pages, the first three in one P1, the others in P1s of their own. */
static enum paging_status map_nine(struct paging_frame_source *frames, bool owned)
{
    paging_page_t pages[9];
    paging_frame_t to[9];
    for (unsigned i = 0; i < 9; i++) {
        pages[i].number = rig_page(PLACE + GIB - 3 * PAGING_PAGE_BYTES).number + i + (i > 2 ? i << 9 : 0);
        to[i].number = DEVICE_FRAME + i;
    }
    return owned ? paging_map_list_alloc(&rig.space, pages, 9, RW, frames)
                 : paging_map_list(&rig.space, pages, to, 9, RW, frames);
}

static enum paging_status map_list(struct paging_frame_source *frames)
{
    return map_nine(frames, false);
}

static enum paging_status map_list_alloc(struct paging_frame_source *frames)
{
    return map_nine(frames, true);
}

/* The first table below an existing P2 cannot be had, or the second one, and so on. */
static void range_is_left_sound(call operation, uint64_t pages, bool has_neighbours)
{
    enum paging_status status = PAGING_BROKEN_SOURCE;
    for (unsigned left = 0; status != PAGING_OK; left++) {
        rig_open();
        if (has_neighbours) {
            assert_status(rig_map_to(PLACE + GIB - 6 * MIB, DEVICE_FRAME, RW), PAGING_OK);
            assert_status(rig_map_to(PLACE + GIB + 24 * KIB, DEVICE_FRAME, RW), PAGING_OK);
        }
        machine_fill_tlb();
        uint64_t full_flushes = paging_counted(&rig.space).full_flushes;
        status = operation(source_with(left));
        must_have_ended_its_reservation();
        assert_int_equal(paging_counted(&rig.space).full_flushes, full_flushes);
        assert_status(status, broken.refused ? PAGING_BROKEN_SOURCE : PAGING_OK);
        uint64_t mapped = must_be_sound() - (has_neighbours ? 2 : 0);
        assert_true(status == PAGING_OK ? mapped == pages : mapped < pages);
        machine_fill_tlb();
        assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 3 * GIB, machine_frames()),
                      PAGING_OK);
        assert_int_equal(must_be_sound(), 0);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        machine_close();
    }
}

static void whole_ranges(void **state)
{
    for (unsigned once = 0; once < 2; once++) {
        broken.refuses_once = once;
        range_is_left_sound(map_alloc, 10, false);
        range_is_left_sound(map_alloc, 10, true);
        range_is_left_sound(map_list, 9, true);
        range_is_left_sound(map_list_alloc, 9, false);
        range_is_left_sound(map_list_alloc, 9, true);
    }
}

static void given_ranges(void **state)
{
    /* a neighbour would be in the way */
    for (unsigned once = 0; once < 2; once++) {
        broken.refuses_once = once;
        range_is_left_sound(map_range, (GIB + 8 * MIB) / PAGING_PAGE_BYTES, false);
    }
}

static enum paging_status unmap_middle(struct paging_frame_source *frames)
{
    return paging_unmap_range(&rig.space, (paging_virt_t){PLACE + 4 * KIB}, GIB - 8 * KIB, frames);
}

static enum paging_status protect_middle(struct paging_frame_source *frames)
{
    return paging_protect_range(&rig.space, (paging_virt_t){PLACE + 4 * KIB}, GIB - 8 * KIB, 0, RW, frames);
}

/* Splits that were made change no translation: each byte of the GiB is where it was, with its rights. */
static void boundaries(void **state)
{
    static const call operations[] = {unmap_middle, protect_middle};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned left = 0; left < 3; left++) {
            broken.refuses_once = i % 2 == 1;
            rig_open();
            assert_status(rig_map_sized(PLACE, FRAME_1G, PAGING_1G, RW), PAGING_OK);
            machine_fill_tlb();
            assert_status(operations[i / 2](source_with(left)), PAGING_BROKEN_SOURCE);
            must_have_ended_its_reservation();
            (void)must_be_sound();
            for (uint64_t at = 0; at < GIB; at += 4 * MIB + 4 * KIB) {
                struct walk walk = rig_walk(PLACE + at);
                assert_false(walk.faulted);
                assert_true(walk.writable);
                assert_int_equal(walk.frame, FRAME_1G + at / PAGING_PAGE_BYTES);
            }
            machine_close();
        }
}

/* Each page is at its old place or at its new one: what could not be linked there has stayed. */
static void moved_ranges(void **state)
{
    enum { PAGES = 3 };
    enum paging_status status = PAGING_BROKEN_SOURCE;
    for (unsigned left = 0; status != PAGING_OK; left++) {
        const paging_virt_t from = {PLACE}, to = {PLACE + 4 * GIB + 4 * KIB};
        rig_open();
        for (unsigned i = 0; i < PAGES; i++)
            assert_status(rig_map(PLACE + i * 2 * MIB, RW), PAGING_OK);
        machine_fill_tlb();
        status = paging_move_range(&rig.space, from, to, PAGES * 2 * MIB, source_with(left));
        assert_status(status, broken.refused ? PAGING_BROKEN_SOURCE : PAGING_OK);
        assert_int_equal(must_be_sound(), PAGES);
        for (unsigned i = 0; i < PAGES; i++)
            assert_true(rig_walk(from.value + i * 2 * MIB).faulted !=
                        rig_walk(to.value + i * 2 * MIB).faulted);
        assert_status(paging_unmap_range(&rig.space, from, 8 * GIB, machine_frames()), PAGING_OK);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        machine_close();
    }
}

/* The tables that the clone got go again, and the frames are shared no more: neither space has changed. */
static void cloned_spaces(void **state)
{
    enum paging_status status = PAGING_BROKEN_SOURCE;
    for (unsigned left = 0; status != PAGING_OK; left++) {
        rig_open_spaces();
        assert_status(rig_map(PLACE, RW), PAGING_OK);
        assert_status(rig_map(PLACE + GIB + 2 * MIB, RW), PAGING_OK);
        assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
        assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
        if (rig_has_windows())
            assert_status(rig_attach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
        unsigned out = machine_frames_out();
        machine_fill_tlb();
        status = paging_clone_lower_half(&rig.space, rig.sides[1].space, source_with(left));
        must_have_ended_its_reservation();
        assert_status(status, broken.refused ? PAGING_BROKEN_SOURCE : PAGING_OK);
        if (status != PAGING_OK) {
            assert_int_equal(machine_frames_out(), out);
            assert_allowed(PLACE, WALK_WRITE);
            machine_fill_tlb();
            rig_check();
        }
        machine_close();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("broken source: operations on one page and on spaces change nothing", one_page),
    RIG_TEST("broken source: a range of the source's frames, or a list, is left sound, and can be unmapped",
             whole_ranges),
    RIG_TEST("broken source: where larger markers are, tables stay sound", larger_markers),
    RIG_TEST("broken source: the same for a range of given frames", given_ranges),
    RIG_TEST("broken source: of a range that moves each page is at one place", moved_ranges),
    RIG_TEST("broken source: a clone is made whole or not at all", cloned_spaces),
    RIG_TEST("broken source: splits at the ends of a range change no translation", boundaries),
};

RIG_MAIN("broken_source", tests)
