/* SPDX-License-Identifier: MIT */
/* Tests the source that counts the owners of frames, in front of the allocator. */
#include "frames/frame_rig.h"
#include "kernel/frames/frame_sharing.h"

/* Numbers for three blocks, in the middle of the memory there is. They begin as junk. */
static struct frames_sharing sharing;
static struct paging_frame_source *const source = &sharing.source;
static uint16_t owners[3 * FRAMES_CLUSTER_ITEMS + 1];
#define START (2 * BLOCK)
#define END   (5 * BLOCK)

static void begin_sharing(void)
{
    struct memory_region map = region(BLOCK, 8 * BLOCK, MEMORY_CONVENTIONAL);
    begin(&map, 1, JUNK_ONES);
    for (unsigned i = 0; i < 3 * FRAMES_CLUSTER_ITEMS + 1; i++)
        owners[i] = 0xa5a5;
    assert_int_equal(frames_sharing_bytes(frame_at(START), frame_at(END)), 2 * 3 * BLOCK);
    frames_sharing_init(&sharing, &frames.source, owners, frame_at(START), frame_at(END));
    assert_int_equal(owners[3 * FRAMES_CLUSTER_ITEMS], 0xa5a5);
}

/* Nothing was released twice, or with another size than it was handed out with. */
static int end_sharing(void **state)
{
    assert_int_equal(owners[3 * FRAMES_CLUSTER_ITEMS], 0xa5a5);
    assert_int_equal(frames.refused_releases + frames.refused_cuts, 0);
    assert_int_equal(frames_free_count(&frames), frames_total(&frames));
    return end_test(state);
}

/* Takes runs of this size until one lies where this frame is; the others go back. */
static paging_frame_t take_at(enum paging_size size, uint64_t number)
{
    static paging_frame_t others[8 * FRAMES_CLUSTER_ITEMS];
    unsigned count = 0;
    paging_frame_t frame = {0};
    do {
        assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_PAGE, size, &frame));
        others[count++] = frame;
    } while (frame.number != number);
    while (--count > 0)
        source->release(source, NULL, PAGING_FRAME_FOR_PAGE, size, others[count - 1]);
    return frame;
}

static void give(enum paging_size size, uint64_t number)
{
    source->release(source, NULL, PAGING_FRAME_FOR_PAGE, size, frame_at(number));
}

static bool share(enum paging_size size, uint64_t number)
{
    return source->share(source, NULL, size, frame_at(number));
}

static bool is_shared(enum paging_size size, uint64_t number)
{
    return source->is_shared(source, NULL, size, frame_at(number));
}

static void the_last_owner_gives_it_back(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t all = frames_free_count(&frames), frame = take_at(PAGING_4K, START + 7).number;
    assert_false(is_shared(PAGING_4K, frame));
    assert_true(share(PAGING_4K, frame));
    assert_true(share(PAGING_4K, frame));
    assert_true(is_shared(PAGING_4K, frame));
    assert_false(is_shared(PAGING_4K, frame + 1));
    assert_int_equal(frames_free_count(&frames), all - 1);
    give(PAGING_4K, frame);
    assert_true(is_shared(PAGING_4K, frame));
    give(PAGING_4K, frame);
    assert_false(is_shared(PAGING_4K, frame));
    assert_int_equal(frames_free_count(&frames), all - 1);
    give(PAGING_4K, frame);
    assert_int_equal(frames_free_count(&frames), all);
    assert_int_equal(take_at(PAGING_4K, frame).number, frame); /* and nobody shares it */
    give(PAGING_4K, frame);
    assert_int_equal(frames_free_count(&frames), all);
}

/* One owner has the run in parts, another one gives it back whole. */
static void a_run_is_counted_frame_by_frame(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t all = frames_free_count(&frames), run = take_at(PAGING_2M, START + BLOCK).number;
    assert_true(share(PAGING_2M, run));
    assert_true(is_shared(PAGING_2M, run));
    source->split(source, NULL, PAGING_2M, frame_at(run));
    give(PAGING_4K, run + 5);
    assert_false(is_shared(PAGING_4K, run + 5));
    assert_true(is_shared(PAGING_2M, run));
    give(PAGING_2M, run);
    assert_int_equal(frames_free_count(&frames), all - (BLOCK - 1));
    assert_false(is_shared(PAGING_4K, run));
    for (uint64_t i = 0; i < BLOCK; i++)
        if (i != 5)
            give(PAGING_4K, run + i);
    assert_int_equal(frames_free_count(&frames), all);
    assert_int_equal(take_at(PAGING_2M, run).number, run); /* it is one again */
    give(PAGING_2M, run);
}

/* A source behind that has one run of 1 GiB, and writes down what it is told. */
static struct {
    struct paging_frame_source source;
    unsigned splits[PAGING_1G + 1], joins[PAGING_1G + 1], unreserved;
    uint64_t released[PAGING_1G + 1];
} noted;

static void note_unreserve(struct paging_frame_source *behind, const struct paging_space *space)
{
    (void)behind, (void)space;
    noted.unreserved++;
}

static void note_release(struct paging_frame_source *behind, const struct paging_space *space,
                         enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)behind, (void)space, (void)use, (void)frame;
    noted.released[size]++;
}

static void note_split(struct paging_frame_source *behind, const struct paging_space *space,
                       enum paging_size size, paging_frame_t frame)
{
    (void)behind, (void)space, (void)frame;
    noted.splits[size]++;
}

static void note_join(struct paging_frame_source *behind, const struct paging_space *space,
                      enum paging_size size, paging_frame_t frame)
{
    (void)behind, (void)space, (void)frame;
    noted.joins[size]++;
}

static void a_gigabyte_is_split_and_joined(void **state)
{
    static uint16_t numbers[FRAMES_CLUSTER_ITEMS * FRAMES_CLUSTER_ITEMS];
    (void)state;
    noted.source = (struct paging_frame_source){
        .unreserve = note_unreserve, .release = note_release, .split = note_split, .join = note_join};
    frames_sharing_init(&sharing, &noted.source, numbers, frame_at(SUPERBLOCK), frame_at(2 * SUPERBLOCK));
    assert_true(share(PAGING_1G, SUPERBLOCK));
    assert_true(share(PAGING_1G, SUPERBLOCK));
    assert_int_equal(numbers[0], 3);
    assert_int_equal(noted.splits[PAGING_1G], 1); /* the second time it is already */
    assert_int_equal(noted.splits[PAGING_2M], BLOCK);
    give(PAGING_1G, SUPERBLOCK);
    give(PAGING_1G, SUPERBLOCK);
    assert_int_equal(noted.released[PAGING_1G] + noted.released[PAGING_4K], 0);
    source->split(source, NULL, PAGING_1G, frame_at(SUPERBLOCK));
    assert_int_equal(noted.splits[PAGING_1G], 1); /* it is already */
    source->join(source, NULL, PAGING_1G, frame_at(SUPERBLOCK));
    assert_int_equal(noted.joins[PAGING_2M], BLOCK);
    assert_int_equal(noted.joins[PAGING_1G], 1);
    source->split(source, NULL, PAGING_1G, frame_at(SUPERBLOCK));
    assert_int_equal(noted.splits[PAGING_1G], 2);
    give(PAGING_2M, SUPERBLOCK);
    assert_int_equal(noted.released[PAGING_2M], 1); /* as what it is: it was never shared since */
    source->unreserve(source, NULL);
    assert_int_equal(noted.unreserved, 1);
}

/* Some parts of the run that is joined were shared, others not. */
static void parts_that_were_shared_are_joined(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t run = take_at(PAGING_2M, START).number;
    source->split(source, NULL, PAGING_2M, frame_at(run));
    assert_true(share(PAGING_4K, run + 3));
    give(PAGING_4K, run + 3);
    source->join(source, NULL, PAGING_2M, frame_at(run));
    assert_false(is_shared(PAGING_2M, run));
    give(PAGING_2M, run);
}

static void what_cannot_be_counted_is_refused(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t last = take_at(PAGING_4K, END - 1).number, outside = take_at(PAGING_4K, END).number;
    uint64_t before = take_at(PAGING_4K, START - 1).number;
    assert_true(share(PAGING_4K, last));
    assert_false(share(PAGING_4K, outside));
    assert_false(share(PAGING_4K, before));
    assert_false(is_shared(PAGING_4K, outside));
    assert_false(share(PAGING_1G, 0)); /* which reaches beyond both ends */
    for (unsigned i = 2; i < FRAMES_MOST_OWNERS; i++)
        assert_true(share(PAGING_4K, last));
    assert_false(share(PAGING_4K, last));
    for (unsigned i = 0; i < FRAMES_MOST_OWNERS; i++)
        give(PAGING_4K, last);
    give(PAGING_4K, outside);
    give(PAGING_4K, before);
}

/* The numbers end in the middle of a run. */
static void a_run_that_ends_behind_the_numbers_is_refused(void **state)
{
    (void)state;
    begin_sharing();
    frames_sharing_init(&sharing, &frames.source, owners, frame_at(START), frame_at(END - 1));
    uint64_t run = take_at(PAGING_2M, END - BLOCK).number;
    assert_false(share(PAGING_2M, run));
    assert_int_equal(owners[run - START], 0);
    give(PAGING_2M, run);
}

static void share_up_to_the_most(uint64_t frame)
{
    while (owners[frame - START] < FRAMES_MOST_OWNERS)
        assert_true(share(PAGING_4K, frame));
}

static void give_all(uint64_t frame)
{
    for (unsigned left = owners[frame - START]; left > 0; left--)
        give(PAGING_4K, frame);
}

/* One of 512 frames has as many owners as can be counted: the others stay as they are. */
static void a_run_is_shared_whole_or_not_at_all(void **state)
{
    static const uint64_t places[] = {0, BLOCK - 1};
    (void)state;
    begin_sharing();
    for (unsigned i = 0; i < 2; i++) {
        uint64_t run = take_at(PAGING_2M, START).number;
        assert_true(share(PAGING_2M, run));
        share_up_to_the_most(run + places[i]);
        assert_false(share(PAGING_2M, run));
        assert_int_equal(owners[run - START + 1], 2);
        for (unsigned at = 0; at < BLOCK; at++)
            give_all(run + at);
    }
}

/* What the frame behind a run has does not matter to the run, and stays as it is. */
static void the_next_run_is_another_one(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t run = take_at(PAGING_2M, START).number, next = take_at(PAGING_4K, START + BLOCK).number;
    share_up_to_the_most(next);
    assert_true(share(PAGING_2M, run));
    assert_int_equal(owners[next - START], FRAMES_MOST_OWNERS);
    give_all(next);
    give(PAGING_2M, run);
    give(PAGING_2M, run);
}

/* Wherever in the run it lies. */
static void one_frame_makes_a_run_shared(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t run = take_at(PAGING_2M, START).number;
    assert_true(share(PAGING_2M, run));
    for (uint64_t i = 0; i < BLOCK; i++)
        if (i != 5)
            give(PAGING_4K, run + i);
    assert_true(is_shared(PAGING_2M, run));
    give(PAGING_4K, run + 5);
    assert_false(is_shared(PAGING_2M, run));
    give(PAGING_2M, run);
}

/* Tables are never shared, and reservations are the source's behind. */
static void everything_else_is_passed_on(void **state)
{
    (void)state;
    begin_sharing();
    uint64_t all = frames_free_count(&frames);
    paging_frame_t table;
    assert_true(source->reserve(source, NULL, all, 0));
    assert_true(sharing.is_reserved);
    source->unreserve(source, NULL);
    assert_false(sharing.is_reserved);
    assert_false(source->reserve(source, NULL, all, 1));
    assert_false(sharing.is_reserved);
    assert_true(source->allocate(source, NULL, PAGING_FRAME_FOR_TABLE, PAGING_4K, &table));
    source->release(source, NULL, PAGING_FRAME_FOR_TABLE, PAGING_4K, table);
    uint64_t run = take_at(PAGING_2M, END).number; /* beyond what is counted */
    source->split(source, NULL, PAGING_2M, frame_at(run));
    source->join(source, NULL, PAGING_2M, frame_at(run));
    give(PAGING_2M, run);
}

#define SHARING_TEST(name, function)            \
    {                                           \
        name, function, NULL, end_sharing, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST("sharing: the last owner gives the frame back", the_last_owner_gives_it_back),
        SHARING_TEST("sharing: a run is counted frame by frame", a_run_is_counted_frame_by_frame),
        SHARING_TEST("sharing: parts that were shared are joined", parts_that_were_shared_are_joined),
        SHARING_TEST("sharing: what cannot be counted is refused", what_cannot_be_counted_is_refused),
        SHARING_TEST("sharing: a run that ends behind the numbers is refused",
                     a_run_that_ends_behind_the_numbers_is_refused),
        SHARING_TEST("sharing: a run is shared whole or not at all", a_run_is_shared_whole_or_not_at_all),
        SHARING_TEST("sharing: the frame behind a run is not in it", the_next_run_is_another_one),
        SHARING_TEST("sharing: one frame makes a run shared", one_frame_makes_a_run_shared),
        SHARING_TEST("sharing: everything else is passed on", everything_else_is_passed_on),
        {"sharing: a gigabyte is split and joined", a_gigabyte_is_split_and_joined, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("frame sharing", tests, NULL, NULL);
}
