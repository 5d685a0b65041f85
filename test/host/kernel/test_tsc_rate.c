/* SPDX-License-Identifier: MIT */
/* tsc_rate: what CPUID tells, and races against timers that run, stand still, or are not there. */
#include "devices/processor/processor.h"
#include "kernel/child.h"

#include "devices/console/ports.h"
#include "kernel/cpu/tsc_rate.h"

enum { STEP = 1000 }; /* ticks of the counter from one reading to the next */

/* An 8254 whose channel 2 takes this many ticks of the counter for a race. */
static struct {
    bool absent, ended_at_once;
    uint64_t ticks[32]; /* of each race: the list is gone through and begins anew; 0: it never ends */
    unsigned known, races, looks;
    uint64_t started;
    unsigned bytes; /* of the count that have come */
    uint16_t count;
    uint8_t gate;
} timer;

void port_write8(uint16_t port, uint8_t value)
{
    if (port == 0x61)
        timer.gate = value;
    if (port == 0x43) {
        assert_int_equal(value, 0xb0);
        assert_int_equal(timer.gate & 3, 1); /* open before it counts, and the speaker off */
        timer.bytes = 0;
    }
    if (port != 0x42)
        return;
    timer.count = (uint16_t)(timer.count >> 8 | value << 8);
    if (++timer.bytes == 2) {
        timer.started = processor.tsc;
        timer.races++;
    }
}

uint8_t port_read8(uint16_t port)
{
    assert_int_equal(port, 0x61);
    if (timer.absent)
        return 0xff;
    processor.tsc += STEP;
    timer.looks++;
    uint64_t ticks = timer.races ? timer.ticks[(timer.races - 1) % timer.known] : 0;
    bool ended = timer.ended_at_once || (timer.bytes == 2 && ticks && processor.tsc - timer.started >= ticks);
    return (uint8_t)(0xd0 | timer.gate | (ended ? 0x20 : 0));
}

/* Makes a timer whose races take these ticks in turn. */
static void timer_takes(unsigned count, const uint64_t *ticks)
{
    processor_begin();
    processor.tsc_step = 1;
    timer = (__typeof__(timer)){.known = count, .gate = 0x06}; /* the speaker is on, and a bit of others' */
    for (unsigned i = 0; i < count; i++)
        timer.ticks[i] = ticks[i];
}

#define TIMER_TAKES(...) timer_takes(sizeof((uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]){__VA_ARGS__})

/* The end is noticed at a look, and 11931 counts at 1,193,182 Hz are 10 ms. */
static void assert_rate(uint64_t rate, uint64_t ticks)
{
    assert_int_equal(ticks % STEP, 0);
    assert_int_equal(rate, (ticks + 1) * 1193182 / 11931);
}

static void told_by_cpuid(void **state)
{
    (void)state;
    const struct cpuid none = {0};
    assert_int_equal(tsc_rate_from_cpuid(none, none), 0);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 2, .ebx = 250, .ecx = 24000000}, none),
                     3000000000u);
    assert_int_equal(
        tsc_rate_from_cpuid((struct cpuid){.eax = 1, .ebx = 0xffffffff, .ecx = 0xffffffff}, none),
        0xffffffffull * 0xffffffff);
    /* The crystal is not told, but the processor's base frequency in MHz is. */
    assert_int_equal(
        tsc_rate_from_cpuid((struct cpuid){.eax = 2, .ebx = 292}, (struct cpuid){.eax = 0xabcd0000 | 3500}),
        3500000000u);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 2, .ebx = 292}, none), 0);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.ebx = 250, .ecx = 24000000}, none), 0);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 2}, (struct cpuid){.eax = 3500}), 0);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 1, .ebx = 1, .ecx = 24000000}, none),
                     24000000);
}

static void race_against_a_timer(void **state)
{
    (void)state;
    TIMER_TAKES(20000000);
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.count, 11931);
    assert_int_equal(timer.races, 2);
    assert_int_equal(timer.gate, 0x05); /* others' bits are as they were */
}

/* What interrupts a race makes it longer: two that agree to an eighth are believed, the shorter. */
static void races_that_were_interrupted(void **state)
{
    (void)state;
    TIMER_TAKES(30000000, 20000000, 25000000, 22000000);
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.races, 4);
    TIMER_TAKES(22500000, 20000000); /* just an eighth more */
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.races, 2);
    TIMER_TAKES(22500000 + STEP, 20000000);
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.races, 4);
    TIMER_TAKES(20000000, 22000000);
    assert_rate(tsc_rate_from_timer(), 20000000);
    TIMER_TAKES(80000000, 40000000, 20000000, 41000000, 21000000); /* between the two shortest so far */
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.races, 5);
}

static void no_timer(void **state)
{
    (void)state;
    TIMER_TAKES(0);
    timer.absent = true;
    assert_int_equal(tsc_rate_from_timer(), 0);
    timer.absent = false;
    assert_int_equal(tsc_rate_from_timer(), 0);
    assert_int_equal(timer.races, 20 + 1);
    assert_int_equal(timer.looks, 1 + 1 + 1000000); /* at the gate, at once, and until it gives up */
    TIMER_TAKES(1);
    timer.ended_at_once = true;
    assert_int_equal(tsc_rate_from_timer(), 0);
    assert_int_equal(timer.races, 20);
}

/* Something took the processor away between the start and the first look. */
static void a_race_that_was_lost_does_not_count(void **state)
{
    (void)state;
    TIMER_TAKES(1, 20000000);
    assert_rate(tsc_rate_from_timer(), 20000000);
    assert_int_equal(timer.races, 4);
}

/* A wrong time is worse than none. */
static void races_that_differ(void **state)
{
    (void)state;
    uint64_t ticks[20];
    for (unsigned i = 0; i < 20; i++)
        ticks[i] = 1000000 + i * UINT64_C(20000000);
    timer_takes(20, ticks);
    assert_int_equal(tsc_rate_from_timer(), 0);
    assert_int_equal(timer.races, 20);
}

/* Once it is known, it stays; until then there are three tries. This test is the first to ask. */
static void asked_until_it_is_known(void **state)
{
    (void)state;
    TIMER_TAKES(0);
    assert_int_equal(tsc_rate(), 0);
    assert_int_equal(timer.races, 3);
    assert_int_equal(tsc_rate(), 0);
    assert_int_equal(timer.races, 3);
    assert_int_equal(tsc_rate_or_guess(), 2500000000);
    processor_has_leaf(0, (struct cpuid){.eax = 0x16});
    processor_has_leaf(0x15, (struct cpuid){.eax = 1, .ebx = 100});
    processor_has_leaf(0x16, (struct cpuid){.eax = 7});
    assert_int_equal(tsc_rate(), 7000000);
    processor_begin();
    assert_int_equal(tsc_rate(), 7000000);
    assert_int_equal(tsc_rate_or_guess(), 7000000);
}

static void ask_twice(void)
{
    uint64_t rates[2];
    for (unsigned i = 0; i < 2; i++)
        rates[i] = tsc_rate();
    child_ends(rates[0] == 7000000 && rates[1] == 7000000 ? (int)timer.races : 99, "", 0);
}

static void the_timer_is_not_asked_if_cpuid_tells(void **state)
{
    char nothing[1];
    TIMER_TAKES(20000000);
    processor_has_leaf(0, (struct cpuid){.eax = 0x15});
    processor_has_leaf(0x15, (struct cpuid){.eax = 1, .ebx = 1, .ecx = 7000000});
    assert_int_equal(run_in_child(ask_twice, nothing, sizeof nothing), 0);
}

/* Runs after the test that asks, and goes by its rate. */
static void seconds_are_waited(void **state)
{
    (void)state;
    uint64_t seconds;
    TIMER_TAKES(0);
    processor.tsc_step = 1750000;
    assert_int_equal(tsc_waits(&seconds), 0);
    assert_int_equal(seconds, 0);
    tsc_wait_a_second();
    assert_int_equal(processor.tsc, (1 + 4 + 1) * 1750000);
    assert_int_equal(tsc_waits(&seconds), 1);
    assert_int_equal(seconds, 1);
    for (unsigned i = 0; i < 3; i++)
        tsc_wait_a_second();
    assert_int_equal(tsc_waits(&seconds), 4);
    assert_int_equal(seconds, 5); /* 1.25 each */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"tsc rate: as CPUID tells it, or not", told_by_cpuid, NULL, NULL, NULL},
        {"tsc rate: measured by a timer", race_against_a_timer, NULL, NULL, NULL},
        {"tsc rate: races that were interrupted do not count", races_that_were_interrupted, NULL, NULL, NULL},
        {"tsc rate: not known without a timer, or with one that never ends", no_timer, NULL, NULL, NULL},
        {"tsc rate: a race that had ended at the first look does not count",
         a_race_that_was_lost_does_not_count, NULL, NULL, NULL},
        {"tsc rate: not known if measurements differ", races_that_differ, NULL, NULL, NULL},
        {"tsc rate: the timer is not asked if CPUID tells it", the_timer_is_not_asked_if_cpuid_tells, NULL,
         NULL, NULL},
        {"tsc rate: asked until it is known", asked_until_it_is_known, NULL, NULL, NULL},
        {"tsc rate: a second is a second, and counted", seconds_are_waited, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("tsc_rate", tests, NULL, NULL);
}
