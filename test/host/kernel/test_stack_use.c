/* SPDX-License-Identifier: MIT */
/* test_stack_use.c - the part of a stack that was never written is counted from below, to the word. */
#include "kernel/boot/stack_use.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WORDS = 64 };

static void all_is_unused_at_first(void **state)
{
    uint64_t stack[WORDS] = {0};
    stack_mark(stack, stack + WORDS);
    assert_int_equal(stack_unused_bytes(stack, stack + WORDS), WORDS * 8);
}

static void use_is_seen_to_the_word(void **state)
{
    uint64_t stack[WORDS];
    for (unsigned deepest = 0; deepest < WORDS; deepest++) {
        stack_mark(stack, stack + WORDS);
        stack[deepest] = 0;
        assert_int_equal(stack_unused_bytes(stack, stack + WORDS), deepest * 8);
    }
}

/* A function may reserve much and write little of it. */
static void a_gap_counts_as_used(void **state)
{
    uint64_t stack[WORDS];
    stack_mark(stack, stack + WORDS);
    stack[10] = stack[50] = 1;
    assert_int_equal(stack_unused_bytes(stack, stack + WORDS), 10 * 8);
}

static void nothing_else_is_marked(void **state)
{
    uint64_t memory[WORDS] = {0};
    stack_mark(memory + 1, memory + WORDS - 1);
    assert_int_equal(memory[0], 0);
    assert_int_equal(memory[WORDS - 1], 0);
    assert_int_equal(stack_unused_bytes(memory, memory + WORDS), 0);
    assert_int_not_equal(memory[1], 0);
    assert_int_equal(memory[1], memory[WORDS - 2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_unused_at_first),
        cmocka_unit_test(use_is_seen_to_the_word),
        cmocka_unit_test(a_gap_counts_as_used),
        cmocka_unit_test(nothing_else_is_marked),
    };
    return cmocka_run_group_tests_name("stack_use", tests, NULL, NULL);
}
