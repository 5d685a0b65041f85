/* SPDX-License-Identifier: MIT */
/* frame_users: a run goes back to the source behind with its last user, whatever the table looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/faults/frame_users.h"

enum { FRAMES = 24, PLACES = 16 };

static struct frame_users users;
static struct frame_count table[PLACES];

/* ---- the source behind: writes down what reaches it ---- */

static struct {
    unsigned reserves, unreserves, splits, joins;
    bool refuses;
    int released; /* the last frame, or -1 */
} behind;

static bool reserve(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                    uint64_t pages)
{
    assert_int_equal(tables * 100 + pages, 304);
    behind.reserves++;
    return !behind.refuses;
}

static void unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    behind.unreserves++;
}

static bool allocate(struct paging_frame_source *source, const struct paging_space *space,
                     enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    assert_int_equal(use, PAGING_FRAME_FOR_TABLE);
    assert_int_equal(size, PAGING_2M);
    frame->number = 1234;
    return !behind.refuses;
}

static void release(struct paging_frame_source *source, const struct paging_space *space,
                    enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    assert_int_equal(behind.released, -1);
    behind.released = (int)frame.number;
}

static void split(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame)
{
    behind.splits++;
}

static void join(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                 paging_frame_t frame)
{
    behind.joins++;
}

static struct paging_frame_source source = {.reserve = reserve,
                                            .unreserve = unreserve,
                                            .allocate = allocate,
                                            .release = release,
                                            .split = split,
                                            .join = join};

static int begin(void **state)
{
    for (unsigned i = 0; i < PLACES; i++)
        table[i].users = 77;
    frame_users_init(&users, &source, table, PLACES);
    behind.reserves = behind.unreserves = behind.splits = behind.joins = 0;
    behind.refuses = false;
    behind.released = -1;
    return 0;
}

/* Returns the frame that reached the source behind, or -1. */
static int release_one(unsigned frame)
{
    behind.released = -1;
    users.source.release(&users.source, NULL, PAGING_FRAME_FOR_PAGE, PAGING_4K, (paging_frame_t){frame});
    return behind.released;
}

/* ---- the tests ---- */

/* The frames are few, and the table nearly full, so that they meet in its places in every way. */
static void as_a_list_of_counts(void **state)
{
    unsigned counts[FRAMES] = {0}, several = 0;
    srand(4711);
    for (unsigned step = 0; step < 200000; step++) {
        unsigned frame = (unsigned)rand() % FRAMES, number = frame * 512;
        if (rand() % 2) {
            bool fits = counts[frame] >= 1 || several < PLACES - 1;
            assert_int_equal(frame_users_add(&users, PAGING_4K, (paging_frame_t){number}), fits);
            several += fits && counts[frame] == 0;
            counts[frame] += fits;
        } else {
            assert_int_equal(release_one(number), counts[frame] == 0 ? (int)number : -1);
            several -= counts[frame] == 1;
            counts[frame] -= counts[frame] > 0;
        }
        assert_int_equal(users.used, several);
        for (unsigned i = 0; i < FRAMES; i++)
            assert_int_equal(frame_users_are_several(&users, (paging_frame_t){i * 512}), counts[i] > 0);
    }
}

static void everything_else_is_passed_on(void **state)
{
    paging_frame_t frame;
    assert_true(users.source.reserve(&users.source, NULL, 3, 4));
    assert_true(users.is_reserved);
    assert_true(users.source.allocate(&users.source, NULL, PAGING_FRAME_FOR_TABLE, PAGING_2M, &frame));
    assert_int_equal(frame.number, 1234);
    users.source.unreserve(&users.source, NULL);
    assert_false(users.is_reserved);
    behind.refuses = true;
    assert_false(users.source.reserve(&users.source, NULL, 3, 4));
    assert_false(users.is_reserved);
    assert_false(users.source.allocate(&users.source, NULL, PAGING_FRAME_FOR_TABLE, PAGING_2M, &frame));
    assert_int_equal(behind.reserves * 10 + behind.unreserves, 21);
    assert_int_equal(release_one(5), 5);
}

/* What several pages own cannot be counted in parts. */
static void runs_of_several_users_are_not_cut(void **state)
{
    paging_frame_t run = {1024};
    users.source.split(&users.source, NULL, PAGING_2M, run);
    users.source.join(&users.source, NULL, PAGING_2M, run);
    assert_int_equal(behind.splits * 10 + behind.joins, 11);
    assert_true(frame_users_add(&users, PAGING_2M, run));
    users.source.split(&users.source, NULL, PAGING_2M, run);
    assert_int_equal(behind.splits, 1);
    assert_int_equal(users.refused_cuts, 1);
    assert_int_equal(release_one(1024), -1);
    users.source.split(&users.source, NULL, PAGING_2M, run);
    assert_int_equal(behind.splits, 2);
    assert_true(frame_users_add(&users, PAGING_4K, (paging_frame_t){1024 + 511}));
    users.source.join(&users.source, NULL, PAGING_2M, run);
    assert_int_equal(behind.joins, 1);
    assert_int_equal(users.refused_cuts, 2);
    users.source.join(&users.source, NULL, PAGING_2M, (paging_frame_t){2048});
    assert_int_equal(behind.joins, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"frame users: any sequence of users is as a list of counts", as_a_list_of_counts, begin, NULL, NULL},
        {"frame users: everything else is passed on", everything_else_is_passed_on, begin, NULL, NULL},
        {"frame users: runs of several users are not cut", runs_of_several_users_are_not_cut, begin, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("frame_users", tests, NULL, NULL);
}
