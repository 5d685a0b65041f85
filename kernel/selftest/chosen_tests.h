/* SPDX-License-Identifier: MIT */
/*
 * chosen_tests.h - which tests the option tests= names.
 *
 * It is a list of names with commas in between. A name stands for the group that is called so (groups.h),
 * and for all tests whose names begin with it. A comma before a blank is a part of a name, because a test is
 * called "map, unmap: an operation that is refused changes nothing". The empty list stands for all tests.
 */
#ifndef KERNEL_SELFTEST_CHOSEN_TESTS_H
#define KERNEL_SELFTEST_CHOSEN_TESTS_H

#include <stdbool.h>
#include <stddef.h>

/* A part of the list. */
struct chosen_name {
    const char *text;
    size_t length;
};

/* Returns the first name, and moves *list behind it and its comma. Length 0: there is none. */
struct chosen_name chosen_next(const char **list);

/* Returns whether a name stands for this test of this group. */
bool chosen_is(struct chosen_name name, const char *group, const char *test);

/* Returns whether a list does. */
bool chosen_by(const char *list, const char *group, const char *test);

#endif
