/* SPDX-License-Identifier: MIT */
/* frame_allocator.c - the frame allocator on this machine's memory. */
#include "selftest/selftest.h"

static void refusals(struct selftest_run *t)
{
    paging_frame_t frame;
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &frame) == FRAMES_OK))
        return;
    CHECK(frame.number >= 256); /* the first MiB is never handed out */
    CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_OK);
    uint64_t free = frames_free_count(t->frames);
    CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_DOUBLE_FREE);
    CHECK(frames_free(t->frames, PAGING_4K, (paging_frame_t){0}) == FRAMES_FOREIGN);
    CHECK(frames_free(t->frames, PAGING_4K,
                      paging_frame_containing((paging_phys_t){t->setup->stack_top - 8})) == FRAMES_FOREIGN);
    CHECK(frames_free(t->frames, PAGING_4K,
                      paging_frame_containing((paging_phys_t){(uintptr_t)frame_allocator_tests})) ==
          FRAMES_FOREIGN);
    CHECK(frames_free_count(t->frames) == free);
}

static bool in_memory_kind(const struct selftest_run *t, paging_frame_t frame)
{
    const struct selftest_setup *setup = t->setup;
    for (const struct memory_region *region = setup->memory; region < setup->memory + setup->memory_count;
         region++)
        if (frame.number >= region->start.number && frame.number < region->end.number)
            return memory_kind_is_usable(region->kind);
    return false;
}

static bool in_arena(const struct selftest_run *t, paging_frame_t frame)
{
    return frame.number >= t->setup->arena->start.number && frame.number < t->setup->arena->end.number;
}

/* Takes more than two blocks of 512 frames. */
static void frames_are_usable_and_distinct(struct selftest_run *t)
{
    enum { COUNT = 1200 };
    static paging_frame_t taken[COUNT];
    unsigned count = 0, wrong = 0;
    while (count < COUNT && frames_allocate(t->frames, PAGING_4K, &taken[count]) == FRAMES_OK) {
        wrong += !in_memory_kind(t, taken[count]) && !in_arena(t, taken[count]);
        for (unsigned i = 0; i < count; i++)
            wrong += taken[i].number == taken[count].number;
        count++;
    }
    CHECK(count == COUNT);
    CHECK(wrong == 0);
    while (count > 0)
        wrong += frames_free(t->frames, PAGING_4K, taken[--count]) != FRAMES_OK;
    CHECK(wrong == 0);
}

/* Takes all runs up to a limit. Frames of the arena are in none of them: they were taken one by one. */
static void runs_are_whole(struct selftest_run *t)
{
    enum { COUNT = 64 };
    static paging_frame_t taken[COUNT];
    unsigned count = 0, wrong = 0;
    uint64_t pages = paging_level_pages(PAGING_2M);
    while (count < COUNT && frames_allocate(t->frames, PAGING_2M, &taken[count]) == FRAMES_OK) {
        wrong += taken[count].number % pages != 0;
        for (uint64_t i = 0; i < pages; i++)
            wrong += !in_memory_kind(t, (paging_frame_t){taken[count].number + i});
        for (unsigned i = 0; i < count; i++)
            wrong += taken[i].number == taken[count].number;
        count++;
    }
    CHECK(wrong == 0);
    if (count == 0) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    CHECK(frames_free(t->frames, PAGING_4K, taken[0]) == FRAMES_WRONG_SIZE);
    CHECK(frames_free(t->frames, PAGING_2M, (paging_frame_t){taken[0].number + 1}) == FRAMES_MISALIGNED);
    while (count > 0)
        CHECK(frames_free(t->frames, PAGING_2M, taken[--count]) == FRAMES_OK);
}

static void gigabytes_are_aligned(struct selftest_run *t)
{
    paging_frame_t run;
    uint64_t free = frames_free_count(t->frames), pages = paging_level_pages(PAGING_1G), wrong = 0;
    if (frames_allocate(t->frames, PAGING_1G, &run) != FRAMES_OK) {
        t->skip = "no 1 GiB of memory in one piece";
        return;
    }
    CHECK(run.number % pages == 0 && frames_free_count(t->frames) == free - pages);
    for (uint64_t i = 0; i < pages; i += paging_level_pages(PAGING_2M))
        wrong += !in_memory_kind(t, (paging_frame_t){run.number + i});
    CHECK(wrong == 0);
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_WRONG_SIZE);
    CHECK(frames_free(t->frames, PAGING_1G, run) == FRAMES_OK);
}

/* Splits a run, joins it, splits it again, and gives it back frame by frame. */
static void runs_are_split_and_joined(struct selftest_run *t)
{
    paging_frame_t run, again;
    if (frames_allocate(t->frames, PAGING_2M, &run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    uint64_t free = frames_free_count(t->frames);
    CHECK(frames_split(t->frames, PAGING_2M, run) == FRAMES_OK);
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_WRONG_SIZE);
    CHECK(frames_join(t->frames, PAGING_2M, run) == FRAMES_OK);
    CHECK(frames_free(t->frames, PAGING_4K, run) == FRAMES_WRONG_SIZE);
    t->source->split(t->source, t->space, PAGING_2M, run);
    unsigned wrong = 0;
    for (uint64_t i = 0; i < paging_level_pages(PAGING_2M); i++) {
        t->source->release(t->source, t->space, PAGING_FRAME_FOR_PAGE, PAGING_4K,
                           (paging_frame_t){run.number + i});
        wrong += frames_join(t->frames, PAGING_2M, run) == FRAMES_OK;
        wrong += frames_free_count(t->frames) != free + i + 1;
    }
    CHECK(wrong == 0);
    if (CHECK(frames_allocate(t->frames, PAGING_2M, &again) == FRAMES_OK))
        CHECK(frames_free(t->frames, PAGING_2M, again) == FRAMES_OK);
}

static void screen_is_not_free(struct selftest_run *t)
{
    const struct framebuffer *screen = &t->setup->framebuffer;
    if (screen->width == 0) {
        t->skip = "there is no screen";
        return;
    }
    uint64_t start = screen->address.value, end = start + screen->bytes;
    for (size_t i = 0; i < t->setup->memory_count; i++) {
        const struct memory_region *region = &t->setup->memory[i];
        bool apart =
            paging_frame_start(region->end).value <= start || paging_frame_start(region->start).value >= end;
        CHECK(apart || !memory_kind_is_usable(region->kind));
    }
}

const struct selftest frame_allocator_tests[] = {
    {"frames: none lies in the framebuffer", screen_is_not_free},
    {"frames: double and foreign frees are refused", refusals},
    {"frames: each is usable memory, and none comes twice", frames_are_usable_and_distinct},
    {"frames: runs of 2 MiB are aligned, whole, and come back whole", runs_are_whole},
    {"frames: runs of 1 GiB are aligned, and come back whole", gigabytes_are_aligned},
    {"frames: a run is split, joined, and comes back frame by frame", runs_are_split_and_joined},
    {0},
};
