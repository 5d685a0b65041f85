/* SPDX-License-Identifier: MIT */
/*
 * test_frames_every.c - every state that an allocator of a few frames can reach, and every call in each.
 *
 * With tables of two entries a block has two frames and a superblock four, so six frames have all that 4 TiB
 * have: runs of each size, clusters that close, fill and split, ends that are cut off, lists, and memory that
 * is initialised late. A state is every byte of the allocator and its bookkeeping. Each call is made in the
 * states at the beginning, and in each new state again, until no call leads to a state that was not seen.
 */
#include "frames/frame_oracle.h"
#include "kernel/frames/zone.h"
#include <stdlib.h>
#include <string.h>

#define FIRST       ((uint64_t)256) /* below it, frames are left out */
#define MOST_FRAMES 10
#define MOST_BYTES  512
#define MOST_STATES ((size_t)1 << 19)
#define HASH_SLOTS  (2 * MOST_STATES)

/* What is added at the beginning: runs of frames from FIRST on, in use or free. */
struct start {
    struct {
        uint64_t start, end;
        bool taken;
    } runs[3];
};

/* All of a state, with what the oracle knows. */
struct state {
    struct frames frames;
    unsigned char bookkeeping[MOST_BYTES];
    unsigned char owners[MOST_FRAMES];
};

static unsigned char *memory; /* the bookkeeping, allocated with exactly the bytes it needs */
static uint64_t memory_bytes;
static struct state *states;
static size_t state_count;
static uint32_t *slots; /* of a hash table: the number of a state, plus one */

static uint64_t hash(const struct state *state)
{
    const uint64_t *words = (const uint64_t *)state;
    uint64_t mixed = 0;
    for (size_t i = 0; i < sizeof *state / sizeof *words; i++)
        mixed = (mixed ^ words[i] ^ (mixed >> 29)) * 0x9e3779b97f4a7c15;
    return mixed ^ mixed >> 32;
}

static void save(struct state *state)
{
    memset(state, 0, sizeof *state);
    state->frames = frames;
    memcpy(state->bookkeeping, memory, memory_bytes);
    memcpy(state->owners, &owners[FIRST], MOST_FRAMES);
}

static void load(const struct state *state)
{
    frames = state->frames;
    memcpy(memory, state->bookkeeping, memory_bytes);
    oracle_clear();
    for (unsigned i = 0; i < MOST_FRAMES; i++)
        oracle_set(FIRST + i, 1, state->owners[i], state->owners[i]);
}

/* Notes the present state, unless it was seen before. */
static void note(void)
{
    struct state *found = &states[state_count];
    save(found);
    size_t at = hash(found) % HASH_SLOTS;
    for (; slots[at] != 0; at = (at + 1) % HASH_SLOTS)
        if (memcmp(&states[slots[at] - 1], found, sizeof *found) == 0)
            return;
    slots[at] = (uint32_t)++state_count;
    assert_true(state_count < MOST_STATES);
}

static void expect_unchanged(const struct state *before)
{
    assert_int_equal(memcmp(&frames, &before->frames, sizeof frames), 0);
    assert_int_equal(memcmp(memory, before->bookkeeping, memory_bytes), 0);
}

/* ---- the calls ---- */

static void allocate(enum paging_size size)
{
    paging_frame_t frame = {77};
    bool expected = oracle_has(size);
    assert_int_equal(frames_allocate(&frames, size, &frame), expected ? FRAMES_OK : FRAMES_NONE);
    if (!expected) {
        assert_int_equal(frame.number, 77);
        return;
    }
    assert_int_equal(frame.number % pages_of(size), 0);
    for (uint64_t i = 0; i < pages_of(size); i++)
        assert_int_equal(owners[frame.number + i], FREE);
    oracle_set(frame.number, pages_of(size), taken_as(size), TAKEN_INSIDE);
}

static enum frames_status release(enum paging_size size, uint64_t frame)
{
    enum frames_status expected = oracle_free_status(size, frame);
    assert_int_equal(frames_free(&frames, size, frame_at(frame)), expected);
    if (expected == FRAMES_OK)
        oracle_set(frame, pages_of(size), FREE, FREE);
    return expected;
}

static enum frames_status split(enum paging_size size, uint64_t frame)
{
    enum frames_status expected = oracle_split_status(size, frame);
    assert_int_equal(frames_split(&frames, size, frame_at(frame)), expected);
    for (uint64_t i = 0; expected == FRAMES_OK && i < BLOCK; i++)
        oracle_set(frame + i * pages_of(size - 1), pages_of(size - 1), taken_as(size - 1), TAKEN_INSIDE);
    return expected;
}

static enum frames_status join(enum paging_size size, uint64_t frame)
{
    enum frames_status expected = oracle_join_status(size, frame);
    assert_int_equal(frames_join(&frames, size, frame_at(frame)), expected);
    if (expected == FRAMES_OK)
        oracle_set(frame, pages_of(size), taken_as(size), TAKEN_INSIDE);
    return expected;
}

static enum frames_status (*const operations[])(enum paging_size, uint64_t) = {release, split, join};

static void expect_counts(void)
{
    uint64_t ours = 0;
    for (unsigned i = 0; i < MOST_FRAMES; i++)
        ours += owners[FIRST + i] != FOREIGN;
    assert_int_equal(frames_free_count(&frames), free_frames);
    assert_int_equal(frames_total(&frames), ours);
    assert_int_equal(frames_handed_out(&frames), ours - free_frames);
    assert_true(frames.source.reserve(&frames.source, NULL, free_frames, 0));
    assert_false(frames.source.reserve(&frames.source, NULL, free_frames + 1, 0));
}

/* Asks for the first free frame of every run: the oracle finds the same, and no byte changes. */
static void expect_first_free(const struct state *before)
{
    for (uint64_t start = FIRST - 1; start <= FIRST + MOST_FRAMES; start++)
        for (uint64_t end = start; end <= FIRST + MOST_FRAMES; end++) {
            paging_frame_t frame = {77};
            uint64_t expected = start;
            while (expected < end && owners[expected] != FREE)
                expected++;
            struct frames_run run = {frame_at(start), frame_at(end)};
            assert_int_equal(frames_first_free(&frames, run, &frame), expected < end);
            assert_int_equal(frame.number, expected < end ? expected : 77);
        }
    expect_unchanged(before);
}

/* Makes every call in a state. What is refused changes no byte. */
static void visit(size_t number)
{
    load(&states[number]);
    expect_first_free(&states[number]);
    for (enum paging_size size = PAGING_4K; size <= PAGING_1G; size++) {
        load(&states[number]);
        allocate(size);
        expect_counts();
        note();
        load(&states[number]);
        for (unsigned operation = 0; operation < 3; operation++)
            for (uint64_t frame = FIRST - 1; frame <= FIRST + MOST_FRAMES; frame++) {
                enum frames_status status = operations[operation](size, frame);
                if (status != FRAMES_OK) {
                    expect_unchanged(&states[number]);
                    continue;
                }
                expect_counts();
                note();
                load(&states[number]);
            }
    }
}

static void begin_at(const struct start *start, unsigned char junk)
{
    memory_bytes = 0;
    for (unsigned i = 0; i < 3 && start->runs[i].end > 0; i++)
        memory_bytes +=
            frames_zone_bytes((struct frame_run){FIRST + start->runs[i].start, FIRST + start->runs[i].end});
    assert_true(memory_bytes <= MOST_BYTES);
    memory = malloc(memory_bytes);
    assert_non_null(memory);
    memset(memory, junk, memory_bytes);
    memset(&frames, 0, sizeof frames);
    frames_init(&frames, memory, memory_bytes);
    oracle_clear();
    for (unsigned i = 0; i < 3 && start->runs[i].end > 0; i++) {
        uint64_t first = FIRST + start->runs[i].start;
        uint64_t end = FIRST + start->runs[i].end;
        bool taken = start->runs[i].taken;
        assert_int_equal(
            (taken ? frames_add_taken : frames_add_free)(&frames, frame_at(first), frame_at(end)), FRAMES_OK);
        oracle_set(first, end - first, taken ? TAKEN_4K : FREE, taken ? TAKEN_4K : FREE);
    }
}

static void explore(const struct start *start)
{
    static const unsigned char junk[] = {0, 0xff};
    size_t visited = 0;
    for (unsigned i = 0; i < sizeof junk; i++) {
        memset(slots, 0, HASH_SLOTS * sizeof *slots);
        state_count = 0;
        begin_at(start, junk[i]);
        expect_counts();
        note();
        for (size_t next = 0; next < state_count; next++)
            visit(next);
        visited += state_count;
        free(memory);
    }
    print_message("# %zu states\n", visited);
    assert_true(visited > 2);
}

static void one_zone(void **state)
{
    (void)state;
    explore(&(struct start){.runs = {{0, 6, false}}});
}

static void ends_are_cut_off(void **state)
{
    (void)state;
    explore(&(struct start){.runs = {{1, 5, false}}});
    explore(&(struct start){.runs = {{3, 9, false}}});
}

static void two_zones(void **state)
{
    (void)state;
    explore(&(struct start){.runs = {{0, 2, false}, {3, 5, false}}});
    explore(&(struct start){.runs = {{4, 6, false}, {1, 2, false}}});
}

static void frames_in_use(void **state)
{
    (void)state;
    explore(&(struct start){.runs = {{4, 6, false}, {1, 3, true}}});
}

static int prepare(void **state)
{
    (void)state;
    states = malloc(MOST_STATES * sizeof *states);
    slots = malloc(HASH_SLOTS * sizeof *slots);
    return states == NULL || slots == NULL;
}

static int finish(void **state)
{
    (void)state;
    free(states);
    free(slots);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"frames: every call in every state of a zone", one_zone, NULL, NULL, NULL},
        {"frames: every call in every state of a zone that is cut off", ends_are_cut_off, NULL, NULL, NULL},
        {"frames: every call in every state of two zones", two_zones, NULL, NULL, NULL},
        {"frames: every call in every state of a zone that was adopted", frames_in_use, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("frames: every state", tests, prepare, finish);
}
