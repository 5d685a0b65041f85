/* steps.c - operations on the live tables, one instruction at a time: every page is as before or as after. */
#include "selftest/step_observer.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/window.h>

enum { IN_THE_MIDDLE = 100, STACK_PAGE = 300 };

/* In the image, so that it is where it is in every space. */
static struct paging_space foreign;

/* ---- the calls ---- */

static paging_virt_t start_of(const struct scene *scene)
{
    return test_address(scene->t, scene->page);
}

static void map(void *context)
{
    struct scene *scene = context;
    scene->status = paging_map_to(scene->space, scene->page, scene->frame, PAGING_WRITABLE, scene->t->source);
}

static void unmap(void *context)
{
    struct scene *scene = context;
    struct paging_unmapped gone;
    scene->status = paging_unmap(scene->space, scene->page, scene->t->source, &gone);
}

static void unmap_range(void *context)
{
    struct scene *scene = context;
    scene->status =
        paging_unmap_range(scene->space, start_of(scene), scene->pages * PAGING_PAGE_BYTES, scene->t->source);
}

static void make_read_only(void *context)
{
    struct scene *scene = context;
    scene->status = paging_protect_range(scene->space, start_of(scene), scene->pages * PAGING_PAGE_BYTES, 0,
                                         PAGING_WRITABLE, scene->t->source);
}

static void split(void *context)
{
    struct scene *scene = context;
    scene->status = paging_split(scene->space, scene->page, scene->t->source);
}

static void merge(void *context)
{
    struct scene *scene = context;
    scene->status =
        paging_merge_range(scene->space, start_of(scene), scene->pages * PAGING_PAGE_BYTES, scene->t->source);
}

/* ---- huge pages ---- */

/* A 2 MiB page at the first test page, or the test is skipped. Its end, its start and its middle are code. */
static bool map_huge(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    scene->page = test_page(t, 0);
    scene->pages = paging_level_pages(PAGING_2M);
    if (frames_allocate(t->frames, PAGING_2M, &scene->frame) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return false;
    }
    CHECK(paging_map_sized(t->space, scene->page, scene->frame, PAGING_2M, PAGING_WRITABLE, t->source) ==
          PAGING_OK);
    scene_tag(scene, scene->page, scene->pages);
    return true;
}

static void watch_huge(struct scene *scene)
{
    uint64_t first = scene->page.number - scene->page.number % paging_level_pages(PAGING_2M);
    scene_watch(scene, (paging_page_t){first});
    scene_watch(scene, (paging_page_t){first + IN_THE_MIDDLE});
    scene_watch(scene, (paging_page_t){first + paging_level_pages(PAGING_2M) - 1});
    scene_watch(scene, (paging_page_t){first + paging_level_pages(PAGING_2M)}); /* nothing is there */
}

static void unmap_huge(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    CHECK(paging_unmap_range(t->space, test_address(t, test_page(t, 0)), paging_level_bytes(PAGING_2M),
                             t->source) == PAGING_OK);
    CHECK(frames_free(t->frames, PAGING_2M, scene->frame) == FRAMES_OK);
}

static void split_and_merge(struct scene *scene, uint64_t stack_top)
{
    if (!map_huge(scene))
        return;
    watch_huge(scene);
    scene_step(scene, split, stack_top);
    watch_huge(scene);
    scene_step(scene, merge, stack_top);
    unmap_huge(scene);
}

static void play_split(struct scene *scene)
{
    split_and_merge(scene, 0);
}

/* The core pushes and pops in the very page that it splits, and so do the exceptions. */
static void play_split_under_stack(struct scene *scene)
{
    split_and_merge(scene, test_address(scene->t, test_page(scene->t, STACK_PAGE)).value);
}

/* Few pages are flushed one by one, many by a change of CR4.PGE. */
static void play_protect(struct scene *scene)
{
    static const uint64_t counts[] = {3, 200};
    for (unsigned i = 0; i < 2; i++) {
        if (!map_huge(scene))
            return;
        watch_huge(scene);
        scene->page.number += IN_THE_MIDDLE;
        scene->pages = counts[i];
        scene_step(scene, make_read_only, 0);
        unmap_huge(scene);
    }
}

/* ---- tables that come and go ---- */

static void watch_with_windows(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    scene_watch(scene, scene->page);
    scene_watch(scene, (paging_page_t){scene->page.number + 1});
    for (unsigned level = PAGING_2M; level < t->space->cpu.levels; level++)
        scene_add(scene, t->space,
                  paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, level, scene->page),
                  false);
}

static void play_all_tables(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &scene->frame) == FRAMES_OK))
        return;
    scene->page = test_page(t, 7);
    /* The frame must tell its name before it is seen for the first time. */
    map(scene);
    scene_tag(scene, scene->page, 1);
    unmap(scene);
    watch_with_windows(scene);
    scene_step(scene, map, 0);
    watch_with_windows(scene);
    scene_step(scene, unmap, 0);
    CHECK(frames_free(t->frames, PAGING_4K, scene->frame) == FRAMES_OK);
}

/* Owned pages on both sides of a GiB's end: two P1s, two P2s and a P3 are taken away by one call. */
static void play_reclaim(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    scene->page = test_page(t, paging_level_pages(PAGING_1G) - 2);
    scene->pages = 4;
    CHECK(paging_map_range_alloc(t->space, start_of(scene), scene->pages * PAGING_PAGE_BYTES, PAGING_WRITABLE,
                                 t->source) == PAGING_OK);
    scene_tag(scene, scene->page, scene->pages);
    watch_with_windows(scene);
    scene_watch(scene, (paging_page_t){scene->page.number + 3});
    scene_step(scene, unmap_range, 0);
}

/* ---- a space that is not live ---- */

static void watch_foreign(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    unsigned levels = t->space->cpu.levels;
    uint64_t table = (scene->page.number >> PAGING_INDEX_BITS) << PAGING_PAGE_SHIFT;
    scene_watch(scene, scene->page); /* the live one has another page there */
    scene_add(scene, &foreign, test_address(t, scene->page), false);
    scene_add(scene, t->space, (paging_virt_t){paging_alternate_window_base(levels, PAGING_4K).value + table},
              false);
}

static void play_foreign(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    struct paging_unmapped gone;
    scene->page = test_page(t, 7);
    CHECK(paging_map(t->space, scene->page, PAGING_WRITABLE, t->source) == PAGING_OK);
    scene_tag(scene, scene->page, 1);
    CHECK(paging_create_sibling(&foreign, t->space, t->source) == PAGING_OK);
    CHECK(paging_attach(t->space, &foreign) == PAGING_OK);
    scene->space = &foreign;
    scene->frame = t->space->root;
    watch_foreign(scene);
    scene_step(scene, map, 0);
    watch_foreign(scene);
    scene_step(scene, unmap, 0);
    CHECK(paging_detach(t->space, &foreign) == PAGING_OK);
    CHECK(paging_destroy(&foreign, t->source) == PAGING_OK);
    CHECK(paging_unmap(t->space, scene->page, t->source, &gone) == PAGING_OK);
}

/* ---- the tests ---- */

static void huge_split(struct selftest_run *t)
{
    scene_play(t, FORGETTING | REMEMBERING, play_split);
}

static void huge_split_under_stack(struct selftest_run *t)
{
    scene_play(t, REMEMBERING, play_split_under_stack);
}

static void huge_protect(struct selftest_run *t)
{
    scene_play(t, FORGETTING | REMEMBERING, play_protect);
}

static void tables_come_and_go(struct selftest_run *t)
{
    scene_play(t, FORGETTING | REMEMBERING, play_all_tables);
}

static void many_tables_go(struct selftest_run *t)
{
    scene_play(t, FORGETTING, play_reclaim);
}

static void foreign_edit(struct selftest_run *t)
{
    scene_play(t, FORGETTING | REMEMBERING, play_foreign);
}

const struct selftest step_tests[] = {
    {"steps: code runs from a 2 MiB page while it is split, and merged", huge_split},
    {"steps: the stack is in the page that is split, and merged", huge_split_under_stack},
    {"steps: rights of a part of a 2 MiB page change, few pages and many", huge_protect},
    {"steps: a page comes with all its tables, and goes with them", tables_come_and_go},
    {"steps: owned pages go with tables of all levels, in one call", many_tables_go},
    {"steps: a foreign space is edited, and no page of the live one changes", foreign_edit},
    {0},
};
