/* SPDX-License-Identifier: MIT */
/* Tests clone_lower_half and unshare_page: frames are shared until somebody writes, and nothing is lost. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <limits.h>
#include <selfmap/clone.h>
#include <selfmap/gather.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>

static struct rig_side *const parent = &rig.sides[0], *const child = &rig.sides[1],
                              *const third = &rig.sides[2];

#define OWNED_2M (PLACE + 4 * MIB)
#define FAR      (PLACE + 3 * GIB)

/* What is not attached can be reached all the same, by direct map. */
static void attach(struct rig_side *active, struct rig_side *side)
{
    if (rig_has_windows())
        assert_status(rig_attach(active, side), PAGING_OK);
}

static void detach(struct rig_side *active, struct rig_side *side)
{
    if (rig_has_windows())
        assert_status(rig_detach(active, side), PAGING_OK);
    rig.at = active;
}

static void make_child(void)
{
    assert_status(rig_create_sibling(child, parent), PAGING_OK);
    attach(parent, child);
    rig.at = parent;
}

static void clone(void)
{
    machine_fill_tlb();
    assert_status(rig_clone_lower_half(parent, child), PAGING_OK);
}

static void switch_to_child(void)
{
    detach(parent, child);
    assert_status(rig_switch_to(parent, child), PAGING_OK);
    attach(child, parent);
    rig.at = child;
}

static uint64_t leaf_in(const struct rig_side *side, uint64_t address, unsigned level)
{
    return *entry_below(side->space->root.number, address, level);
}

/*
 * Small pages and a 2 MiB one that are owned, with and without the right to write; others; and markers with
 * all bits set, also where a leaf says that it owns its frame.
 */
static void open_with_pages(void)
{
    rig_open_spaces();
    assert_status(rig_map(PLACE, RW | US), PAGING_OK);
    assert_status(rig_map(PLACE + 4 * KIB, US | NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_set_marker(PLACE + 12 * KIB, PAGING_MARKER_LIMIT), PAGING_OK);
    assert_status(rig_map_range_alloc(OWNED_2M, 2 * MIB, RW | NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 8 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_set_marker_range(FAR, GIB + 2 * MIB, PAGING_MARKER_LIMIT, 0), PAGING_OK);
    make_child();
}

/* ---- what a clone is ---- */

static void same_frames(void **state)
{
    open_with_pages();
    clone();
    assert_int_equal(leaf_in(child, PLACE, 1), leaf_in(parent, PLACE, 1));
    assert_int_equal(leaf_in(child, PLACE, 1) & (RW | MODEL_SHARED | MODEL_COPIED),
                     MODEL_SHARED | MODEL_COPIED);
    assert_int_equal(leaf_in(child, PLACE + 4 * KIB, 1) & (RW | MODEL_SHARED | MODEL_COPIED), MODEL_SHARED);
    assert_int_equal(leaf_in(child, PLACE + 8 * KIB, 1) & (RW | MODEL_SHARED | MODEL_COPIED), RW);
    assert_int_equal(leaf_in(child, PLACE + 12 * KIB, 1), marker_of(PAGING_MARKER_LIMIT));
    assert_int_equal(leaf_in(child, OWNED_2M, 2), leaf_in(parent, OWNED_2M, 2));
    assert_int_equal(leaf_in(child, PLACE + 8 * MIB, 2), leaf_in(parent, PLACE + 8 * MIB, 2));
    assert_int_equal(leaf_in(child, FAR, 3), marker_of(PAGING_MARKER_LIMIT));
    assert_int_equal(leaf_in(child, FAR + GIB, 2), marker_of(PAGING_MARKER_LIMIT));
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(OWNED_2M + MIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE, WALK_READ | WALK_USER);
    assert_allowed(PLACE + 8 * KIB, WALK_WRITE);
    switch_to_child();
    assert_reads(PLACE, frame_at(PLACE));
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(OWNED_2M + MIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 8 * KIB, WALK_WRITE);
}

/* The upper half is not the clone's business, whether it is shared or not. */
static void the_upper_half_stays(void **state)
{
    rig_open_spaces();
    uint64_t upper = rig_upper_place();
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    make_child();
    clone();
    assert_allowed(upper, WALK_WRITE);
    rig.at = child;
    assert_status(rig_translate(upper), PAGING_NOT_MAPPED);
    assert_status(rig_map(upper, RW), PAGING_OK);
    assert_status(rig_translate(PLACE), PAGING_OK);
}

static void of_an_empty_half(void **state)
{
    rig_open_spaces();
    make_child();
    unsigned out = machine_frames_out();
    clone();
    assert_int_equal(machine_frames_out(), out);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_stores(), 0);
    assert_status(rig_clone_lower_half(parent, parent), PAGING_OK);
}

/* The active space gets the pages of another one, which then loses the right to write. */
static void to_the_active_space(void **state)
{
    rig_open_spaces();
    make_child();
    rig.at = child;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(OWNED_2M, 2 * MIB, RW), PAGING_OK);
    machine_fill_tlb();
    assert_status(rig_clone_lower_half(child, parent), PAGING_OK);
    rig.at = parent;
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_reads(OWNED_2M, frame_at(OWNED_2M));
    assert_status(rig_unshare_page(PLACE), PAGING_COPY_NEEDED);
    rig.at = child;
    assert_status(rig_unmap(PLACE), PAGING_OK);
    rig.at = parent;
    assert_status(rig_unshare_page(PLACE), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
}

/* ---- writing ---- */

static void the_first_write_copies(void **state)
{
    open_with_pages();
    clone();
    uint64_t frame = frame_at(PLACE);
    assert_status(rig_unshare_page(PLACE), PAGING_COPY_NEEDED);
    assert_status(rig_remap(PLACE, 0, RW | US, FRAME_TAKEN), PAGING_OK);
    assert_true(rig.unmapped.released);
    assert_int_not_equal(frame_at(PLACE), frame);
    assert_true(machine_frame_is_out(frame)); /* the child has it */
    assert_allowed(PLACE, WALK_WRITE);
    switch_to_child();
    assert_int_equal(frame_at(PLACE), frame);
    assert_reads(PLACE, frame);
    assert_status(rig_unshare_page(PLACE), PAGING_OK); /* and it has it alone: no copy */
    assert_int_equal(frame_at(PLACE), frame);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    assert_false(machine_frame_is_out(frame));
}

/* Any page of a huge one will do. For a small copy it is split first, and the other space has it whole. */
static void a_part_of_a_huge_page_is_copied(void **state)
{
    open_with_pages();
    clone();
    uint64_t page = OWNED_2M + 20 * KIB, frame = frame_at(page);
    assert_status(rig_unshare_page(page), PAGING_COPY_NEEDED);
    assert_status(rig_split(page), PAGING_OK);
    assert_status(rig_unshare_page(page), PAGING_COPY_NEEDED);
    assert_status(rig_remap(page, 0, RW | NX, FRAME_TAKEN), PAGING_OK);
    assert_allowed(page, WALK_WRITE);
    assert_refused(page + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    switch_to_child();
    assert_int_equal(frame_at(page), frame);
    assert_status(rig_unshare_page(page), PAGING_COPY_NEEDED); /* of the other 511 frames */
    rig.at = parent;
    assert_status(rig_unmap_range(OWNED_2M, 2 * MIB), PAGING_OK);
    rig.at = child;
    machine_fill_tlb();
    assert_status(rig_unshare_page(OWNED_2M + 2 * MIB - 4 * KIB), PAGING_OK);
    assert_allowed(OWNED_2M, WALK_WRITE);
    assert_status(rig_unmap(OWNED_2M), PAGING_OK);
}

static void unshare_refuses(void **state)
{
    open_with_pages();
    clone();
    assert_status(rig_unshare_page(PLACE + 4 * KIB), PAGING_DENIED);
    assert_status(rig_unshare_page(PLACE + 8 * KIB), PAGING_OK); /* it is writable already */
    assert_status(rig_unshare_page(PLACE + 12 * KIB), PAGING_MARKED);
    assert_status(rig_unshare_page(PLACE + 16 * KIB), PAGING_NOT_MAPPED);
    assert_status(rig_map_to(PLACE + 16 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_unshare_page(PLACE + 16 * KIB), PAGING_DENIED);
    struct paging_frame_source cannot = *machine_frames();
    cannot.share = NULL;
    cannot.is_shared = NULL;
    assert_status(paging_unshare_page(parent->space, rig_page(PLACE), &cannot), PAGING_NOT_SUPPORTED);
    rig_check();
}

/* ---- flushes, accessed and dirty ---- */

static void flushes_what_loses_the_right(void **state)
{
    open_with_pages();
    clone(); /* the rig compares the whole list, with windows and the scratch page */
    assert_int_equal(machine_full_flushes(), 0);
    unsigned flushed[2] = {0};
    for (unsigned i = 0; i < machine_flushes(); i++) {
        flushed[0] += machine_flushed(i) == PLACE;
        flushed[1] += machine_flushed(i) == OWNED_2M;
        assert_int_not_equal(machine_flushed(i), PLACE + 4 * KIB);
        assert_int_not_equal(machine_flushed(i), PLACE + 8 * KIB);
        assert_int_not_equal(machine_flushed(i), PLACE + 8 * MIB);
    }
    assert_int_equal(flushed[0] + flushed[1], 2);
}

static void many_pages_are_flushed_at_once(void **state)
{
    rig_open_spaces();
    for (unsigned i = 0; i < RIG_FLUSH_LIMIT; i++)
        assert_status(rig_map(PLACE + i * 8 * KIB, RW), PAGING_OK);
    make_child();
    clone();
    assert_int_equal(machine_full_flushes(), 0);
    detach(parent, child);
    assert_status(rig_destroy(child), PAGING_OK);
    for (unsigned i = 0; i < RIG_FLUSH_LIMIT; i++)
        assert_status(rig_unshare_page(PLACE + i * 8 * KIB), PAGING_OK);
    assert_status(rig_map(PLACE + 4 * KIB, RW), PAGING_OK);
    make_child();
    clone();
    assert_int_equal(machine_full_flushes(), 1);
    detach(parent, child);
    assert_status(rig_destroy(child), PAGING_OK);
    make_child();
    clone(); /* nothing can be written any more */
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++)
        assert_true(model_is_scratch_slot(&rig.model, rig_page(machine_flushed(i)).number));
}

static void touched_as_they_were(void **state)
{
    open_with_pages();
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE + 4 * KIB, WALK_READ);
    assert_allowed(OWNED_2M + MIB, WALK_WRITE);
    clone();
    assert_int_equal(leaf_in(child, PLACE, 1) & TOUCHED, TOUCHED);
    assert_int_equal(leaf_in(child, PLACE + 4 * KIB, 1) & TOUCHED, PAGING_ACCESSED);
    assert_int_equal(leaf_in(child, OWNED_2M, 2) & TOUCHED, TOUCHED);
    assert_int_equal(leaf_in(child, PLACE + 8 * MIB, 2) & TOUCHED,
                     leaf_in(parent, PLACE + 8 * MIB, 2) & TOUCHED);
}

/* The processor writes to the page once, after so many loads and stores of the core. */
static struct {
    uint64_t address;
    unsigned size, at, count, loses; /* `loses`: after so many, the page loses the right to write */
    bool wrote;
} writing;

static void write_at_times(void)
{
    if (writing.count == writing.at)
        writing.wrote = !machine_access(writing.address, WALK_WRITE).faulted;
    if (writing.loses == 0 && (leaf_in(parent, writing.address, writing.size) & RW) == 0)
        writing.loses = writing.count;
    writing.count++;
}

static void clone_and_write(uint64_t address, unsigned size, unsigned at)
{
    open_with_pages();
    writing.address = address;
    writing.size = size;
    writing.at = at;
    writing.count = writing.loses = 0;
    writing.wrote = false;
    machine_observe(write_at_times);
    machine_observe_loads(write_at_times);
    assert_status(rig_clone_lower_half(parent, child), PAGING_OK);
    machine_observe(NULL);
    machine_observe_loads(NULL);
    uint64_t leaf = leaf_in(parent, address, size); /* a write that is refused may mark it as accessed */
    assert_int_equal(leaf & PAGING_DIRTY, writing.wrote ? PAGING_DIRTY : 0);
    assert_int_equal(leaf_in(child, address, size) | PAGING_ACCESSED, leaf | PAGING_ACCESSED);
    assert_refused(address, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    (void)rig_close(NULL);
}

/* The last time that it can is between the load of the leaf and the store. */
static void dirty_until_the_right_goes(void **state)
{
    for (unsigned size = PAGING_4K; size <= PAGING_2M; size++) {
        uint64_t address = size == PAGING_4K ? PLACE : OWNED_2M;
        clone_and_write(address, size, UINT_MAX);
        unsigned loses = writing.loses;
        assert_true(loses > 8);
        for (unsigned at = loses - 8; at <= loses + 1; at++) {
            clone_and_write(address, size, at);
            if (at < loses)
                assert_true(writing.wrote);
        }
    }
}

/* ---- refusals: nothing has changed ---- */

static void clone_refuses(void **state)
{
    open_with_pages();
    rig.at = child;
    assert_status(rig_set_marker(FAR, 1), PAGING_OK);
    assert_status(rig_clone_lower_half(parent, child), PAGING_ALREADY_MAPPED);
    assert_status(rig_clone_lower_half(parent, parent), PAGING_ALREADY_MAPPED);
    rig.at = child;
    assert_status(rig_unmap_range(FAR, 4 * KIB), PAGING_OK);
    if (rig_has_windows()) {
        detach(parent, child);
        assert_status(rig_clone_lower_half(parent, child), PAGING_UNREACHABLE);
        assert_status(rig_clone_lower_half(child, parent), PAGING_UNREACHABLE);
        attach(parent, child);
    }
    uint64_t sound = *entry_at(PLACE + 8 * MIB, 2);
    *entry_at(PLACE + 8 * MIB, 2) = sound | 1ull << 51;
    assert_status(paging_clone_lower_half(parent->space, child->space, machine_frames()), PAGING_MALFORMED);
    *entry_at(PLACE + 8 * MIB, 2) = sound;
    rig_check();
    clone();
}

/* Spaces that the core cannot tell apart by their tables: another number of levels, another life. */
static void spaces_of_different_kinds(void **state)
{
    open_with_pages();
    struct paging_space other = *child->space;
    other.by_direct_map = !other.by_direct_map;
    assert_status(paging_clone_lower_half(parent->space, &other, machine_frames()), PAGING_NOT_SUPPORTED);
    other = *child->space;
    other.cpu.levels = 9 - other.cpu.levels;
    assert_status(paging_clone_lower_half(parent->space, &other, machine_frames()), PAGING_NOT_SUPPORTED);
    rig_check();
}

static void out_of_frames_at_any_table(void **state)
{
    open_with_pages();
    unsigned left = 0;
    for (;; left++) {
        machine_limit_frames(left);
        enum paging_status status = rig_clone_lower_half(parent, child);
        if (status == PAGING_OK)
            break;
        assert_status(status, PAGING_NO_FRAMES);
        assert_allowed(PLACE, WALK_WRITE);
    }
    assert_int_equal(left, rig.model.levels); /* to the P1, and another P2 */
}

/* What is mapped now has two owners then, and what comes has one. */
static void clone_and_begin_another(void)
{
    make_child();
    clone();
    detach(parent, child);
    assert_status(rig_create_sibling(third, parent), PAGING_OK);
    attach(parent, third);
    rig.at = parent;
}

/* The last owned page is refused, when the others are shared already. */
static void a_count_is_full(void **state)
{
    rig_open_spaces();
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    clone_and_begin_another();
    assert_status(rig_map(PLACE - GIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE - 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE - 4 * MIB, 2 * MIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE + GIB, RW), PAGING_OK);
    machine_limit_owners(2);
    machine_fill_tlb();
    assert_status(rig_clone_lower_half(parent, third), PAGING_NO_FRAMES);
    assert_allowed(PLACE - 4 * KIB, WALK_WRITE);
    machine_limit_owners(3);
    assert_status(rig_clone_lower_half(parent, third), PAGING_OK);
    detach(parent, third);
}

/* The same of a huge page, behind which comes another one. */
static void a_count_of_a_huge_page_is_full(void **state)
{
    rig_open_spaces();
    assert_status(rig_map_range_alloc(PLACE, 2 * MIB, RW), PAGING_OK);
    assert_true(leaf_in(parent, PLACE, 2) & PAGING_HUGE);
    clone_and_begin_another();
    assert_status(rig_map(PLACE - 4 * KIB, RW), PAGING_OK);
    assert_status(rig_map(PLACE + 2 * MIB, RW), PAGING_OK);
    machine_limit_owners(2);
    assert_status(rig_clone_lower_half(parent, third), PAGING_NO_FRAMES);
    assert_allowed(PLACE + 2 * MIB, WALK_WRITE);
    machine_limit_owners(3);
    assert_status(rig_clone_lower_half(parent, third), PAGING_OK);
    detach(parent, third);
}

static void a_source_that_cannot_share(void **state)
{
    open_with_pages();
    struct paging_frame_source cannot = *machine_frames();
    cannot.share = NULL;
    cannot.is_shared = NULL;
    unsigned out = machine_frames_out();
    machine_begin_operation(child->space);
    assert_status(paging_clone_lower_half(parent->space, child->space, &cannot), PAGING_NOT_SUPPORTED);
    machine_end_operation();
    assert_int_equal(machine_frames_out(), out);
    rig_check();
}

/* Then there is nothing to count. */
static void a_source_that_need_not_share(void **state)
{
    rig_open_spaces();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    make_child();
    struct paging_frame_source cannot = *machine_frames();
    cannot.share = NULL;
    cannot.is_shared = NULL;
    assert_status(paging_clone_lower_half(parent->space, child->space, &cannot), PAGING_OK);
    assert_int_equal(leaf_in(child, PLACE, 1), leaf_in(parent, PLACE, 1));
    assert_allowed(PLACE, WALK_WRITE);
}

/* ---- what becomes of shared frames ---- */

static void the_last_owner_gives_back(void **state)
{
    for (unsigned order = 0; order < 2; order++) {
        open_with_pages();
        unsigned base = rig.base_frames;
        clone();
        if (order == 0) {
            detach(parent, child);
            assert_status(rig_destroy(child), PAGING_OK);
            assert_status(rig_unmap_range(PLACE, 5 * GIB), PAGING_OK);
        } else {
            assert_status(rig_unmap_range(PLACE, 5 * GIB), PAGING_OK);
            detach(parent, child);
            assert_status(rig_destroy(child), PAGING_OK);
        }
        assert_int_equal(machine_frames_out(), base);
        (void)rig_close(NULL);
    }
}

static void a_clone_of_a_clone(void **state)
{
    open_with_pages();
    clone();
    uint64_t frame = frame_at(PLACE);
    switch_to_child();
    detach(child, parent);
    assert_status(rig_create_sibling(third, child), PAGING_OK);
    attach(child, third);
    assert_status(rig_clone_lower_half(child, third), PAGING_OK);
    rig.at = child;
    assert_int_equal(machine_owners_of(frame), 3);
    assert_status(rig_unmap(PLACE), PAGING_OK);
    detach(child, third);
    assert_status(rig_destroy(third), PAGING_OK);
    assert_int_equal(machine_owners_of(frame), 1);
    assert_true(machine_frame_is_out(frame));
}

/* The right to write of a page whose frame is shared is the right to have it copied. */
static void rights_of_shared_pages(void **state)
{
    open_with_pages();
    clone();
    const uint64_t marks = RW | MODEL_SHARED | MODEL_COPIED;
    assert_status(rig_protect(PLACE, 0, RW), PAGING_OK);
    assert_int_equal(leaf_of(PLACE) & marks, MODEL_SHARED);
    assert_status(rig_unshare_page(PLACE), PAGING_DENIED);
    assert_status(rig_protect(PLACE, RW, 0), PAGING_OK);
    assert_int_equal(leaf_of(PLACE) & marks, MODEL_SHARED | MODEL_COPIED);
    assert_status(rig_protect(PLACE, NX, US), PAGING_OK);
    assert_int_equal(leaf_of(PLACE) & marks, MODEL_SHARED | MODEL_COPIED);
    assert_status(rig_protect_range(PLACE, 16 * KIB, RW, 0), PAGING_OK);
    assert_int_equal(leaf_of(PLACE + 4 * KIB) & marks, MODEL_SHARED | MODEL_COPIED);
    assert_status(rig_protect_range(PLACE, 8 * MIB, 0, RW), PAGING_OK);
    assert_int_equal(leaf_of(OWNED_2M) & marks, MODEL_SHARED);
    assert_status(rig_protect_range(OWNED_2M + MIB, 8 * KIB, RW, 0), PAGING_OK); /* which splits it */
    assert_int_equal(leaf_of(OWNED_2M + MIB) & marks, MODEL_SHARED | MODEL_COPIED);
    assert_int_equal(leaf_of(OWNED_2M) & marks, MODEL_SHARED);
    assert_refused(OWNED_2M + MIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

/* A row of a P1 in which only one frame is shared, and one in which all are. */
static void rights_of_rows(void **state)
{
    rig_open_spaces();
    assert_status(rig_map_range_alloc(PLACE + 4 * MIB, 400 * KIB, 0), PAGING_OK);
    assert_status(rig_map(PLACE + 52 * KIB, RW), PAGING_OK);
    make_child();
    clone();
    assert_status(rig_map_range_alloc(PLACE, 52 * KIB, 0), PAGING_OK);
    assert_status(rig_map_range_alloc(PLACE + 56 * KIB, MIB, 0), PAGING_OK);
    assert_status(rig_protect_range(PLACE, MIB, RW, 0), PAGING_OK);
    assert_refused(PLACE + 52 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 48 * KIB, WALK_WRITE);
    assert_allowed(PLACE + 56 * KIB, WALK_WRITE);
    assert_status(rig_protect_range(PLACE + 4 * MIB, 400 * KIB, RW, 0), PAGING_OK);
    assert_refused(PLACE + 4 * MIB + 396 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    rig.at = child;
    assert_status(rig_protect_range(PLACE + 4 * MIB, 400 * KIB, RW, 0), PAGING_OK);
    assert_status(rig_unshare_page(PLACE + 4 * MIB + 200 * KIB), PAGING_COPY_NEEDED);
}

static void in_a_gather(void **state)
{
    struct paging_gather gather;
    open_with_pages();
    clone();
    assert_status(paging_gather_begin(&gather, parent->space, machine_frames()), PAGING_OK);
    assert_status(paging_gather_protect_range(&gather, (paging_virt_t){PLACE}, 8 * KIB, RW, 0), PAGING_OK);
    paging_gather_end(&gather);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(PLACE + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
}

/* With the same frame the page stays one that is shared; with another one it is not. */
static void remapped(void **state)
{
    open_with_pages();
    clone();
    assert_status(rig_remap(PLACE, 0, RW, FRAME_SAME), PAGING_OK);
    assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_status(rig_unshare_page(PLACE), PAGING_COPY_NEEDED);
    assert_status(rig_remap(PLACE, 0, 0, FRAME_SAME), PAGING_OK);
    assert_status(rig_unshare_page(PLACE), PAGING_DENIED);
    assert_status(rig_remap(PLACE, DEVICE_FRAME, RW, FRAME_GIVEN), PAGING_OK);
    assert_allowed(PLACE, WALK_WRITE);
}

static void not_merged(void **state)
{
    open_with_pages();
    clone();
    assert_status(rig_split(OWNED_2M), PAGING_OK);
    assert_status(rig_merge_range(OWNED_2M, 2 * MIB), PAGING_OK);
    assert_int_equal(rig_walk(OWNED_2M).level, 1);
    detach(parent, child);
    assert_status(rig_destroy(child), PAGING_OK);
    for (unsigned i = 0; i < 512; i++)
        assert_status(rig_unshare_page(OWNED_2M + i * 4 * KIB), PAGING_OK);
    assert_status(rig_merge_range(OWNED_2M, 2 * MIB), PAGING_OK);
    assert_int_equal(rig_walk(OWNED_2M).level, 2);
    assert_status(rig_unmap(OWNED_2M), PAGING_OK);
}

static void moved(void **state)
{
    open_with_pages();
    clone();
    uint64_t frame = frame_at(PLACE);
    assert_status(rig_move_range(PLACE, PLACE + GIB, 16 * MIB), PAGING_OK);
    assert_int_equal(frame_at(PLACE + GIB), frame);
    assert_status(rig_unshare_page(PLACE + GIB), PAGING_COPY_NEEDED);
    assert_status(rig_unshare_page(PLACE + GIB + 5 * MIB), PAGING_COPY_NEEDED);
}

/* What waits for a flush names frames, and is given back before anything is cloned. */
static void gathers_are_carried_out(void **state)
{
    struct paging_gather gathers[2];
    struct paging_unmapped unmapped;
    open_with_pages();
    assert_status(rig_map(PLACE + 16 * KIB, RW), PAGING_OK);
    rig.at = child;
    assert_status(rig_map(PLACE, RW), PAGING_OK);
    uint64_t waiting = leaf_in(child, PLACE, 1) >> 12 & 0xffffffffff;
    assert_status(paging_gather_begin(&gathers[0], parent->space, machine_frames()), PAGING_OK);
    assert_status(paging_gather_begin(&gathers[1], child->space, machine_frames()), PAGING_OK);
    assert_status(paging_gather_unmap(&gathers[0], rig_page(PLACE + 16 * KIB), &unmapped), PAGING_OK);
    assert_status(paging_gather_unmap(&gathers[1], rig_page(PLACE), &unmapped), PAGING_OK);
    assert_true(machine_frame_is_out(waiting));
    machine_begin_operation(NULL);
    assert_status(paging_clone_lower_half(parent->space, child->space, machine_frames()), PAGING_OK);
    assert_int_equal(leaf_in(parent, PLACE + 16 * KIB, 1), 0);
    assert_int_equal(leaf_in(child, PLACE + 16 * KIB, 1), 0);
    assert_int_equal(leaf_in(child, PLACE, 1), leaf_in(parent, PLACE, 1));
    paging_gather_end(&gathers[0]);
    paging_gather_end(&gathers[1]);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("clone: both spaces reach the same frames, and neither writes to them", same_frames),
    RIG_TEST("clone: the upper half stays as it is", the_upper_half_stays),
    RIG_TEST("clone: of nothing, nothing is taken, written or flushed", of_an_empty_half),
    RIG_TEST("clone: the active space gets the pages of another one", to_the_active_space),
    RIG_TEST("unshare: the first who writes gets a copy, the last one the frame", the_first_write_copies),
    RIG_TEST("unshare: a part of a huge page is copied", a_part_of_a_huge_page_is_copied),
    RIG_TEST("unshare: refused for what is not copied on write", unshare_refuses),
    RIG_TEST("clone: exactly the pages that lose the right to write are flushed",
             flushes_what_loses_the_right),
    RIG_TEST("clone: many pages are flushed at once", many_pages_are_flushed_at_once),
    RIG_TEST("clone: accessed and dirty are as they were", touched_as_they_were),
    RIG_TEST("clone: dirty until the right to write goes, in both spaces", dirty_until_the_right_goes),
    RIG_TEST("clone: refused, and nothing has changed", clone_refuses),
    RIG_TEST("clone: refused between spaces of different kinds", spaces_of_different_kinds),
    RIG_TEST("clone: out of frames at any table", out_of_frames_at_any_table),
    RIG_TEST("clone: a frame has as many owners as it may, and nothing has changed", a_count_is_full),
    RIG_TEST("clone: the same of a huge page's frame", a_count_of_a_huge_page_is_full),
    RIG_TEST("clone: a source that cannot share is refused", a_source_that_cannot_share),
    RIG_TEST("clone: frames that no page owns need no sharing", a_source_that_need_not_share),
    RIG_TEST("clone: the last owner gives the frames back", the_last_owner_gives_back),
    RIG_TEST("clone: of a clone", a_clone_of_a_clone),
    RIG_TEST("shared: writable is copied on write", rights_of_shared_pages),
    RIG_TEST("shared: one frame in a row of others", rights_of_rows),
    RIG_TEST("shared: rights changed in a gather", in_a_gather),
    RIG_TEST("shared: remapped to the same frame, and to another one", remapped),
    RIG_TEST("shared: not merged, until it is shared no more", not_merged),
    RIG_TEST("shared: moved", moved),
    RIG_TEST("clone: gathers are carried out first", gathers_are_carried_out),
};

RIG_MAIN("clone", tests)
