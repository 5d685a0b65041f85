/* SPDX-License-Identifier: MIT */
/* stack_trace: chains of frames that are whole, broken in every way, and endless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/cpu/stack_trace.h"

/* Two stacks of 512 words and an image. Nothing else can be read, and neither can the word HOLE. */
#define EXCEPTION_STACK UINT64_C(0x10000)
#define KERNEL_STACK    UINT64_C(0x20000)
#define IMAGE           UINT64_C(0x400000)
#define CODE            (IMAGE + 0x1000)
enum { WORDS = 512, BYTES = 8 * WORDS };

static uint64_t words[2][WORDS];
static uint64_t hole;
static unsigned reads_elsewhere;

static bool read_word(uint64_t address, uint64_t *value)
{
    if (address == hole)
        return false;
    for (unsigned stack = 0; stack < 2; stack++) {
        uint64_t start = stack ? KERNEL_STACK : EXCEPTION_STACK;
        if (address % 8 == 0 && address >= start && address < start + BYTES) {
            *value = words[stack][(address - start) / 8];
            return true;
        }
    }
    reads_elsewhere++;
    return false;
}

static const struct stack_trace_map map = {
    .image_base = IMAGE,
    .code = {CODE, IMAGE + 0x9000},
    .stacks = {{EXCEPTION_STACK, EXCEPTION_STACK + BYTES}, {0, 0}, {KERNEL_STACK, KERNEL_STACK + BYTES}},
    .read = read_word,
};

static void put(uint64_t frame, uint64_t next, uint64_t return_address)
{
    unsigned stack = frame >= KERNEL_STACK;
    uint64_t at = (frame - (stack ? KERNEL_STACK : EXCEPTION_STACK)) / 8;
    words[stack][at] = next;
    if (at + 1 < WORDS)
        words[stack][at + 1] = return_address;
}

static struct stack_trace follow(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
    reads_elsewhere = 0;
    struct stack_trace trace = stack_trace_follow(&map, (struct stack_trace_start){rip, rsp, rbp});
    assert_int_equal(reads_elsewhere, 0); /* not even asked for */
    return trace;
}

static int empty(void **state)
{
    (void)state;
    memset(words, 0, sizeof words);
    hole = 0;
    return 0;
}

#define FRAME(n) (KERNEL_STACK + 0x100 * (n))

static void whole_chain(void **state)
{
    (void)state;
    put(FRAME(1), FRAME(2), CODE + 0x22);
    put(FRAME(2), FRAME(3), CODE + 0x33);
    put(FRAME(3), 0, CODE + 0x44);
    struct stack_trace trace = follow(CODE + 0x11, FRAME(1) - 0x40, FRAME(1));
    assert_int_equal(trace.end, TRACE_OUTERMOST);
    assert_int_equal(trace.count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(trace.addresses[i], CODE + 0x11 * (i + 1));
    assert_int_equal(trace.on_top, 0);
}

static void end_of_stack(void **state)
{
    (void)state;
    uint64_t last = KERNEL_STACK + BYTES - 16;
    put(last, 0xdead, CODE + 0x22);
    struct stack_trace trace = follow(CODE, last - 0x40, last);
    assert_int_equal(trace.end, TRACE_OUTERMOST);
    assert_int_equal(trace.count, 2);
}

static void other_stack(void **state)
{
    (void)state;
    put(EXCEPTION_STACK + 0x80, FRAME(1), CODE + 0x22);
    put(FRAME(1), 0, CODE + 0x33);
    struct stack_trace trace = follow(CODE, EXCEPTION_STACK, EXCEPTION_STACK + 0x80);
    assert_int_equal(trace.end, TRACE_OUTERMOST);
    assert_int_equal(trace.count, 3);
    put(FRAME(1), EXCEPTION_STACK + 0x90, CODE + 0x33);
    trace = follow(CODE, EXCEPTION_STACK, EXCEPTION_STACK + 0x80);
    assert_int_equal(trace.end, TRACE_DOWNWARD); /* and not round and round */
    assert_int_equal(trace.count, 3);
}

/* How a trace ends after one good record whose next frame pointer is this. */
static void assert_ends(uint64_t next, enum stack_trace_end end)
{
    put(FRAME(1), next, CODE + 0x22);
    struct stack_trace trace = follow(CODE, FRAME(1) - 0x40, FRAME(1));
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.end, end);
    assert_int_equal(trace.culprit, next);
}

static void broken_frame_pointers(void **state)
{
    (void)state;
    assert_ends(FRAME(2) + 4, TRACE_MISALIGNED);
    assert_ends(FRAME(1), TRACE_DOWNWARD);
    assert_ends(FRAME(1) - 0x10, TRACE_DOWNWARD);
    assert_ends(KERNEL_STACK - 8, TRACE_NO_STACK);
    assert_ends(KERNEL_STACK + BYTES - 8, TRACE_NO_STACK); /* half a record */
    assert_ends(KERNEL_STACK + BYTES, TRACE_NO_STACK);
    assert_ends(UINT64_MAX - 7, TRACE_NO_STACK);
    assert_ends(UINT64_C(1) << 63, TRACE_NO_STACK);
    hole = FRAME(2);
    assert_ends(FRAME(2), TRACE_UNREADABLE);
    hole = FRAME(2) + 8;
    assert_ends(FRAME(2), TRACE_UNREADABLE);
}

static void broken_return_address(void **state)
{
    (void)state;
    const uint64_t wrong[] = {0, IMAGE, CODE - 1, IMAGE + 0x9000, FRAME(1), UINT64_MAX};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put(FRAME(1), FRAME(2), wrong[i]);
        struct stack_trace trace = follow(CODE, FRAME(1) - 0x40, FRAME(1));
        assert_int_equal(trace.count, 1);
        assert_int_equal(trace.end, TRACE_NOT_CODE);
        assert_int_equal(trace.culprit, wrong[i]);
    }
}

static void endless_recursion(void **state)
{
    (void)state;
    for (unsigned at = 0; at + 16 < BYTES; at += 16)
        put(KERNEL_STACK + at, KERNEL_STACK + at + 16, CODE + at);
    struct stack_trace trace = follow(CODE, KERNEL_STACK, KERNEL_STACK);
    assert_int_equal(trace.count, STACK_TRACE_LIMIT);
    assert_int_equal(trace.end, TRACE_LONGER);
    put(KERNEL_STACK + 16 * (STACK_TRACE_LIMIT - 2), 0, CODE);
    assert_int_equal(follow(CODE, KERNEL_STACK, KERNEL_STACK).end, TRACE_OUTERMOST);
}

static void top_of_stack(void **state)
{
    (void)state;
    uint64_t top = FRAME(1) - 0x40;
    put(FRAME(1), 0, CODE + 0x22);
    put(top, CODE + 0x99, 0);
    assert_int_equal(follow(0, top, FRAME(1)).on_top, CODE + 0x99);
    assert_int_equal(follow(0, top + 1, FRAME(1)).on_top, 0);
    assert_int_equal(follow(0, KERNEL_STACK - 0x1000, FRAME(1)).on_top, 0);
    assert_int_equal(follow(0, KERNEL_STACK + BYTES, FRAME(1)).on_top, 0);
    put(top, CODE - 1, 0);
    assert_int_equal(follow(0, top, FRAME(1)).on_top, 0);
}

static void in_words(void **state)
{
    (void)state;
    char text[512];
    struct text_sink sink = text_sink(text, sizeof text);
    uint64_t top = FRAME(1) - 0x40;
    put(FRAME(1), 0x123, CODE + 0x22);
    put(top, CODE + 0x99, 0);
    struct stack_trace trace = follow(0x77, top, FRAME(1));
    stack_trace_write(&sink.sink, &map, &trace);
    assert_string_equal(text, "# trace: outside the image at 0000000000000077\n"
                              "# trace: image+0x1099 at 0000000000401099 perhaps: on top of the stack\n"
                              "# trace: image+0x1022 at 0000000000401022\n"
                              "# trace ends: the frame pointer is not a multiple of 8: 0000000000000123\n");
}

#define TEST(name, function)              \
    {                                     \
        name, function, empty, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("trace: a whole chain, to the frame pointer 0", whole_chain),
        TEST("trace: a record at the end of the stack is the outermost", end_of_stack),
        TEST("trace: leads from an exception's stack to the interrupted one, and never back", other_stack),
        TEST("trace: ends at a frame pointer that is wrong, and names it", broken_frame_pointers),
        TEST("trace: ends at a return address that is not in the code", broken_return_address),
        TEST("trace: endless recursion ends after 16 addresses", endless_recursion),
        TEST("trace: the word on top of the stack is told if it is an address of code", top_of_stack),
        TEST("trace: in words", in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
