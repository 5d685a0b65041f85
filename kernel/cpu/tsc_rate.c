/* SPDX-License-Identifier: MIT */
/* tsc_rate.c - asks CPUID, or lets the counter race against a timer of known speed. */
#include "cpu/tsc_rate.h"
#include "console/ports.h"
#include "cpu/cpuid.h"

/* Channel 2 of the 8254 counts down from a number at 1,193,182 Hz; its output shows in port 61h. */
enum {
    PIT_RATE = 1193182,
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_COUNT_ONCE = 0xb0, /* channel 2, both bytes, mode 0: the output rises at zero */
    PIT_GATE = 0x61,
    GATE_OPEN = 0x01, /* and the speaker, bit 1, off */
    OF_OTHERS = 0x0c, /* bits 4 and up are read-only */
    OUTPUT = 0x20,
    RACE_COUNT = PIT_RATE / 100,
    POLL_LIMIT = 1000000,
};

uint64_t tsc_rate_from_cpuid(struct cpuid leaf15, struct cpuid leaf16)
{
    if (leaf15.eax == 0 || leaf15.ebx == 0)
        return 0;
    if (leaf15.ecx != 0)
        return (uint64_t)leaf15.ecx * leaf15.ebx / leaf15.eax;
    return (uint64_t)(leaf16.eax & 0xffff) * 1000000; /* the crystal is not told, but the base frequency is */
}

/*
 * Returns the ticks of one race; 0 if it does not end; RACE_LOST if it had ended before it was looked at:
 * nothing counts there, or something took the processor away.
 */
#define RACE_LOST UINT64_MAX
static uint64_t race(void)
{
    port_write8(PIT_GATE, (uint8_t)((port_read8(PIT_GATE) & OF_OTHERS) | GATE_OPEN));
    port_write8(PIT_COMMAND, PIT_COUNT_ONCE);
    port_write8(PIT_CHANNEL_2, RACE_COUNT & 0xff);
    port_write8(PIT_CHANNEL_2, RACE_COUNT >> 8);
    uint64_t start = read_tsc();
    if (port_read8(PIT_GATE) & OUTPUT)
        return RACE_LOST;
    for (unsigned polls = 0; polls < POLL_LIMIT; polls++)
        if (port_read8(PIT_GATE) & OUTPUT)
            return read_tsc() - start;
    return 0;
}

/* What interrupts a race (firmware, a hypervisor) makes it longer: the two shortest count, if they agree. */
uint64_t tsc_rate_from_timer(void)
{
    enum { RACES = 20 };
    uint64_t shortest = UINT64_MAX, second = shortest;
    for (unsigned i = 0; i < RACES; i++) {
        uint64_t ticks = race();
        if (ticks == 0)
            return 0;
        if (ticks == RACE_LOST)
            continue;
        second = ticks < shortest ? shortest : ticks < second ? ticks : second;
        shortest = ticks < shortest ? ticks : shortest;
        if (second - shortest <= shortest / 8)
            return shortest * PIT_RATE / RACE_COUNT;
    }
    return 0;
}

uint64_t tsc_rate(void)
{
    enum { TRIES = 3 };
    static uint64_t rate;
    static unsigned tries;
    if (rate == 0)
        rate = tsc_rate_from_cpuid(cpuid_or_zero(0x15), cpuid_or_zero(0x16));
    for (; rate == 0 && tries < TRIES; tries++)
        rate = tsc_rate_from_timer();
    return rate;
}

uint64_t tsc_rate_or_guess(void)
{
    return tsc_rate() ? tsc_rate() : TSC_RATE_IF_UNKNOWN;
}

static uint64_t waited; /* ticks */
static unsigned waits;

void tsc_wait_a_second(void)
{
    uint64_t start = read_tsc();
    while (read_tsc() - start < tsc_rate_or_guess())
        __builtin_ia32_pause();
    waited += read_tsc() - start;
    waits++;
}

unsigned tsc_waits(uint64_t *seconds)
{
    *seconds = waited / tsc_rate_or_guess();
    return waits;
}
