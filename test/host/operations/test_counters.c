/* SPDX-License-Identifier: MIT */
/*
 * Tests that each processor counts in a space for itself, where there are several (PAGING_PROCESSORS): on
 * soft three, on mmap one.
 */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <selfmap/gather.h>
#include <selfmap/list.h>
#include <selfmap/range.h>
#include <string.h>

#define AT(n) (PLACE + (uint64_t)(n)*PAGING_PAGE_BYTES)

static void must(enum paging_status status)
{
    assert_status(status, PAGING_OK);
    machine_reset_log(); /* what one operation has reserved is not for the next one */
}

/* Tables, pages and lists come and go, are flushed one by one and all at once. Nothing is left. */
static void change_everything(void)
{
    struct paging_space *space = &rig.space;
    struct paging_frame_source *frames = machine_frames();
    const paging_page_t pages[] = {rig_page(AT(1)), rig_page(AT(2)), rig_page(PLACE + 2 * MIB)};
    const paging_frame_t frame = {DEVICE_FRAME}, to[] = {frame, frame, frame};
    const paging_virt_t start = {PLACE + GIB}, other = {PLACE + 3 * GIB};
    struct paging_gather gather;
    must(paging_map(space, rig_page(PLACE), RW, frames));
    must(paging_map_list(space, pages, to, 3, RW, frames));
    must(paging_map_range(space, start, (paging_phys_t){DEVICE}, 4 * MIB, RW | PAGING_LARGEST_4K, frames));
    must(paging_remap(space, pages[0], frame, 0, false, frames, NULL));
    must(paging_protect(space, pages[1], NX, 0));
    must(paging_protect_range(space, start, 64 * KIB, 0, RW, frames));
    must(paging_move_range(space, start, other, 4 * MIB, frames));
    must(paging_gather_begin(&gather, space, frames));
    must(paging_gather_unmap_list(&gather, pages, 2, NULL));
    paging_gather_end(&gather);
    must(paging_unmap_list(space, pages + 2, 1, frames, NULL));
    must(paging_unmap(space, rig_page(PLACE), frames, NULL));
    must(paging_unmap_range(space, other, 4 * MIB, frames));
}

/* Of the whole space only the counters of the processor that changes it are written to. */
static void each_writes_to_its_own(void **state)
{
    rig_open();
    for (unsigned processor = 0; processor < PAGING_PROCESSORS; processor++) {
        machine_stay_on(processor);
        machine_reset_log();
        const struct paging_space before = rig.space;
        change_everything();
        struct paging_space after = rig.space;
        const struct paging_counters counted = after.counters[processor];
        assert_true(counted.flushes > before.counters[processor].flushes);
        assert_true(counted.full_flushes > before.counters[processor].full_flushes);
        assert_int_equal(counted.tables, before.counters[processor].tables);
        after.counters[processor] = before.counters[processor];
        assert_memory_equal(&after, &before, sizeof(after));
    }
    rig_check();
}

/* The tables that one processor takes, another one gives back. */
static void the_sum_is_what_there_is(void **state)
{
    struct paging_unmapped gone;
    rig_open();
    const uint64_t tables = paging_counted(&rig.space).tables;
    assert_int_equal(tables, rig_own_tables());
    machine_stay_on(0);
    must(paging_map(&rig.space, rig_page(PLACE), RW, machine_frames()));
    assert_int_equal(paging_counted(&rig.space).tables, tables + rig.model.levels - 1);
    const uint64_t own = rig.space.counters[0].tables;
    machine_stay_on(PAGING_PROCESSORS - 1);
    must(paging_unmap(&rig.space, rig_page(PLACE), machine_frames(), &gone));
    assert_int_equal(paging_counted(&rig.space).tables, tables);
    assert_int_equal(rig.space.counters[0].tables, PAGING_PROCESSORS > 1 ? own : tables);
    rig_check();
}

/* So that one processor's count does not take the line of another's away; one alone costs no room. */
static void each_has_a_cache_line(void **state)
{
    const size_t line = PAGING_PROCESSORS > 1 ? 64 : sizeof(uint64_t);
    rig_open();
    assert_int_equal(_Alignof(struct paging_counters), line);
    assert_int_equal((uintptr_t)rig.space.counters % line, 0);
    assert_int_equal(sizeof(rig.space.counters),
                     PAGING_PROCESSORS > 1 ? PAGING_PROCESSORS * line : 3 * sizeof(uint64_t));
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("counters: each processor writes to its own", each_writes_to_its_own),
    RIG_TEST("counters: the sum is what there is", the_sum_is_what_there_is),
    RIG_TEST("counters: those of several processors lie in cache lines of their own", each_has_a_cache_line),
};

RIG_MAIN("counters", tests)
