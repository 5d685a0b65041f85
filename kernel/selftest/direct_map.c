/* SPDX-License-Identifier: MIT */
/*
 * direct_map.c - a second space that lives through a direct map: edited while it is inactive, switched to,
 * and changed through its own tables while the processor uses them.
 *
 * The loader maps only its regions, not all memory. So the frames for the tables of these spaces come from a
 * pool, and each of them is mapped at its address plus an offset, in the kernel's space and in the other one.
 */
#include "selftest/direct_map.h"
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

enum { MAGIC = 0xd1ec, POOL_FRAMES = 128 };

/* ---- the pool: frames that are mapped at their address plus the offset ---- */

static struct pool {
    struct paging_frame_source source;
    uintptr_t offset;
    unsigned count, free_count;
    paging_frame_t frames[POOL_FRAMES], free[POOL_FRAMES];
} pool;

/* Static, because every space here maps the image. */
static struct paging_space direct, sibling;

static bool pool_reserve(struct paging_frame_source *source, const struct paging_space *space,
                         uint64_t tables, uint64_t pages)
{
    (void)space;
    return ((struct pool *)source)->free_count >= tables + pages;
}

/* Nobody else takes frames of the pool, so nothing was held. */
static void pool_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source, (void)space;
}

static bool pool_allocate(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    struct pool *from = (struct pool *)source;
    (void)space, (void)use;
    if (size != PAGING_4K || from->free_count == 0)
        return false;
    *frame = from->free[--from->free_count];
    return true;
}

static void pool_release(struct paging_frame_source *source, const struct paging_space *space,
                         enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    struct pool *to = (struct pool *)source;
    (void)space, (void)use;
    if (size == PAGING_4K)
        to->free[to->free_count++] = frame;
}

/* The pool has no larger runs, so none is ever split or joined. */
static void pool_resize(struct paging_frame_source *source, const struct paging_space *space,
                        enum paging_size size, paging_frame_t frame)
{
    (void)source, (void)space, (void)size, (void)frame;
}

/* Where a frame of the pool is mapped: in the slots after the first one of the test pages. */
static paging_page_t pool_page(const struct selftest_run *t, paging_frame_t frame)
{
    return test_page(t, paging_level_pages(t->space->cpu.levels) + frame.number);
}

static void close_pool(struct selftest_run *t)
{
    struct paging_unmapped gone;
    CHECK(pool.free_count == pool.count);
    for (unsigned i = 0; i < pool.count; i++) {
        CHECK_OK(paging_unmap(t->space, pool_page(t, pool.frames[i]), t->source, &gone));
        CHECK(frames_free(t->frames, PAGING_4K, pool.frames[i]) == FRAMES_OK);
    }
}

static bool open_pool(struct selftest_run *t)
{
    uint64_t slot = paging_level_pages(t->space->cpu.levels);
    if (!test_has_slots(t, 1 + (test_memory_pages(t) + slot - 1) / slot))
        return false;
    pool = (struct pool){.source = {.reserve = pool_reserve,
                                    .unreserve = pool_unreserve,
                                    .allocate = pool_allocate,
                                    .release = pool_release,
                                    .split = pool_resize,
                                    .join = pool_resize},
                         .offset = test_address(t, pool_page(t, (paging_frame_t){0})).value};
    for (; pool.count < POOL_FRAMES; pool.count++) {
        paging_frame_t frame;
        if (!CHECK(frames_allocate(t->frames, PAGING_4K, &frame) == FRAMES_OK))
            break;
        pool.frames[pool.count] = pool.free[pool.free_count++] = frame;
        uint64_t rights = PAGING_WRITABLE | no_execute(t);
        if (CHECK_OK(paging_map_to(t->space, pool_page(t, frame), frame, rights, t->source)))
            continue;
        pool.free_count--;
        CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_OK);
        break;
    }
    if (pool.count == POOL_FRAMES)
        return true;
    close_pool(t);
    return false;
}

/* ---- a space in which the kernel can run ---- */

static bool open_direct(struct selftest_run *t)
{
    if (!open_pool(t))
        return false;
    if (CHECK_OK(paging_create_direct(&direct, t->space->cpu, pool.offset, &pool.source))) {
        CHECK(paging_counted(&direct).tables == 1 && direct.mode == PAGING_MODE_DIRECT);
        if (CHECK(test_map_lower_half(t, &direct, 0, &pool.source) == PAGING_OK))
            return true;
        CHECK_OK(paging_destroy(&direct, &pool.source));
    }
    close_pool(t);
    return false;
}

static void close_direct(struct selftest_run *t)
{
    CHECK_OK(paging_destroy(&direct, &pool.source));
    close_pool(t);
}

/* ---- what the processor sees of a change ---- */

/* Of the direct space: a page in the slot that is the kernel's recursive one. */
static paging_page_t high_page(const struct selftest_run *t, uint64_t n)
{
    return (paging_page_t){PAGING_RECURSIVE_SLOT * paging_level_pages(t->space->cpu.levels) + n};
}

static void unmap_faults(struct selftest_run *t, paging_page_t page, paging_page_t neighbour)
{
    struct paging_unmapped gone;
    struct safe_access access;
    paging_virt_t address = test_address(t, page);
    CHECK_OK(paging_map(&direct, page, PAGING_WRITABLE, &pool.source));
    CHECK_OK(paging_map(&direct, neighbour, PAGING_WRITABLE, &pool.source));
    CHECK(!safe_write(address, MAGIC).faulted);
    access = safe_read(address);
    CHECK(!access.faulted && access.value == MAGIC);
    CHECK_OK(paging_protect_range(&direct, address, PAGING_PAGE_BYTES, 0, PAGING_WRITABLE, &pool.source));
    CHECK(safe_write(address, 0).faulted && !safe_read(address).faulted);
    uint64_t flushes = paging_counted(&direct).flushes;
    CHECK_OK(paging_unmap(&direct, page, &pool.source, &gone));
    CHECK(paging_counted(&direct).flushes == flushes + 1 && safe_read(address).faulted);
    CHECK(!safe_read(test_address(t, neighbour)).faulted);
    CHECK_OK(paging_unmap(&direct, neighbour, &pool.source, &gone)); /* and with it all tables */
    CHECK(paging_counted(&direct).flushes == flushes + 2 && safe_read(test_address(t, neighbour)).faulted);
}

/* The P1 holds a marker only, and the processor meets it. When it goes the processor must not go there. */
static void marker_tables_are_forgotten(struct selftest_run *t, paging_page_t page)
{
    paging_virt_t address = test_address(t, page);
    uint64_t value = 0, tables = paging_counted(&direct).tables, flushes = paging_counted(&direct).flushes;
    CHECK_OK(paging_set_marker(&direct, page, MAGIC, &pool.source));
    CHECK(safe_read(address).faulted);
    CHECK_OK(paging_clear_marker(&direct, page, &pool.source, &value));
    CHECK(value == MAGIC && paging_counted(&direct).tables == tables &&
          paging_counted(&direct).flushes == flushes + 1);
    CHECK(safe_read(address).faulted);
    CHECK_OK(paging_map(&direct, page, PAGING_WRITABLE, &pool.source)); /* its tables take the same frames */
    CHECK(!safe_write(address, MAGIC).faulted);
    CHECK_OK(paging_unmap_range(&direct, address, PAGING_PAGE_BYTES, &pool.source));
    CHECK(safe_read(address).faulted && paging_counted(&direct).tables == tables);
}

void direct_map_is_lived_in(struct selftest_run *t)
{
    paging_page_t own = test_page(t, 5);
    struct safe_access access;
    struct paging_unmapped gone;
    if (!open_direct(t))
        return;
    CHECK_STATUS(paging_attach(t->space, &direct), PAGING_NOT_SUPPORTED);
    paging_frame_t frame = {0};
    bool has_frame = CHECK(pool_allocate(&pool.source, &direct, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame));
    if (has_frame) {
        *(volatile uint64_t *)(pool.offset + paging_frame_start(frame).value) = MAGIC + 1;
        CHECK_OK(paging_map_to(&direct, own, frame, 0, &pool.source));
        CHECK(paging_counted(&direct).flushes + paging_counted(&direct).full_flushes == 0 &&
              safe_read(test_address(t, own)).faulted);

        CHECK_OK(paging_switch_to(t->space, &direct));
        CHECK(direct.mode == PAGING_MODE_DIRECT_ACTIVE && t->space->mode == PAGING_MODE_UNREACHABLE);
        access = safe_read(test_address(t, own));
        CHECK(!access.faulted && access.value == MAGIC + 1);
        unmap_faults(t, high_page(t, 5), high_page(t, 6));
        unmap_faults(t, test_page(t, 7), test_page(t, 8));
        marker_tables_are_forgotten(t, high_page(t, 5));
        CHECK_OK(paging_switch_to(&direct, t->space));

        CHECK(direct.mode == PAGING_MODE_DIRECT && t->space->mode == PAGING_MODE_RECURSIVE);
        CHECK(safe_read(test_address(t, own)).faulted);
        CHECK_OK(paging_unmap(&direct, own, &pool.source, &gone)); /* no attaching: it is reached as before */
        pool_release(&pool.source, &direct, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
    }
    close_direct(t);
}

/* A third space, edited while the second one is active: nothing is attached, and nothing is flushed. */
void direct_map_edits_others(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 5);
    paging_virt_t address = test_address(t, page);
    struct paging_translation found = {0};
    if (!open_direct(t))
        return;
    CHECK_OK(paging_switch_to(t->space, &direct));
    uint64_t flushes = paging_counted(&direct).flushes + paging_counted(&direct).full_flushes;
    if (CHECK_OK(paging_create_sibling(&sibling, &direct, &pool.source))) {
        CHECK(sibling.by_direct_map && sibling.mode == PAGING_MODE_DIRECT);
        CHECK_OK(paging_map(&sibling, page, PAGING_WRITABLE, &pool.source));
        CHECK_OK(paging_map_range_alloc(&sibling, test_address(t, high_page(t, 0)), 4 * PAGING_PAGE_BYTES, 0,
                                        &pool.source));
        CHECK_OK(paging_translate(&sibling, address, &found));
        CHECK(safe_read(address).faulted);
        CHECK_OK(paging_unmap_range(&sibling, address, PAGING_PAGE_BYTES, &pool.source));
        CHECK(paging_counted(&direct).flushes + paging_counted(&direct).full_flushes +
                  paging_counted(&sibling).flushes + paging_counted(&sibling).full_flushes ==
              flushes);
        CHECK_STATUS(paging_destroy(&direct, &pool.source), PAGING_ACTIVE);
        CHECK_OK(paging_destroy(&sibling, &pool.source));
    }
    CHECK_OK(paging_switch_to(&direct, t->space));
    close_direct(t);
}
