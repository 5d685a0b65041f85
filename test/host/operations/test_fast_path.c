/* SPDX-License-Identifier: MIT */
/*
 * Tests the fast path of the operations for single pages. It takes each entry for that of an ordinary table
 * unless one comparison says otherwise. Here are entries that nearly pass.
 */
#include "rig/entries.h"
#include "rig/page_list.h"
#include <selfmap/list.h>
#include <string.h>

/* An entry that is not present is a marker, whatever its other bits are. No walk goes through it. */
static void a_table_that_is_not_present(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    struct paging_translation found;
    struct paging_unmapped gone;
    struct paging_space *space = &rig.space;
    struct paging_frame_source *source = machine_frames();
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        uint64_t whole = *entry_at(PLACE, level);
        entry_write(PLACE, level, whole & ~(uint64_t)1);
        machine_snapshot();
        assert_status(paging_translate(space, (paging_virt_t){PLACE}, &found), PAGING_MARKED);
        assert_status(
            paging_map_to(space, rig_page(PLACE + 4 * KIB), (paging_frame_t){DEVICE_FRAME}, RW, source),
            PAGING_MARKED);
        assert_status(paging_map(space, rig_page(PLACE + 4 * KIB), RW, source), PAGING_MARKED);
        assert_status(paging_map_owned(space, rig_page(PLACE + 4 * KIB), (paging_frame_t){DEVICE_FRAME},
                                       PAGING_4K, RW, source),
                      PAGING_MARKED);
        assert_status(paging_unmap(space, rig_page(PLACE), source, &gone), PAGING_MARKED);
        assert_status(
            paging_remap(space, rig_page(PLACE), (paging_frame_t){DEVICE_FRAME}, RW, false, source, &gone),
            PAGING_MARKED);
        assert_true(machine_unchanged());
        entry_write(PLACE, level, whole);
    }
}

/*
 * Where every index is 0, a walk that begins at a wrong level finds tables all the way, and a page with these
 * flags looks like one more table. (A process cannot have the first pages.)
 */
#ifndef MACHINE_MMAP
/* The same with lists. In the page that looks like a table their entries would be unused. */
static void lists_of_the_first_pages(struct paging_space *space, const struct walker *walker)
{
    const paging_page_t pages[2] = {{2}, {3}};
    const paging_frame_t frames[2] = {{DEVICE_FRAME + 2}, {DEVICE_FRAME + 3}};
    struct paging_page_translation found[2];
    uint64_t *like_a_table = machine_frame(DEVICE_FRAME);
    like_a_table[2] = like_a_table[3] = 0;
    machine_begin_operation(NULL);
    assert_status(paging_map_list(space, pages, frames, 2, RW, machine_frames()), PAGING_OK);
    assert_status(paging_translate_list(space, pages, 2, found), PAGING_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(walker_walk(walker, NULL, (2 + i) * 4 * KIB, WALK_READ, false).frame,
                         DEVICE_FRAME + 2 + i);
        assert_int_equal(found[i].frame.number, DEVICE_FRAME + 2 + i);
    }
    assert_status(paging_unmap_list(space, pages, 2, machine_frames(), NULL), PAGING_OK);
    assert_true(walker_walk(walker, NULL, 8 * KIB, WALK_READ, false).faulted);
    assert_int_equal(like_a_table[2] | like_a_table[3], 0);
}

static void the_first_pages(void **state)
{
    const uint64_t like_a_table = RW | PAGING_USER | PAGING_ACCESSED | PAGING_DIRTY;
    rig_open();
    assert_status(rig_map_to(0, DEVICE_FRAME, like_a_table), PAGING_OK);
    assert_status(rig_map_to(4 * KIB, DEVICE_FRAME + 1, RW), PAGING_OK);
    rig_translate(4 * KIB);
    assert_status(rig_map_list(8 * KIB, DEVICE_FRAME + 2, LIST_OF(2), RW), PAGING_OK);
    assert_status(rig_translate_list(8 * KIB, LIST_OF(2)), PAGING_OK);
    assert_status(rig_unmap_list(8 * KIB, LIST_OF(2)), PAGING_OK);
    assert_status(rig_unmap(4 * KIB), PAGING_OK);
    assert_status(rig_unmap(0), PAGING_OK);

    struct paging_space space;
    struct paging_unmapped gone;
    struct paging_translation found;
    unsigned out = machine_frames_out();
    machine_fill(DEVICE_FRAME);
    *machine_frame(DEVICE_FRAME) =
        (DEVICE + PAGING_PAGE_BYTES) | like_a_table | PAGING_PRESENT; /* without an end */
    *machine_frame(DEVICE_FRAME + 1) = DEVICE | like_a_table | PAGING_PRESENT;
    machine_begin_operation(NULL);
    assert_status(paging_create(&space, rig.space.cpu, machine_offset(), machine_frames()), PAGING_OK);
    for (uint64_t i = 0; i < 2; i++) {
        machine_begin_operation(NULL);
        assert_status(paging_map_to(&space, (paging_page_t){i}, (paging_frame_t){DEVICE_FRAME + i},
                                    like_a_table, machine_frames()),
                      PAGING_OK);
    }
    struct walker walker = *machine_walker();
    walker.root = space.root.number;
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(walker_walk(&walker, NULL, i * 4 * KIB, WALK_READ, false).frame, DEVICE_FRAME + i);
        assert_status(paging_translate(&space, (paging_virt_t){i * 4 * KIB}, &found), PAGING_OK);
        assert_int_equal(found.address.value, (DEVICE_FRAME + i) * PAGING_PAGE_BYTES);
    }
    lists_of_the_first_pages(&space, &walker);
    for (uint64_t i = 0; i < 2; i++)
        assert_status(paging_unmap(&space, (paging_page_t){1 - i}, machine_frames(), &gone), PAGING_OK);
    assert_int_equal(machine_frame(DEVICE_FRAME)[1], machine_junk(DEVICE_FRAME));
    assert_status(paging_destroy(&space, machine_frames()), PAGING_OK);
    assert_int_equal(machine_frames_out(), out);
}
#endif

static struct paging_space create_with_page(uint64_t frame)
{
    struct paging_space space;
    machine_begin_operation(NULL);
    assert_status(paging_create(&space, rig.space.cpu, machine_offset(), machine_frames()), PAGING_OK);
    machine_begin_operation(NULL);
    assert_status(paging_map_to(&space, rig_page(PLACE), (paging_frame_t){frame}, RW, machine_frames()),
                  PAGING_OK);
    return space;
}

/* A wrong shift of the root's number leads to frame 0, which holds the root of another space. */
static void frame_0_is_a_root_too(void **state)
{
    rig_open();
    struct paging_space space = create_with_page(DEVICE_FRAME), other = create_with_page(DEVICE_FRAME + 1);
    struct paging_translation found;
    struct paging_unmapped gone;
    memcpy(machine_frame(0), machine_frame(other.root.number), PAGING_PAGE_BYTES);
    assert_status(paging_translate(&other, (paging_virt_t){PLACE}, &found), PAGING_OK);
    assert_int_equal(found.address.value, (DEVICE_FRAME + 1) * PAGING_PAGE_BYTES);
    assert_status(paging_translate(&space, (paging_virt_t){PLACE}, &found), PAGING_OK);
    assert_int_equal(found.address.value, DEVICE_FRAME * PAGING_PAGE_BYTES);
    assert_status(paging_unmap(&space, rig_page(PLACE), machine_frames(), &gone), PAGING_OK);
    assert_int_equal(gone.frame.number, DEVICE_FRAME);
    assert_status(paging_destroy(&space, machine_frames()), PAGING_OK);
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("fast path: what would be a table if it were present is a marker", a_table_that_is_not_present),
#ifndef MACHINE_MMAP
    RIG_TEST("fast path: the very first pages, whose tables all look alike", the_first_pages),
#endif
    RIG_TEST("fast path: the root of another space in frame 0 is not entered", frame_0_is_a_root_too),
};

RIG_MAIN("fast path", tests)
