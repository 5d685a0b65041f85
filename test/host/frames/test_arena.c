/* SPDX-License-Identifier: MIT */
/* test_arena.c - the frames for the first tables are handed out from the bottom up, each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/frames/arena.h"

enum { START = 100, END = 612 };

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_start(&arena, (paging_frame_t){START}, (paging_frame_t){END});
    return 0;
}

static uint64_t take(void)
{
    paging_frame_t frame = {0};
    return arena.source.allocate(&arena.source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame) ? frame.number
                                                                                                : 0;
}

static void give(enum paging_size size, uint64_t frame)
{
    arena.source.release(&arena.source, NULL, PAGING_FRAME_FOR_PAGE, size, (paging_frame_t){frame});
}

static void frames_come_from_the_bottom_each_once(void **state)
{
    (void)state;
    for (uint64_t frame = START; frame < END; frame++) {
        assert_int_equal(take(), frame);
        assert_int_equal(arena.next.number, frame + 1);
    }
    assert_int_equal(take(), 0);
    assert_int_equal(arena.next.number, END);
    assert_int_equal(arena.start.number, START);
    assert_int_equal(arena.lost, 0);
}

static void it_reserves_what_it_has_and_no_more(void **state)
{
    (void)state;
    for (uint64_t left = END - START; left > 0; left--) {
        assert_true(arena.source.reserve(&arena.source, NULL, left, 0));
        assert_false(arena.source.reserve(&arena.source, NULL, left + 1, 0));
        arena.source.unreserve(&arena.source, NULL);
        assert_int_equal(arena.end.number - arena.next.number, left);
        (void)take();
    }
    assert_true(arena.source.reserve(&arena.source, NULL, 0, 0));
    assert_false(arena.source.reserve(&arena.source, NULL, 1, 0));
}

static void larger_frames_cannot_be_had(void **state)
{
    (void)state;
    paging_frame_t frame = {7};
    arena_start(&arena, (paging_frame_t){0}, (paging_frame_t){1 << 20});
    assert_false(arena.source.allocate(&arena.source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_2M, &frame));
    assert_false(arena.source.allocate(&arena.source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_1G, &frame));
    assert_int_equal(frame.number, 7);
    assert_int_equal(arena.next.number, 0);
}

static void what_was_handed_out_last_is_handed_out_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        (void)take();
    give(PAGING_4K, START + 2);
    give(PAGING_4K, START + 1);
    assert_int_equal(take(), START + 1);
    assert_int_equal(arena.lost, 0);
}

static void what_comes_back_out_of_order_is_counted_as_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        (void)take();
    give(PAGING_4K, START);
    assert_int_equal(arena.lost, 1);
    assert_int_equal(take(), START + 3);
}

/* As after a merge: 512 frames that were taken one by one are one run. */
static void a_joined_run_comes_back_as_one(void **state)
{
    (void)state;
    arena_start(&arena, (paging_frame_t){512}, (paging_frame_t){2048});
    for (unsigned i = 0; i < 1024; i++)
        (void)take();
    arena.source.join(&arena.source, NULL, PAGING_2M, (paging_frame_t){1024});
    give(PAGING_2M, 1024);
    assert_int_equal(take(), 1024);
    give(PAGING_2M, 512);
    assert_int_equal(arena.lost, 512);
}

int main(void)
{
#define TEST(name, function)                        \
    {                                               \
        "arena: " name, function, begin, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("frames come from the bottom up, each once", frames_come_from_the_bottom_each_once),
        TEST("it reserves what it has, and no more", it_reserves_what_it_has_and_no_more),
        TEST("larger frames cannot be had", larger_frames_cannot_be_had),
        TEST("what was handed out last is handed out again", what_was_handed_out_last_is_handed_out_again),
        TEST("what comes back out of order is counted as lost",
             what_comes_back_out_of_order_is_counted_as_lost),
        TEST("a joined run comes back as one", a_joined_run_comes_back_as_one),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
