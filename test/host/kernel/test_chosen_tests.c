/* SPDX-License-Identifier: MIT */
/* chosen_tests: groups, and prefixes of tests' names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/selftest/chosen_tests.h"

static void all(void **state)
{
    (void)state;
    assert_true(chosen_by("", "faults", "unmap: the next access faults"));
}

static void prefixes(void **state)
{
    (void)state;
    assert_true(chosen_by("unmap", "faults", "unmap: the next access faults"));
    assert_true(chosen_by("unmap: the next access faults", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("unmap: the next access faults!", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("nmap", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("Unmap", "faults", "unmap: the next access faults"));
}

static void groups(void **state)
{
    (void)state;
    assert_true(chosen_by("faults", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("fault", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("faultss", "faults", "unmap: the next access faults"));
}

static void several(void **state)
{
    (void)state;
    assert_true(chosen_by("ranges,unmap", "faults", "unmap: the next access faults"));
    assert_true(chosen_by("unmap,ranges", "faults", "unmap: the next access faults"));
    assert_true(chosen_by("a,b,faults,c", "faults", "unmap: the next access faults"));
    assert_false(chosen_by("a,b,c", "faults", "unmap: the next access faults"));
    /* A comma before a blank belongs to a name. */
    assert_true(chosen_by("map, unmap: an,x", "pages", "map, unmap: an operation that is refused"));
    assert_false(chosen_by("map, unmap: an,x", "pages", "map: picks a frame"));
    assert_false(chosen_by("map,unmap: an", "pages", "map, unmap: an operation that is refused") &&
                 !chosen_by("map", "pages", "map, unmap: an operation that is refused"));
}

static void names_one_by_one(void **state)
{
    (void)state;
    const char *list = "unmap,map, unmap: an,x";
    static const char *const expected[] = {"unmap", "map, unmap: an", "x", ""};
    for (unsigned i = 0; i < 4; i++) {
        struct chosen_name name = chosen_next(&list);
        assert_int_equal(name.length, strlen(expected[i]));
        assert_memory_equal(name.text, expected[i], name.length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"chosen tests: no name stands for all", all, NULL, NULL, NULL},
        {"chosen tests: a name stands for tests that begin with it", prefixes, NULL, NULL, NULL},
        {"chosen tests: a name stands for its group", groups, NULL, NULL, NULL},
        {"chosen tests: one of several names is enough", several, NULL, NULL, NULL},
        {"chosen tests: the list is cut into names", names_one_by_one, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("chosen_tests", tests, NULL, NULL);
}
