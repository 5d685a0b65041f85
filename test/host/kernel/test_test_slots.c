/* SPDX-License-Identifier: MIT */
/* test slots: the slots of the root that the self-tests get, whatever the loader has mapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/selftest/test_slots.h"

static bool used[TEST_SLOT_LIMIT];

static void use(unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++)
        used[i] = true;
}

static void assert_chooses(unsigned wanted, unsigned first, unsigned count)
{
    struct test_slots slots = test_slots_choose(used, wanted);
    assert_int_equal(slots.count, count);
    assert_int_equal(slots.first, first);
}

static void memory_at_the_start(void **state)
{
    (void)state;
    memset(used, false, sizeof used);
    use(0, 0);
    assert_chooses(2, 200, 2);
    use(0, 199);
    assert_chooses(2, 200, 2);
}

/* 100 TiB with four levels: where test pages were before they were chosen. */
static void memory_where_they_would_be(void **state)
{
    (void)state;
    memset(used, false, sizeof used);
    use(0, 0);
    use(200, 200);
    assert_chooses(2, 201, 2);
    use(202, 202);
    assert_chooses(2, 203, 2); /* 201 alone is too few */
    use(200, 255);
    assert_chooses(2, 1, 2);
    assert_chooses(199, 1, 199);
}

static void slot_zero_is_never_taken(void **state)
{
    (void)state;
    memset(used, false, sizeof used);
    assert_chooses(255, 1, 255);
    use(1, 255);
    assert_chooses(1, 0, 0);
}

static void fewer_if_there_are_no_more(void **state)
{
    (void)state;
    memset(used, true, sizeof used);
    assert_chooses(2, 0, 0);
    used[255] = false;
    assert_chooses(2, 255, 1); /* the upper half begins behind it */
    used[17] = used[18] = false;
    assert_chooses(3, 17, 2);
    assert_chooses(1, 255, 1);
}

/* Whatever is used: what is chosen is free, and no run of free slots would have been better. */
static void any_root(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned longest = 0, run = 0, wanted = 1 + round % 9;
        for (unsigned i = 0; i < TEST_SLOT_LIMIT; i++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            used[i] = (seed >> 60) < 1 + round % 16;
            run = used[i] || i == 0 ? 0 : run + 1;
            longest = run > longest ? run : longest;
        }
        struct test_slots slots = test_slots_choose(used, wanted);
        assert_int_equal(slots.count, longest < wanted ? longest : wanted);
        assert_true(slots.first + slots.count <= TEST_SLOT_LIMIT);
        for (unsigned i = 0; i < slots.count; i++)
            assert_true(slots.first > 0 && !used[slots.first + i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"test slots: far from memory at the start of the address space", memory_at_the_start, NULL, NULL,
         NULL},
        {"test slots: memory where they would be moves them", memory_where_they_would_be, NULL, NULL, NULL},
        {"test slots: slot 0 is never taken", slot_zero_is_never_taken, NULL, NULL, NULL},
        {"test slots: fewer than wanted, or none, if there are no more", fewer_if_there_are_no_more, NULL,
         NULL, NULL},
        {"test slots: whatever is used, the longest free run is found", any_root, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("test_slots", tests, NULL, NULL);
}
