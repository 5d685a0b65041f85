/* SPDX-License-Identifier: MIT */
/* single_stepping.c - after every instruction of an operation, each page is as before or as after it. */
#include "selftest/step_observer.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/window.h>

enum { MIDDLE_PAGE = 100, STACK_PAGE = 300 };

static struct paging_space other; /* static, because it must not move */

/* ---- the operations ---- */

static paging_virt_t start_of(const struct step_observer *o)
{
    return test_address(o->t, o->page);
}

static void map(void *context)
{
    struct step_observer *o = context;
    o->status = paging_map_to(o->space, o->page, o->frame, PAGING_WRITABLE, o->t->source);
}

static void unmap(void *context)
{
    struct step_observer *o = context;
    struct paging_unmapped gone;
    o->status = paging_unmap(o->space, o->page, o->t->source, &gone);
}

static void unmap_range(void *context)
{
    struct step_observer *o = context;
    o->status = paging_unmap_range(o->space, start_of(o), o->pages * PAGING_PAGE_BYTES, o->t->source);
}

static void make_read_only(void *context)
{
    struct step_observer *o = context;
    o->status = paging_protect_range(o->space, start_of(o), o->pages * PAGING_PAGE_BYTES, 0, PAGING_WRITABLE,
                                     o->t->source);
}

static void split(void *context)
{
    struct step_observer *o = context;
    o->status = paging_split(o->space, o->page, o->t->source);
}

static void merge(void *context)
{
    struct step_observer *o = context;
    o->status = paging_merge_range(o->space, start_of(o), o->pages * PAGING_PAGE_BYTES, o->t->source);
}

/* ---- huge pages ---- */

/* Maps a 2 MiB page at the first test page and tags all of it. Skips the test without memory for it. */
static bool map_huge(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    o->page = test_page(t, 0);
    o->pages = paging_level_pages(PAGING_2M);
    if (frames_allocate(t->frames, PAGING_2M, &o->frame) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return false;
    }
    if (!CHECK_OK(paging_map_sized(t->space, o->page, o->frame, PAGING_2M, PAGING_WRITABLE, t->source))) {
        CHECK(frames_free(t->frames, PAGING_2M, o->frame) == FRAMES_OK);
        return false;
    }
    tag_pages(o, o->page, o->pages);
    return true;
}

static void observe_huge(struct step_observer *o)
{
    uint64_t first = o->page.number - o->page.number % paging_level_pages(PAGING_2M);
    observe_page(o, (paging_page_t){first});
    observe_page(o, (paging_page_t){first + MIDDLE_PAGE});
    observe_page(o, (paging_page_t){first + paging_level_pages(PAGING_2M) - 1});
    observe_page(o, (paging_page_t){first + paging_level_pages(PAGING_2M)}); /* is not mapped */
}

static void unmap_huge(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    CHECK_OK(paging_unmap_range(t->space, test_address(t, test_page(t, 0)), paging_level_bytes(PAGING_2M),
                                t->source));
    CHECK(frames_free(t->frames, PAGING_2M, o->frame) == FRAMES_OK);
}

static void split_and_merge(struct step_observer *o, uint64_t stack_top)
{
    if (!map_huge(o))
        return;
    observe_huge(o);
    observe_operation(o, split, stack_top);
    observe_huge(o);
    observe_operation(o, merge, stack_top);
    unmap_huge(o);
}

static void step_split(struct step_observer *o)
{
    split_and_merge(o, 0);
}

/* The stack of the operation and of the exceptions lies in the page that is split. */
static void step_split_under_stack(struct step_observer *o)
{
    split_and_merge(o, test_address(o->t, test_page(o->t, STACK_PAGE)).value);
}

/* The core flushes few pages one by one, and many with the whole TLB. */
static void step_protect(struct step_observer *o)
{
    static const uint64_t counts[] = {3, 200};
    for (unsigned i = 0; i < 2; i++) {
        if (!map_huge(o))
            return;
        observe_huge(o);
        o->page.number += MIDDLE_PAGE;
        o->pages = counts[i];
        observe_operation(o, make_read_only, 0);
        unmap_huge(o);
    }
}

/* ---- tables that come and go ---- */

static void observe_with_windows(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    observe_page(o, o->page);
    observe_page(o, (paging_page_t){o->page.number + 1});
    for (unsigned level = PAGING_2M; level < t->space->cpu.levels; level++)
        observe_address(o, t->space,
                        paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, level, o->page),
                        false);
}

static void step_all_tables(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &o->frame) == FRAMES_OK))
        return;
    o->page = test_page(t, 7);
    /* The frame is tagged before it is observed for the first time. */
    map(o);
    tag_pages(o, o->page, 1);
    unmap(o);
    observe_with_windows(o);
    observe_operation(o, map, 0);
    observe_with_windows(o);
    observe_operation(o, unmap, 0);
    CHECK(frames_free(t->frames, PAGING_4K, o->frame) == FRAMES_OK);
}

/* Unmaps owned pages on both sides of a GiB's end: one call frees two P1s, two P2s and a P3. */
static void step_many_tables(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    o->page = test_page(t, paging_level_pages(PAGING_1G) - 2);
    o->pages = 4;
    CHECK_OK(paging_map_range_alloc(t->space, start_of(o), o->pages * PAGING_PAGE_BYTES, PAGING_WRITABLE,
                                    t->source));
    tag_pages(o, o->page, o->pages);
    observe_with_windows(o);
    observe_page(o, (paging_page_t){o->page.number + 3});
    observe_operation(o, unmap_range, 0);
}

/* ---- an inactive space ---- */

static void observe_other(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    unsigned levels = t->space->cpu.levels;
    uint64_t table = (o->page.number >> PAGING_INDEX_BITS) << PAGING_PAGE_SHIFT;
    observe_page(o, o->page); /* the active space maps another page there */
    observe_address(o, &other, test_address(t, o->page), false);
    observe_address(o, t->space,
                    (paging_virt_t){paging_alternate_window_base(levels, PAGING_4K).value + table}, false);
}

static void step_other_space(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    struct paging_unmapped gone;
    o->page = test_page(t, 7);
    CHECK_OK(paging_map(t->space, o->page, PAGING_WRITABLE, t->source));
    tag_pages(o, o->page, 1);
    if (!CHECK_OK(paging_create_sibling(&other, t->space, t->source)))
        return;
    CHECK_OK(paging_attach(t->space, &other));
    o->space = &other;
    o->frame = t->space->root;
    observe_other(o);
    observe_operation(o, map, 0);
    observe_other(o);
    observe_operation(o, unmap, 0);
    CHECK_OK(paging_detach(t->space, &other));
    CHECK_OK(paging_destroy(&other, t->source));
    CHECK_OK(paging_unmap(t->space, o->page, t->source, &gone));
}

/* ---- the tests ---- */

static void huge_split(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_FLUSHED | OBSERVE_CACHED, step_split);
}

static void huge_split_under_stack(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_CACHED, step_split_under_stack);
}

static void huge_protect(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_FLUSHED | OBSERVE_CACHED, step_protect);
}

static void tables_come_and_go(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_FLUSHED | OBSERVE_CACHED, step_all_tables);
}

static void many_tables_go(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_FLUSHED, step_many_tables);
}

static void other_space_edit(struct selftest_run *t)
{
    observe_steps(t, OBSERVE_FLUSHED | OBSERVE_CACHED, step_other_space);
}

const struct selftest single_step_tests[] = {
    {"steps: code runs from a 2 MiB page while it is split, and merged", huge_split},
    {"steps: the stack is in the page that is split, and merged", huge_split_under_stack},
    {"steps: rights of a part of a 2 MiB page change, few pages and many", huge_protect},
    {"steps: a page comes with all its tables, and goes with them", tables_come_and_go},
    {"steps: owned pages go with tables of all levels, in one call", many_tables_go},
    {"steps: an attached space is edited, and no page of the active one changes", other_space_edit},
    {0},
};
