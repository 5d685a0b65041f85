/* SPDX-License-Identifier: MIT */
/* tsc: counters that count instructions, and counters that count time. */
#include "devices/processor/processor.h"

#include "kernel/cpu/tsc.h"

/* What the counter shows at each reading: two around each loop, whose second run is half as long. */
static struct {
    uint64_t per_instruction; /* ticks */
    uint64_t around;          /* ticks of the instructions around the loop */
    unsigned odd_loop;        /* this one takes `more` ticks more; loops are counted from 1 */
    uint64_t more;
    unsigned readings;
} counter;

/* The instructions of the three loops, in turn: 1000 times, then 500 times. */
static uint64_t loop_ticks(unsigned loop)
{
    static const unsigned instructions[] = {3, 5, 3};
    unsigned times = loop % 2 ? 500 : 1000;
    return counter.per_instruction * times * instructions[loop / 2 % 3] + counter.around +
           (loop + 1 == counter.odd_loop ? counter.more : 0);
}

static uint64_t read_counter(void)
{
    static uint64_t now;
    unsigned reading = counter.readings++;
    now += reading % 2 ? loop_ticks(reading / 2) : 77;
    return now;
}

static uint64_t calibrate(uint64_t per_instruction, unsigned odd_loop, uint64_t more)
{
    processor_begin();
    processor.counter = read_counter;
    counter = (__typeof__(counter)){per_instruction, 13, odd_loop, more, 0};
    return tsc_calibrate();
}

static void instructions_are_counted(void **state)
{
    assert_int_equal(calibrate(1, 0, 0), 1);
    assert_int_equal(counter.readings, 3 * 5 * 4);
    assert_int_equal(calibrate(128, 0, 0), 128);
}

/* Any loop that differs shows that time is counted: by less than an instruction, or by whole ones. */
static void time_is_counted(void **state)
{
    for (unsigned loop = 1; loop <= 30; loop++) {
        assert_int_equal(calibrate(4, loop, 1), 0);
        assert_int_equal(calibrate(4, loop, 1500 * 5 * 4), 0);
    }
    for (unsigned loop = 1; loop <= 30;
         loop += 2) /* the longer run takes no more time than the shorter one */
        assert_int_equal(calibrate(4, loop, (uint64_t)0 - 500 * 4 * (loop / 2 % 3 == 1 ? 5 : 3)), 0);
    assert_int_equal(calibrate(0, 0, 0), 0);
}

static void units(void **state)
{
    assert_string_equal(tsc_unit(0), "cycles");
    assert_string_equal(tsc_unit(1), "instructions");
    assert_int_equal(tsc_in_units(0, 700), 700);
    assert_int_equal(tsc_in_units(7, 704), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_counted),
        cmocka_unit_test(time_is_counted),
        cmocka_unit_test(units),
    };
    return cmocka_run_group_tests_name("tsc", tests, NULL, NULL);
}
