/* SPDX-License-Identifier: MIT */
/* own_blocks: what is ours is found by any byte of its pages, up to the end of the address space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/boot/own_blocks.h"

static struct handoff handoff;
static struct memory_descriptor descriptors[OWN_BLOCK_LIMIT + 1];

static int begin(void **state)
{
    (void)state;
    handoff = (struct handoff){.descriptors = descriptors};
    return 0;
}

static bool is_found(uint64_t start, uint64_t bytes)
{
    return own_blocks_find(&handoff, start, bytes) != NULL;
}

static void found_by_any_byte(void **state)
{
    (void)state;
    assert_true(own_blocks_add(&handoff, "a", 0x5800, 0x1000, false)); /* pages 5 and 6 */
    assert_true(is_found(0x5000, 1) && is_found(0x6fff, 1) && is_found(0x1000, 0x4001));
    assert_false(is_found(0x4fff, 1) || is_found(0x7000, 1) || is_found(0x1000, 0x4000));
    assert_true(is_found(0x1000, UINT64_MAX - 0x1000));
    assert_true(is_found(0x1000, (uint64_t)0 - 0x1000)); /* as far as there are addresses, and further */
    assert_true(is_found(0x1000, UINT64_MAX));
    assert_false(is_found(0x7000, UINT64_MAX));
}

static void up_to_the_last_address(void **state)
{
    (void)state;
    assert_true(own_blocks_add(&handoff, "a", UINT64_MAX - 5, 5, false));
    assert_false(own_blocks_add(&handoff, "b", UINT64_MAX - 5, 6, false));
    assert_int_equal(handoff.own_count, 1);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OWN_BLOCK_LIMIT; i++)
        assert_true(own_blocks_add(&handoff, "a", 0x1000 * i, 1, i == 1));
    assert_false(own_blocks_add(&handoff, "a", 0, 1, false));
    assert_int_equal(handoff.own_count, OWN_BLOCK_LIMIT);
    assert_true(handoff.own[1].is_taken && !handoff.own[2].is_taken);
}

static void described_behind_what_is_there(void **state)
{
    (void)state;
    handoff.descriptor_count = 1;
    assert_true(own_blocks_add(&handoff, "a", 0x5800, 0x1000, false));
    assert_true(own_blocks_add(&handoff, "b", 0x9000, 0x1000, false));
    own_blocks_describe(&handoff);
    assert_int_equal(handoff.descriptor_count, 3);
    assert_int_equal(descriptors[0].page_count, 0);
    assert_int_equal(descriptors[1].start, 0x5000);
    assert_int_equal(descriptors[1].page_count, 2);
    assert_int_equal(descriptors[1].kind, MEMORY_OWN);
    assert_int_equal(descriptors[2].start, 0x9000);
    assert_int_equal(descriptors[2].page_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"own blocks: found by any byte of their pages", found_by_any_byte, begin, NULL, NULL},
        {"own blocks: up to the last address", up_to_the_last_address, begin, NULL, NULL},
        {"own blocks: no more than there is room for", no_more_than_there_is_room_for, begin, NULL, NULL},
        {"own blocks: described behind the firmware's", described_behind_what_is_there, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("own_blocks", tests, NULL, NULL);
}
