/* SPDX-License-Identifier: MIT */
/*
 * Tests random cases (test_case.h): operations against the abstract maps, with a processor that loads pages
 * at any moment, on one space or on several that share their upper half.
 *
 * The same seed makes the same cases: SEED=n in the environment repeats a failure, OPERATIONS=n goes further.
 * The program fuzz of this folder runs the same cases without end, and shortens one that fails.
 */
#include "fuzz/draw.h"
#include "fuzz/test_case.h"

#define OPERATIONS (PAGING_TABLE_ENTRIES < 512 ? 60000u : 6000u)

static struct test_case drawn;

static void agree(void **state)
{
    uint64_t seed = rig_environment("SEED", 1), operations = rig_environment("OPERATIONS", OPERATIONS);
    for (uint64_t done = 0; done < operations; seed++, done += drawn.operations) {
        printf("# SEED=%lu\n", (unsigned long)seed);
        (void)draw_from(draw_source_of_seed(seed));
        case_draw(&drawn, rig_levels, rig_by_direct_map ? CASE_DIRECT : CASE_RECURSIVE);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("random: operations agree with the abstract maps", agree),
};

RIG_MAIN("random", tests)
