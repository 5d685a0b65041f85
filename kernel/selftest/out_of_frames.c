/* SPDX-License-Identifier: MIT */
/* out_of_frames.c - operations with too few frames: they take none and change nothing. */
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/for_each.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>

/* Hands out a given number of frames of another source, and watches how the core asks for them. */
struct rationed_source {
    struct paging_frame_source source;
    struct paging_frame_source *from;
    const struct paging_space *space; /* the one whose operations these are */
    unsigned left;
    bool held;                   /* there is a reservation */
    uint64_t reserved[2], of[2]; /* by use: what is left of it, and frames that are out */
    unsigned wrong;              /* calls that break the rules. Stays 0 */
};

static bool rationed_reserve(struct paging_frame_source *source, const struct paging_space *space,
                             uint64_t tables, uint64_t pages)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    ration->wrong += ration->held || space != ration->space;
    if (ration->left < tables + pages || !ration->from->reserve(ration->from, space, tables, pages))
        return false;
    ration->held = true;
    ration->reserved[PAGING_FRAME_FOR_TABLE] = tables;
    ration->reserved[PAGING_FRAME_FOR_PAGE] = pages;
    return true;
}

static void rationed_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    ration->wrong += !ration->held || space != ration->space;
    ration->held = false;
    ration->from->unreserve(ration->from, space);
}

static bool rationed_allocate(struct paging_frame_source *source, const struct paging_space *space,
                              enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    uint64_t count = paging_level_pages(size);
    ration->wrong += space != ration->space || (ration->held && ration->reserved[use] < count);
    if (ration->left < count || !ration->from->allocate(ration->from, space, use, size, frame))
        return false;
    ration->left -= (unsigned)count;
    ration->reserved[use] -= ration->held ? count : 0;
    ration->of[use] += count;
    return true;
}

static void rationed_release(struct paging_frame_source *source, const struct paging_space *space,
                             enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    ration->wrong += space != ration->space;
    ration->of[use] -= paging_level_pages(size);
    ration->from->release(ration->from, space, use, size, frame);
}

static void rationed_split(struct paging_frame_source *source, const struct paging_space *space,
                           enum paging_size size, paging_frame_t frame)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    ration->from->split(ration->from, space, size, frame);
}

static void rationed_join(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_size size, paging_frame_t frame)
{
    struct rationed_source *ration = (struct rationed_source *)source;
    ration->from->join(ration->from, space, size, frame);
}

static struct rationed_source rationed(struct selftest_run *t, unsigned left)
{
    return (struct rationed_source){
        .source = {.reserve = rationed_reserve,
                   .unreserve = rationed_unreserve,
                   .allocate = rationed_allocate,
                   .release = rationed_release,
                   .split = rationed_split,
                   .join = rationed_join},
        .from = t->source,
        .space = t->space,
        .left = left,
    };
}

/* Returns whether the core has asked by the rules, and holds nothing. */
static bool is_at_rest(const struct rationed_source *ration)
{
    return ration->wrong == 0 && !ration->held && ration->of[PAGING_FRAME_FOR_TABLE] == 0 &&
           ration->of[PAGING_FRAME_FOR_PAGE] == 0;
}

static void out_of_frames_leaks_nothing(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    unsigned needed = t->space->cpu.levels; /* a table for each level below the root, and the page */
    uint64_t free = frames_free_count(t->frames);
    for (unsigned left = 0; left < needed; left++) {
        struct rationed_source ration = rationed(t, left);
        struct paging_translation found;
        CHECK_STATUS(paging_map(t->space, page, 0, &ration.source), PAGING_NO_FRAMES);
        CHECK(frames_free_count(t->frames) == free && is_at_rest(&ration));
        CHECK_STATUS(paging_translate(t->space, test_address(t, page), &found), PAGING_NOT_MAPPED);
    }
    struct rationed_source enough = rationed(t, needed);
    CHECK_OK(paging_map(t->space, page, 0, &enough.source));
    CHECK(!enough.held && enough.of[PAGING_FRAME_FOR_TABLE] == needed - 1);
    CHECK(enough.of[PAGING_FRAME_FOR_PAGE] == 1);
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(t->space, page, &enough.source, &gone));
    CHECK(is_at_rest(&enough));
}

/* Adds an entry, without accessed and dirty bits, to a hash of all entries. */
static enum paging_visit add_to_digest(void *context, const struct paging_entry_info *info)
{
    uint64_t *digest = context;
    uint64_t bits = info->entry.bits & ~(PAGING_ACCESSED | PAGING_DIRTY);
    *digest = (*digest ^ info->first.number ^ bits) * UINT64_C(0x100000001b3) + info->level;
    return PAGING_VISIT_NEXT;
}

static uint64_t digest(struct selftest_run *t)
{
    uint64_t sum = 0;
    CHECK_OK(paging_for_each(t->space, add_to_digest, &sum));
    return sum;
}

/* Each of these operations splits the huge page, which takes a table. */
static void splits_need_frames(struct selftest_run *t, paging_page_t huge)
{
    struct rationed_source none = rationed(t, 0);
    paging_virt_t inside = {test_address(t, huge).value + 9 * PAGING_PAGE_BYTES};
    struct paging_translation found = {0};
    uint64_t free = frames_free_count(t->frames), before = digest(t);
    CHECK_STATUS(paging_protect_range(t->space, inside, PAGING_PAGE_BYTES, 0, PAGING_WRITABLE, &none.source),
                 PAGING_NO_FRAMES);
    CHECK_STATUS(paging_unmap_range(t->space, inside, PAGING_PAGE_BYTES, &none.source), PAGING_NO_FRAMES);
    CHECK_STATUS(paging_split(t->space, huge, &none.source), PAGING_NO_FRAMES);
    CHECK(digest(t) == before && frames_free_count(t->frames) == free && is_at_rest(&none));
    CHECK(paging_translate(t->space, inside, &found) == PAGING_OK && found.size == PAGING_2M);
    CHECK(!safe_write(inside, 1).faulted);
}

/* Maps two small pages on each side of a P1's end, which takes two P1s and one table of each level above. */
static void ranges_change_nothing(struct selftest_run *t)
{
    paging_page_t first = test_page(t, paging_level_pages(PAGING_2M) - 2),
                  huge = test_page(t, 4 * paging_level_pages(PAGING_2M));
    paging_virt_t start = test_address(t, first);
    uint64_t bytes = 4 * PAGING_PAGE_BYTES;
    unsigned needed = t->space->cpu.levels;
    paging_frame_t run;
    if (frames_allocate(t->frames, PAGING_2M, &run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    uint64_t before = digest(t), free = frames_free_count(t->frames);
    for (unsigned left = 0; left < needed; left++) {
        struct rationed_source ration = rationed(t, left);
        CHECK_STATUS(paging_map_range(t->space, start, paging_frame_start(run), bytes, 0, &ration.source),
                     PAGING_NO_FRAMES);
        CHECK(ration.left == left && is_at_rest(&ration) && frames_free_count(t->frames) == free &&
              digest(t) == before);
    }
    struct rationed_source enough = rationed(t, needed);
    CHECK_OK(paging_map_range(t->space, start, paging_frame_start(run), bytes, 0, &enough.source));
    CHECK(enough.left == 0 && !enough.held && enough.wrong == 0 && digest(t) != before);
    CHECK(enough.of[PAGING_FRAME_FOR_TABLE] == needed);
    CHECK_OK(paging_map_sized(t->space, huge, run, PAGING_2M, PAGING_WRITABLE, t->source));
    splits_need_frames(t, huge);
    CHECK_OK(paging_unmap_range(t->space, start, paging_level_bytes(PAGING_1G) - bytes, t->source));
    CHECK(digest(t) == before);
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_OK);
}

const struct selftest out_of_frames_tests[] = {
    {"map: out of frames leaks nothing, wherever it happens", out_of_frames_leaks_nothing},
    {"range: out of frames at any number, nothing has changed", ranges_change_nothing},
    {0},
};
