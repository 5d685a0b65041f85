/* SPDX-License-Identifier: MIT */
/* test_one_world.c - a core that is built for one number of levels refuses others. */
#include "rig/rig.h"

static void other_levels_are_refused(void **state)
{
    struct paging_space space = {.full_flushes = 77};
    for (unsigned levels = 0; levels < 8; levels++) {
        struct paging_cpu cpu = {.levels = levels, .physical_bits = 40};
        if (levels != PAGING_ONLY_LEVELS)
            assert_int_equal(paging_create(&space, cpu, 0, NULL), PAGING_NOT_SUPPORTED);
    }
    assert_int_equal(space.full_flushes, 77);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_levels_are_refused),
    };
    return cmocka_run_group_tests_name("one world", tests, NULL, NULL);
}
