/* frames.c - the frame allocator on this machine's memory. */
#include "selftest.h"

static void refusals(struct selftest_run *t)
{
    frame_t frame;
    if (!CHECK(frames_allocate(t->frames, PAGE_4K, &frame) == FRAMES_OK))
        return;
    CHECK(frame.number >= 256); /* never from the first MiB */
    CHECK(frames_free(t->frames, PAGE_4K, frame) == FRAMES_OK);
    uint64_t free = frames_free_count(t->frames);
    CHECK(frames_free(t->frames, PAGE_4K, frame) == FRAMES_DOUBLE_FREE);
    CHECK(frames_free(t->frames, PAGE_4K, (frame_t){0}) == FRAMES_FOREIGN);
    CHECK(frames_free(t->frames, PAGE_4K, frame_containing((phys_addr_t){t->handoff->stack_top - 8})) ==
          FRAMES_FOREIGN);
    CHECK(frames_free(t->frames, PAGE_4K, frame_containing((phys_addr_t){(uintptr_t)t->handoff})) ==
          FRAMES_FOREIGN);
    CHECK(frames_free_count(t->frames) == free);
}

static bool in_memory_kind(const struct selftest_run *t, frame_t frame)
{
    const struct handoff *handoff = t->handoff;
    for (const struct memory_region *region = handoff->memory;
         region < handoff->memory + handoff->memory_capacity; region++)
        if (frame.number >= region->start.number && frame.number < region->end.number)
            return memory_kind_is_usable(region->kind);
    return false;
}

static bool in_arena(const struct selftest_run *t, frame_t frame)
{
    return frame.number >= t->handoff->arena.start.number && frame.number < t->handoff->arena.end.number;
}

/* Chained through nothing but a small table: enough to cross from one block of 512 to the next. */
static void frames_are_usable_and_distinct(struct selftest_run *t)
{
    enum { COUNT = 1200 };
    static frame_t taken[COUNT];
    unsigned count = 0, wrong = 0;
    while (count < COUNT && frames_allocate(t->frames, PAGE_4K, &taken[count]) == FRAMES_OK) {
        wrong += !in_memory_kind(t, taken[count]) && !in_arena(t, taken[count]);
        for (unsigned i = 0; i < count; i++)
            wrong += taken[i].number == taken[count].number;
        count++;
    }
    CHECK(count == COUNT);
    CHECK(wrong == 0);
    while (count > 0)
        wrong += frames_free(t->frames, PAGE_4K, taken[--count]) != FRAMES_OK;
    CHECK(wrong == 0);
}

const struct selftest frame_tests[] = {
    {"frames: double and foreign frees are refused", refusals},
    {"frames: each is usable memory, and none comes twice", frames_are_usable_and_distinct},
    {0},
};
