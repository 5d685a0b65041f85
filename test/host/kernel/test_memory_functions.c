/* SPDX-License-Identifier: MIT */
/*
 * test_memory_functions.c - what a compiler may call on its own, and what the libraries call that are linked
 * in.
 *
 * A process has functions of these names already: here they have others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define memcpy        own_memcpy
#define memmove       own_memmove
#define memset        own_memset
#define memcmp        own_memcmp
#define strlen        own_strlen
#define strchr        own_strchr
#define __memset_chk  own_memset_chk
#define __assert_fail own_assert_fail
#include "kernel/cpu/hosted_code.c"
#include "kernel/cpu/memory_functions.c"

enum { BYTES = 24 };

static void fill(unsigned char *bytes)
{
    for (unsigned i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(100 + i);
}

/* Every length, from every place to every other, overlapping or not. */
static void a_copy_is_what_was_there_before(void **state)
{
    for (unsigned from = 0; from < BYTES; from++)
        for (unsigned to = 0; to < BYTES; to++)
            for (unsigned count = 0; from + count <= BYTES && to + count <= BYTES; count++) {
                unsigned char bytes[BYTES], before[BYTES];
                fill(bytes);
                fill(before);
                assert_ptr_equal(memmove(bytes + to, bytes + from, count), bytes + to);
                for (unsigned i = 0; i < BYTES; i++)
                    assert_int_equal(bytes[i], i >= to && i < to + count ? before[from + i - to] : before[i]);
            }
}

static void a_copy_elsewhere_changes_nothing_beside_it(void **state)
{
    for (unsigned count = 0; count <= BYTES - 2; count++) {
        unsigned char from[BYTES], to[BYTES] = {0};
        fill(from);
        assert_ptr_equal(memcpy(to + 1, from, count), to + 1);
        assert_int_equal(to[0], 0);
        for (unsigned i = 0; i < BYTES - 1; i++)
            assert_int_equal(to[i + 1], i < count ? from[i] : 0);
    }
}

static void setting_takes_the_lowest_byte(void **state)
{
    unsigned char bytes[BYTES];
    fill(bytes);
    assert_ptr_equal(memset(bytes + 1, 0x1ff, 3), bytes + 1);
    assert_int_equal(bytes[0], 100);
    assert_int_equal(bytes[1], 0xff);
    assert_int_equal(bytes[3], 0xff);
    assert_int_equal(bytes[4], 104);
    assert_ptr_equal(__memset_chk(bytes, 7, 2, 2), bytes);
    assert_int_equal(bytes[1], 7);
    assert_int_equal(bytes[2], 0xff);
}

/* The sign of the first difference, of bytes without a sign; and 0 only if there is none. */
static void comparing_finds_the_first_difference(void **state)
{
    for (unsigned at = 0; at < BYTES; at++)
        for (unsigned count = 0; count <= BYTES; count++) {
            unsigned char a[BYTES], b[BYTES];
            fill(a);
            fill(b);
            assert_int_equal(memcmp(a, b, count), 0);
            a[at] = 0x80;
            b[at] = 0x7f;
            for (unsigned i = at + 1; i < BYTES; i++)
                b[i] = 0xff;
            assert_true(count > at ? memcmp(a, b, count) > 0 : memcmp(a, b, count) == 0);
            assert_true(count > at ? memcmp(b, a, count) < 0 : memcmp(b, a, count) == 0);
            a[at] = 0x7e; /* one less */
            assert_true(count > at ? memcmp(a, b, count) < 0 : memcmp(a, b, count) == 0);
        }
}

static void texts_are_measured_and_searched(void **state)
{
    assert_int_equal(strlen(""), 0);
    assert_int_equal(strlen("abc"), 3);
    const char *text = "abca";
    assert_ptr_equal(strchr(text, 'a'), text);
    assert_ptr_equal(strchr(text, 'c'), text + 2);
    assert_ptr_equal(strchr(text, 'c' + 256), text + 2);
    assert_ptr_equal(strchr(text, '\0'), text + 4);
    assert_null(strchr(text, 'd'));
    assert_null(strchr("", 'a'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_what_was_there_before),
        cmocka_unit_test(a_copy_elsewhere_changes_nothing_beside_it),
        cmocka_unit_test(setting_takes_the_lowest_byte),
        cmocka_unit_test(comparing_finds_the_first_difference),
        cmocka_unit_test(texts_are_measured_and_searched),
    };
    return cmocka_run_group_tests_name("memory_functions", tests, NULL, NULL);
}
