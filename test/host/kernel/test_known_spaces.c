/* SPDX-License-Identifier: MIT */
/* known_spaces: CR3 leads to the space whose root it holds, if that one was added and not removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/cpu/known_spaces.h"

static struct paging_space spaces[KNOWN_SPACE_LIMIT + 1];

static int begin(void **state)
{
    known_spaces_keep_only(NULL);
    for (unsigned i = 0; i <= KNOWN_SPACE_LIMIT; i++)
        spaces[i] = (struct paging_space){.root = {0x100 + i}};
    return 0;
}

static struct paging_space *found(unsigned i)
{
    return known_spaces_find((uint64_t)(0x100 + i) << 12);
}

static void found_by_root(void **state)
{
    assert_null(found(0));
    for (unsigned i = 0; i < 3; i++)
        assert_true(known_spaces_add(&spaces[i]));
    for (unsigned i = 0; i < 3; i++)
        assert_ptr_equal(found(i), &spaces[i]);
    assert_null(found(3));
}

/* Its low bits are PWT and PCD, the highest one asks the load of CR3 not to flush. */
static void other_bits_do_not_matter(void **state)
{
    assert_true(known_spaces_add(&spaces[2]));
    assert_ptr_equal(known_spaces_find((uint64_t)0x102 << 12 | 0x18 | (uint64_t)1 << 63), &spaces[2]);
}

static void removed(void **state)
{
    for (unsigned i = 0; i < 3; i++)
        assert_true(known_spaces_add(&spaces[i]));
    known_spaces_remove(&spaces[0]);
    known_spaces_remove(&spaces[0]);
    assert_null(found(0));
    assert_ptr_equal(found(1), &spaces[1]);
    assert_ptr_equal(found(2), &spaces[2]);
    known_spaces_keep_only(&spaces[2]);
    assert_null(found(1));
    assert_ptr_equal(found(2), &spaces[2]);
    known_spaces_keep_only(&spaces[1]); /* which is not known, and does not become so */
    assert_null(found(1));
    assert_null(found(2));
}

static void full(void **state)
{
    for (unsigned i = 0; i < KNOWN_SPACE_LIMIT; i++)
        assert_true(known_spaces_add(&spaces[i]));
    assert_true(known_spaces_add(&spaces[3]));
    assert_false(known_spaces_add(&spaces[KNOWN_SPACE_LIMIT]));
    assert_null(found(KNOWN_SPACE_LIMIT));
    known_spaces_remove(&spaces[3]);
    assert_null(found(3)); /* it was there once */
    assert_true(known_spaces_add(&spaces[KNOWN_SPACE_LIMIT]));
    for (unsigned i = 0; i <= KNOWN_SPACE_LIMIT; i++)
        assert_ptr_equal(found(i), i == 3 ? NULL : &spaces[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"known spaces: found by the root that CR3 holds", found_by_root, begin, NULL, NULL},
        {"known spaces: other bits of CR3 do not matter", other_bits_do_not_matter, begin, NULL, NULL},
        {"known spaces: what was removed is not found", removed, begin, NULL, NULL},
        {"known spaces: a list that is full refuses, and one more fits when one is gone", full, begin, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("known_spaces", tests, NULL, NULL);
}
