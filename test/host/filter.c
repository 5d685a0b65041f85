/* SPDX-License-Identifier: MIT */
/*
 * filter.c - runs some functions of a test program: those whose names match FUNCTION in the environment.
 *
 * It is linked to every host test and stands in front of cmocka's own function. cmocka has a filter too, but
 * with a name that matches nothing it runs no test and reports success.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef int run_function(const char *group, const struct CMUnitTest *tests, size_t count,
                         CMFixtureFunction setup, CMFixtureFunction teardown);

/* A pattern with * and ?, or a part of the name. */
static bool matches(const char *name, const char *pattern)
{
    return fnmatch(pattern, name, 0) == 0 || strstr(name, pattern) != NULL;
}

/* Runs the tests that match, or all without a pattern. If none matches, prints all names and fails. */
int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *tests, size_t count,
                            CMFixtureFunction setup, CMFixtureFunction teardown)
{
    run_function *run = (run_function *)dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
    const char *pattern = getenv("FUNCTION");
    if (!pattern || !*pattern)
        return run(group, tests, count, setup, teardown);

    struct CMUnitTest *chosen = calloc(count, sizeof(*chosen));
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++)
        if (matches(tests[i].name, pattern))
            chosen[chosen_count++] = tests[i];
    if (chosen_count == 0) {
        fprintf(stderr, "No function matches FUNCTION='%s'. There are:\n", pattern);
        for (size_t i = 0; i < count; i++)
            fprintf(stderr, "    %s\n", tests[i].name);
    }
    int failed = chosen_count > 0 ? run(group, chosen, chosen_count, setup, teardown) : 1;
    free(chosen);
    return failed;
}
