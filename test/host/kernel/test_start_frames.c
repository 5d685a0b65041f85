/* SPDX-License-Identifier: MIT */
/*
 * test_start_frames.c - the last memory map becomes a frame allocator, and excluded ranges stay out of it.
 *
 * Console and report are replaced by functions that note what they were called with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/boot/late_audit.h"
#include "kernel/boot/memory_regions.h"
#include "kernel/boot/start_frames.h"
#include "kernel/console/console.h"
#include "kernel/report/report.h"
#include <selfmap/status.h>

enum { MOST = 20, ARENA_START = 0x4000, ARENA_NEXT = 0x4010, ARENA_END = 0x4040 };
#define RUNTIME ((uint64_t)1 << 63)

/* Has a test of its own (tools:debug). */
static uint64_t written_to; /* a frame that the audit finds changed; 0: none */

/* Holds back all of the region. */
void late_audit_before_hand_over(struct handoff *handoff, size_t *region_count)
{
    for (size_t i = 0; i < *region_count; i++)
        if (handoff->memory[i].start.number <= written_to && written_to < handoff->memory[i].end.number)
            handoff->memory[i].kind = MEMORY_LOADER;
}

static struct handoff handoff;
static struct frames frames;
static struct memory_descriptor descriptors[MOST];
static struct memory_edge edges[MEMORY_EDGES(MOST)];
static struct memory_region memory[HANDOFF_MEMORY_CAPACITY(MOST)];
static unsigned char bookkeeping[1 << 16];
static char printed[4096];
static jmp_buf crashed;

void print(const char *format, ...)
{
    va_list arguments;
    size_t length = strlen(printed);
    va_start(arguments, format);
    vsnprintf(printed + length, sizeof printed - length, format, arguments);
    va_end(arguments);
}

void report_crash(const char *why)
{
    print("crash: %s\n", why);
    longjmp(crashed, 1);
}

static void add(uint64_t frame, uint64_t pages, enum memory_kind kind, uint64_t attributes)
{
    descriptors[handoff.descriptor_count++] = (struct memory_descriptor){
        .start = frame * PAGING_PAGE_BYTES, .page_count = pages, .attributes = attributes, .kind = kind};
}

static void add_exact_region(const char *name, uint64_t start, uint64_t end)
{
    handoff.regions[handoff.region_count++] = (struct handoff_region){
        .name = name, .start = {start}, .end = {end}, .flags = PAGING_WRITABLE, .exact = true};
}

/* 0x1000 conventional frames, then the loader's, in which the arena is, then boot services memory. */
static int begin(void **state)
{
    (void)state;
    memset(&handoff, 0, sizeof handoff);
    handoff.space.cpu.physical_bits = 40;
    handoff.space.cpu.has_no_execute = true;
    handoff.descriptors = descriptors;
    handoff.edges = edges;
    handoff.memory = memory;
    handoff.memory_capacity = HANDOFF_MEMORY_CAPACITY(MOST);
    handoff.bookkeeping = bookkeeping;
    handoff.bookkeeping_bytes = sizeof bookkeeping;
    memset(bookkeeping, 0xa5, sizeof bookkeeping);
    arena_start(&handoff.arena, (paging_frame_t){ARENA_START}, (paging_frame_t){ARENA_END});
    handoff.arena.next = (paging_frame_t){ARENA_NEXT};
    add(0x3000, 0x1000, MEMORY_CONVENTIONAL, 0);
    add(ARENA_START, 0x100, MEMORY_OWN, 0);
    add(0x4100, 0xf00, MEMORY_BOOT, 0);
    add_exact_region("stack and hand-over", 0x4080, 0x4090);
    printed[0] = '\0';
    written_to = 0;
    return 0;
}

/* Returns whether frames_start came back. */
static bool start(const char *options)
{
    assert_true(options_apply(&handoff.options, "test", options, strlen(options)));
    if (setjmp(crashed) != 0)
        return false;
    frames_start(&handoff, &frames);
    return true;
}

static uint64_t total_with(const char *options)
{
    (void)begin(NULL);
    assert_true(start(options));
    return frames_total(&frames);
}

static bool is_ours(uint64_t frame)
{
    return frames_free(&frames, PAGING_4K, (paging_frame_t){frame}) != FRAMES_FOREIGN;
}

static void usable_memory_and_the_arena_are_the_allocators(void **state)
{
    (void)state;
    assert_true(start(""));
    assert_int_equal(memory_region_count(), 3);
    assert_int_equal(memory_excluded_total(), 0);
    assert_int_equal(frames_total(&frames), 0x1000 + 0xf00 + (ARENA_END - ARENA_START));
    assert_int_equal(frames_handed_out(&frames), ARENA_NEXT - ARENA_START);
    assert_string_equal(printed, "");
}

static void the_total_falls_by_exactly_what_is_excluded(void **state)
{
    static const struct {
        const char *options;
        uint64_t pages;
    } cases[] = {{"exclude=3800000-3801000", 1},
                 {"exclude=3800fff-3801001", 2},
                 {"exclude=0-3000000", 0},
                 {"exclude=3000000-4000000", 0x1000},
                 {"exclude=3f00000-4200000", 0x100 + (ARENA_END - ARENA_START) + 0x100},
                 {"exclude=4000000-4001000", 1},
                 {"exclude=403f000-4040000", 1},
                 {"exclude=4050000-4080000", 0},
                 {"exclude=3800000-3900000 exclude=3880000-3980000", 0x180},
                 {"exclude=4000000-4001000 exclude=4010000-4011000 exclude=4020000-4021000", 3}};
    uint64_t without = total_with("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(total_with(cases[i].options), without - cases[i].pages);
        assert_int_equal(memory_excluded_total(), cases[i].pages);
    }
    (void)state;
}

/* Excluded tables stay in use, and the allocator refuses them when they come back. */
static void excluded_frames_of_the_arena_are_not_adopted(void **state)
{
    (void)state;
    assert_true(start("exclude=4008000-4018000"));
    for (uint64_t frame = ARENA_START; frame < ARENA_END; frame++)
        assert_int_equal(is_ours(frame), frame < 0x4008 || frame >= 0x4018);
    assert_string_equal(printed, "# exclude: 4008000..4010000 is in use all the same, and is not handed out: "
                                 "page tables\n");
}

static void excluded_memory_that_is_in_use_is_told(void **state)
{
    (void)state;
    add_exact_region("image: code", 0x5000, 0x5100);
    handoff.regions[handoff.region_count++] =
        (struct handoff_region){.name = "not ours", .start = {0x4090}, .end = {0x4100}, .exact = false};
    assert_true(start("exclude=408f000-5001000 exclude=1000-2000 exclude=50ff000-5100000 "
                      "exclude=407f000-4080000 exclude=5100000-5101000"));
    assert_string_equal(printed, "# exclude: 408f000..4090000 is in use all the same, and is not handed out: "
                                 "stack and hand-over\n"
                                 "# exclude: 5000000..5001000 is in use all the same, and is not handed out: "
                                 "image: code\n"
                                 "# exclude: 50ff000..5100000 is in use all the same, and is not handed out: "
                                 "image: code\n");
}

static void what_the_audit_holds_back_is_not_handed_out(void **state)
{
    (void)state;
    written_to = 0x4100;
    assert_true(start(""));
    assert_int_equal(frames_total(&frames), 0x1000 + (ARENA_END - ARENA_START));
    assert_true(is_ours(0x3fff) && !is_ours(0x4100));
}

/* It is said only if excluding has taken the last page. */
static void no_memory_is_left(void **state)
{
    (void)state;
    assert_true(start("exclude=4000000-4040000"));
    assert_null(strstr(printed, "no memory is left"));
    (void)begin(NULL);
    handoff.descriptor_count = 0;
    handoff.arena.next.number = ARENA_END;
    assert_false(start(""));
    assert_string_equal(printed, "crash: too little memory: 0 pages are free, 1400 are needed\n");
}

/* Runtime services need some of it: that is not handed out either. */
static void all_memory_may_be_excluded(void **state)
{
    (void)state;
    add(0x6000, 2, MEMORY_RUNTIME_CODE, 0);
    assert_false(start("exclude=0-fffffffff"));
    assert_int_equal(frames_total(&frames), 0);
    assert_non_null(strstr(printed, "\n# exclude: no memory is left\n"
                                    "crash: too little memory: 0 pages are free, 1400 are needed\n"));
}

static void what_cannot_be_started_ends_the_run_with_a_sentence(void **state)
{
    (void)state;
    handoff.bookkeeping_bytes = 16;
    assert_false(start(""));
    assert_string_equal(printed, "# adopting the arena: no space\ncrash: the frame allocator cannot start\n");
    (void)begin(NULL);
    handoff.space.cpu.physical_bits = 60;
    assert_false(start(""));
    assert_string_equal(printed, "# memory map: bad width\ncrash: the memory map cannot be used\n");
}

/* The first MiB is no zone. Tables in it stay in use; the rest of the arena there is nobody's. */
static void an_arena_below_1_mib_stops_nothing(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0x10, 0xf0, 0xc1};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        (void)begin(NULL);
        uint64_t first = starts[i], next = first + 0x10, end = first + 0x40;
        handoff.descriptors[1].start = first * PAGING_PAGE_BYTES;
        handoff.descriptors[1].page_count = end - first;
        arena_start(&handoff.arena, (paging_frame_t){first}, (paging_frame_t){end});
        handoff.arena.next.number = next;
        assert_true(start(""));
        assert_string_equal(printed, "");
        uint64_t above = end > 0x100 ? end - 0x100 : 0;
        assert_int_equal(frames_total(&frames), 0x1000 + 0xf00 + above);
        assert_int_equal(frames_handed_out(&frames), 0);
        assert_int_equal(memory_tables_not_adopted(), 0x10);
        memory_note_dropped_tables(3); /* they were unmapped */
        assert_int_equal(memory_tables_not_adopted(), 0xd);
        for (uint64_t frame = first; frame < end; frame++)
            assert_int_equal(is_ours(frame), frame >= 0x100);
    }
}

/*
 * Every kind, over the arena and far around it: adopting it never collides, and none of it is handed out
 * twice.
 */
static void what_the_map_calls_our_memory_does_not_matter(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
        (void)begin(NULL);
        add(0x3f00, 0x1000, (enum memory_kind)kind, 0);
        assert_true(start(""));
        assert_string_equal(printed, "");
        for (uint64_t frame = ARENA_END; frame < 0x4100; frame++)
            assert_false(is_ours(frame));
        for (uint64_t frame = ARENA_START; frame < ARENA_NEXT; frame++)
            assert_int_equal(frames_free(&frames, PAGING_4K, (paging_frame_t){frame}), FRAMES_OK);
        for (uint64_t frame = ARENA_START; frame < ARENA_END; frame++)
            assert_int_equal(frames_free(&frames, PAGING_4K, (paging_frame_t){frame}), FRAMES_DOUBLE_FREE);
    }
}

static void each_table_is_in_use_and_the_rest_of_the_arena_is_free(void **state)
{
    (void)state;
    assert_true(start(""));
    assert_int_equal(frames_handed_out(&frames), ARENA_NEXT - ARENA_START);
    assert_int_equal(memory_tables_not_adopted(), 0);
    for (uint64_t frame = ARENA_NEXT; frame < ARENA_END; frame++)
        assert_int_equal(frames_free(&frames, PAGING_4K, (paging_frame_t){frame}), FRAMES_DOUBLE_FREE);
    (void)begin(NULL);
    assert_true(start("exclude=4008000-4018000"));
    assert_int_equal(frames_handed_out(&frames), 8);
    assert_int_equal(memory_tables_not_adopted(), 8);
}

/* 512 GiB that only the last map has: the bookkeeping was made for less. */
static void what_the_bookkeeping_has_no_room_for_is_left_out_and_told(void **state)
{
    (void)state;
    const uint64_t late = (uint64_t)1 << 27;
    uint64_t without = total_with("");
    (void)begin(NULL);
    assert_int_equal(memory_left_out(), 0);
    add(0x10000, late, MEMORY_CONVENTIONAL, 0);
    assert_true(start(""));
    assert_true(frames_total(&frames) > without + 0x10000);
    assert_int_equal(frames_total(&frames) + memory_left_out(), without + late);
    char expected[128];
    snprintf(expected, sizeof expected,
             "# usable memory: %lu pages are not used: the map has grown, and the bookkeeping has no room\n",
             memory_left_out());
    assert_string_equal(printed, expected);
}

static void too_little_memory_is_a_sentence_with_two_numbers(void **state)
{
    (void)state;
    static const int fewer[] = {0, 1, 5};
    for (size_t i = 0; i < sizeof fewer / sizeof fewer[0]; i++) {
        char expected[128];
        (void)begin(NULL);
        handoff.descriptors[2].page_count = 0;
        handoff.descriptors[0].page_count = FRAMES_NEEDED - (ARENA_END - ARENA_NEXT) - fewer[i];
        assert_int_equal(start(""), fewer[i] == 0);
        snprintf(expected, sizeof expected, "crash: too little memory: %d pages are free, %d are needed\n",
                 FRAMES_NEEDED - fewer[i], FRAMES_NEEDED);
        assert_string_equal(printed, fewer[i] == 0 ? "" : expected);
    }
}

int main(void)
{
#define TEST(name, function)                               \
    {                                                      \
        "start frames: " name, function, begin, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("usable memory and the arena are the allocator's",
             usable_memory_and_the_arena_are_the_allocators),
        TEST("the total falls by exactly what is excluded", the_total_falls_by_exactly_what_is_excluded),
        TEST("excluded frames of the arena are not adopted", excluded_frames_of_the_arena_are_not_adopted),
        TEST("what the audit holds back is not handed out", what_the_audit_holds_back_is_not_handed_out),
        TEST("that no memory is left is said only if it was excluded", no_memory_is_left),
        TEST("excluded memory that is in use is told", excluded_memory_that_is_in_use_is_told),
        TEST("an arena below 1 MiB stops nothing", an_arena_below_1_mib_stops_nothing),
        TEST("what the map calls our memory does not matter", what_the_map_calls_our_memory_does_not_matter),
        TEST("each table is in use, and the rest of the arena is free",
             each_table_is_in_use_and_the_rest_of_the_arena_is_free),
        TEST("what the bookkeeping has no room for is left out, and told",
             what_the_bookkeeping_has_no_room_for_is_left_out_and_told),
        TEST("too little memory is a sentence with two numbers",
             too_little_memory_is_a_sentence_with_two_numbers),
        TEST("all memory may be excluded", all_memory_may_be_excluded),
        TEST("what cannot be started ends the run with a sentence",
             what_cannot_be_started_ends_the_run_with_a_sentence),
    };
    return cmocka_run_group_tests_name("start frames", tests, NULL, NULL);
}
