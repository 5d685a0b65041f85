/* SPDX-License-Identifier: MIT */
/*
 * test_memory_regions.c - descriptors and excluded ranges become regions, in the room that the loader takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kernel/boot/memory_regions.h"

enum { MOST = 20 };

static struct handoff handoff;
static struct memory_descriptor descriptors[MOST];
static struct memory_edge edges[MEMORY_EDGES(MOST)];
static struct memory_region memory[HANDOFF_MEMORY_CAPACITY(MOST)];
static size_t count;

static int begin(void **state)
{
    (void)state;
    memset(&handoff, 0, sizeof handoff);
    memset(memory, 0xa5, sizeof memory);
    handoff.space.cpu.physical_bits = 40;
    handoff.descriptors = descriptors;
    handoff.edges = edges;
    handoff.memory = memory;
    handoff.memory_capacity = HANDOFF_MEMORY_CAPACITY(MOST);
    count = SIZE_MAX;
    return 0;
}

static void add(uint64_t frame, uint64_t pages, enum memory_kind kind)
{
    descriptors[handoff.descriptor_count++] =
        (struct memory_descriptor){.start = frame * PAGING_PAGE_BYTES, .page_count = pages, .kind = kind};
}

static void expect_region(size_t index, uint64_t start, uint64_t end, enum memory_kind kind)
{
    assert_true(index < count);
    assert_int_equal(memory[index].start.number, start);
    assert_int_equal(memory[index].end.number, end);
    assert_int_equal(memory[index].kind, kind);
}

static void options_exclude_ranges(void **state)
{
    (void)state;
    add(0x2000, 0x1000, MEMORY_BOOT);
    add(0x1000, 0x1000, MEMORY_CONVENTIONAL);
    static const char text[] = "exclude=1800000-2800000 exclude=2ffffff-3000001";
    assert_true(options_apply(&handoff.options, "test", text, sizeof text - 1));
    assert_int_equal(memory_regions_find(&handoff, &count), MEMORY_MAP_OK);
    assert_int_equal(count, 5);
    expect_region(0, 0x1000, 0x1800, MEMORY_CONVENTIONAL);
    expect_region(1, 0x1800, 0x2000, MEMORY_EXCLUDED);
    expect_region(2, 0x2000, 0x2800, MEMORY_EXCLUDED);
    expect_region(3, 0x2800, 0x2fff, MEMORY_BOOT);
    expect_region(4, 0x2fff, 0x3000, MEMORY_EXCLUDED);
}

/* N descriptors make the most regions when each range is in the middle of one. */
static void the_capacity_is_always_enough(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MOST; i++)
        add(0x1000 + 0x10 * i, 0x1000 - 0x20 * i, i % 2 ? MEMORY_CONVENTIONAL : MEMORY_BOOT);
    descriptors[MOST - 1].kind = MEMORY_RESERVED;
    for (unsigned i = 0; i < OPTION_EXCLUDE_LIMIT; i++)
        handoff.options.exclude[i] = (struct frame_run){0x1000 + 0x20 * i + 2, 0x1000 + 0x20 * i + 4};
    handoff.options.exclude_count = OPTION_EXCLUDE_LIMIT;
    assert_int_equal(memory_regions_find(&handoff, &count), MEMORY_MAP_OK);
    assert_true(count <= handoff.memory_capacity);
    assert_int_equal(memory_excluded_frames(memory, count), 2 * OPTION_EXCLUDE_LIMIT);
}

static void too_little_room_changes_no_count(void **state)
{
    (void)state;
    add(0x1000, 0x1000, MEMORY_CONVENTIONAL);
    handoff.options.exclude[0] = (struct frame_run){0x1400, 0x1800};
    handoff.options.exclude_count = 1;
    for (handoff.memory_capacity = 0; handoff.memory_capacity < 3; handoff.memory_capacity++) {
        assert_int_equal(memory_regions_find(&handoff, &count), MEMORY_MAP_NO_SPACE);
        assert_int_equal(count, SIZE_MAX);
    }
    assert_int_equal(memory_regions_find(&handoff, &count), MEMORY_MAP_OK);
    assert_int_equal(count, 3);
}

static void a_map_that_cannot_be_sorted_is_an_error(void **state)
{
    (void)state;
    handoff.space.cpu.physical_bits = 60;
    assert_int_equal(memory_regions_find(&handoff, &count), MEMORY_MAP_BAD_WIDTH);
    assert_int_equal(count, SIZE_MAX);
}

int main(void)
{
#define TEST(name, function)                                 \
    {                                                        \
        "memory regions: " name, function, begin, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("what the options exclude is marked", options_exclude_ranges),
        TEST("the room that the loader takes is always enough", the_capacity_is_always_enough),
        TEST("too little room changes no count", too_little_room_changes_no_count),
        TEST("a map that cannot be sorted is an error", a_map_that_cannot_be_sorted_is_an_error),
    };
    return cmocka_run_group_tests_name("memory regions", tests, NULL, NULL);
}
