/* SPDX-License-Identifier: MIT */
/* test_slots.c - looks for the longest run of free slots that is not longer than wanted. */
#include "selftest/test_slots.h"

enum { FIRST_CHOICE = 200 };

/* Returns the number of free slots from this one on, at most `wanted`. */
static unsigned free_from(const bool used[TEST_SLOT_LIMIT], unsigned slot, unsigned wanted)
{
    unsigned count = 0;
    while (count < wanted && slot + count < TEST_SLOT_LIMIT && !used[slot + count])
        count++;
    return count;
}

struct test_slots test_slots_choose(const bool used[TEST_SLOT_LIMIT], unsigned wanted)
{
    struct test_slots best = {0, 0};
    for (unsigned i = 0; i < TEST_SLOT_LIMIT; i++) {
        unsigned slot = (FIRST_CHOICE + i) % TEST_SLOT_LIMIT;
        unsigned count = slot == 0 ? 0 : free_from(used, slot, wanted);
        if (count > best.count)
            best = (struct test_slots){slot, count};
    }
    return best;
}
