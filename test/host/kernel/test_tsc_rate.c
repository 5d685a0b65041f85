/* tsc_rate: what CPUID tells, and races against timers that run, stand still, or are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/console/ports.h"
#include "kernel/cpu/tsc_rate.h"

/* An 8254 whose channel 2 takes this many ticks of the counter for a race. */
static struct {
    bool absent;
    uint64_t ticks;      /* 0: it never ends */
    uint64_t ticks_more; /* each race takes so many ticks more than the one before */
    uint64_t started;
    unsigned bytes; /* of the count that have come */
    uint16_t count;
    uint8_t gate;
} timer;

void port_write8(uint16_t port, uint8_t value)
{
    if (port == 0x61)
        timer.gate = value & 0x0f;
    if (port == 0x43)
        assert_int_equal(value, 0xb0);
    if (port == 0x43)
        timer.bytes = 0;
    if (port != 0x42)
        return;
    timer.count = (uint16_t)(timer.count >> 8 | value << 8);
    if (++timer.bytes == 2) {
        timer.started = read_tsc();
        timer.ticks += timer.ticks_more;
    }
}

uint8_t port_read8(uint16_t port)
{
    assert_int_equal(port, 0x61);
    if (timer.absent)
        return 0xff;
    assert_true(timer.bytes != 2 || (timer.gate & 3) == 1); /* counting, and the speaker off */
    bool ended = timer.bytes == 2 && timer.ticks && read_tsc() - timer.started >= timer.ticks;
    return (uint8_t)(timer.gate | (ended ? 0x20 : 0));
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
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 2, .ebx = 292}, (struct cpuid){.eax = 3500}),
                     3500000000u);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.eax = 2, .ebx = 292}, none), 0);
    assert_int_equal(tsc_rate_from_cpuid((struct cpuid){.ebx = 250, .ecx = 24000000}, none), 0);
}

/* The host may interrupt all races, and make two of them alike: try again. */
static void race_against_a_timer(void **state)
{
    (void)state;
    timer.ticks = 20000000;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t rate = tsc_rate_from_timer();
        assert_int_equal(timer.count, 11931);
        assert_true(rate == 0 || rate >= 100 * timer.ticks);
        if (rate > 0 && rate < 105 * timer.ticks)
            return;
    }
    fail_msg("no race came near the rate");
}

static void no_timer(void **state)
{
    (void)state;
    timer.absent = true;
    assert_int_equal(tsc_rate_from_timer(), 0);
    timer.absent = false;
    timer.ticks = 0;
    assert_int_equal(tsc_rate_from_timer(), 0);
}

/* A wrong time is worse than none. The host may interrupt two races so that they become alike: try again. */
static void races_that_differ(void **state)
{
    (void)state;
    uint64_t rate = 1;
    for (unsigned i = 0; i < 20 && rate != 0; i++) {
        timer.ticks = 1000000;
        timer.ticks_more = 20000000;
        rate = tsc_rate_from_timer();
    }
    assert_int_equal(rate, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"tsc rate: as CPUID tells it, or not", told_by_cpuid, NULL, NULL, NULL},
        {"tsc rate: measured by a timer", race_against_a_timer, NULL, NULL, NULL},
        {"tsc rate: not known without a timer, or with one that never ends", no_timer, NULL, NULL, NULL},
        {"tsc rate: not known if measurements differ", races_that_differ, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("tsc_rate", tests, NULL, NULL);
}
