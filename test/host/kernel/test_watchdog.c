/* SPDX-License-Identifier: MIT */
/* watchdog: over a made-up local APIC, whose timer counts with the time stamp counter. */
#include "devices/processor/processor.h"

#include <stdio.h>
#include <string.h>

#include "devices/console/ports.h"
#include "kernel/console/console.h"
#include "kernel/console/format.h"
#include "kernel/cpu/tsc_rate.h"
#include "kernel/cpu/watchdog.h"
#include <selfmap/range.h>

enum {
    RATE = 1000000,
    STEP = 10,
    SLOWER = 4 /* ticks of the counter for one of the timer */,
    MEASUREMENTS = 4
};
enum { EDX_APIC = 1 << 9, EDX_MSRS = 1 << 5, BASE = 0x1b, IS_ON = 1 << 11, IS_MSRS = 1 << 10 };

/* ---- the timer ---- */

static struct {
    uint32_t initial;
    uint64_t begun;
    unsigned slower;
    bool stands_still;
    unsigned starts, disturbed; /* the start at which something else had the processor, or more */
} timer;

static bool reads_apic(uint32_t msr, uint64_t *value)
{
    if (msr != 0x839)
        return false;
    uint64_t passed = (processor.tsc - timer.begun) / timer.slower;
    *value = timer.stands_still || timer.initial == 0 ? timer.initial
             : passed > timer.initial                 ? 0
                                                      : timer.initial - passed;
    return true;
}

static bool writes_apic(uint32_t msr, uint64_t value)
{
    if (msr != 0x838)
        return false;
    timer.initial = (uint32_t)value;
    timer.begun = processor.tsc;
    timer.slower = ++timer.starts < timer.disturbed ? 2 * SLOWER : SLOWER;
    if (timer.starts > MEASUREMENTS)
        snprintf(processor.done + strlen(processor.done), sizeof processor.done - strlen(processor.done),
                 "shot=%lx ", value);
    return true;
}

void port_write8(uint16_t port, uint8_t value)
{
    snprintf(processor.done + strlen(processor.done), sizeof processor.done - strlen(processor.done),
             "port %x=%x ", port, value);
}

uint64_t tsc_rate_or_guess(void)
{
    return RATE;
}

static char printed[256];

void print(const char *text, ...)
{
    struct text_sink sink = text_sink(printed, sizeof printed);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

static uint64_t mapped, mapped_bytes, mapped_flags;
static enum paging_status map_status;
static struct paging_space space = {.cpu = {.has_no_execute = true}};
static struct paging_frame_source frames;

enum paging_status paging_identity_map_range(struct paging_space *which, paging_phys_t start, uint64_t bytes,
                                             uint64_t flags, struct paging_frame_source *from)
{
    assert_true(which == &space && from == &frames);
    mapped = start.value;
    mapped_bytes = bytes;
    mapped_flags = flags;
    return map_status;
}

static void has_apic(uint64_t base)
{
    processor_begin();
    processor.tsc_step = STEP;
    processor.reads = reads_apic;
    processor.writes = writes_apic;
    timer = (__typeof__(timer)){.slower = SLOWER};
    mapped = UINT64_MAX;
    map_status = PAGING_OK;
    processor_has_leaf(1, (struct cpuid){.edx = EDX_APIC | EDX_MSRS});
    processor_has_msr(BASE, base);
    static const uint32_t registers[] = {0x808, 0x80b, 0x80f, 0x832, 0x835, 0x836, 0x83e};
    for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++)
        processor_has_msr(registers[i], 0);
    for (unsigned i = 0; i < 8; i++)
        processor_has_msr(0x810 + i, 0);
}

#define MASKED                                                                                        \
    "port 21=ff port a1=ff msr 80f=1ff msr 832=100f0 msr 835=100ff msr 836=400 msr 808=e0 msr 83e=a " \
    "shot=0 "

static void start(unsigned seconds)
{
    has_apic(IS_ON | IS_MSRS);
    assert_null(watchdog_start(&space, &frames, seconds));
}

/* ---- tests, in this order: the first ones begin without a watchdog that runs ---- */

static void without_an_apic_there_is_none(void **state)
{
    has_apic(0);
    assert_string_equal(watchdog_start(&space, &frames, 1), "the local APIC is switched off");
    processor_has_leaf(1, (struct cpuid){0});
    assert_string_equal(watchdog_start(&space, &frames, 1), "the processor has no local APIC");
    watchdog_begin("a step");
    watchdog_is_alive();
    assert_done("");
    watchdog_stop();
    assert_done("off ");
}

static void a_timer_that_stands_still_is_none(void **state)
{
    has_apic(IS_ON | IS_MSRS);
    timer.stands_still = true;
    assert_string_equal(watchdog_start(&space, &frames, 1), "the timer of the local APIC does not count");
    assert_done(MASKED);
    watchdog_begin("a step");
    assert_done("");
}

/*
 * A measurement ends 2000 ticks after its start, in which the timer has counted 500; a last reading a STEP
 * later. So 497 in a 500th of a second are believed.
 */
static void assert_shot(unsigned seconds)
{
    char text[32];
    snprintf(text, sizeof text, "shot=%x ", 497 * 500 * seconds);
    assert_done(text);
}

static void others_are_masked_and_the_timer_is_measured(void **state)
{
    start(3);
    assert_done(MASKED "msr 832=f0 on ");
    assert_int_equal(mapped, UINT64_MAX); /* its registers are not in memory */
    watchdog_begin("a step");
    assert_shot(3);
    watchdog_is_alive();
    assert_shot(3);
}

/* Something took the processor away in the first three of four measurements: the timer seemed slower. */
static void the_most_is_believed(void **state)
{
    has_apic(IS_ON | IS_MSRS);
    timer.disturbed = 4;
    assert_null(watchdog_start(&space, &frames, 1));
    assert_int_equal(timer.starts, MEASUREMENTS + 1);
    processor.done[0] = '\0';
    watchdog_is_alive();
    assert_shot(1);
    has_apic(IS_ON | IS_MSRS);
    timer.disturbed = 2; /* the first one only */
    assert_null(watchdog_start(&space, &frames, 1));
    processor.done[0] = '\0';
    watchdog_is_alive();
    assert_shot(1);
}

static bool interrupted(unsigned vector)
{
    struct exception_frame frame = {.vector = vector};
    return watchdog_interrupt(&frame);
}

/* A budget that the timer cannot count at once is counted by several shots. */
static void the_budget_is_the_counters(void **state)
{
    start(20000); /* the timer would have to count 5 thousand million */
    processor.done[0] = '\0';
    watchdog_begin("a step");
    uint64_t began = processor.tsc;
    assert_done("shot=ffffffff ");
    processor.tsc = began + UINT64_C(20000) * RATE - 2 * STEP;
    assert_true(interrupted(WATCHDOG_VECTOR));
    assert_done("shot=ffffffff ");
    assert_false(interrupted(WATCHDOG_VECTOR)); /* STEP later the budget is used up */
    assert_done("");
    watchdog_is_alive();
    assert_true(interrupted(WATCHDOG_VECTOR));
}

static void what_has_not_ended_is_named(void **state)
{
    start(2);
    watchdog_begin("look for water");
    watchdog_explain();
    assert_string_equal(printed, "watchdog: it has not ended after 2 seconds: look for water\n");
    start(1);
    watchdog_explain();
    assert_string_equal(printed, "watchdog: it has not ended after 1 second: look for water\n");
}

/* An interrupt that the APIC has delivered itself gets its end; others do not. */
static void interrupts_get_their_end(void **state)
{
    start(1);
    processor.done[0] = '\0';
    assert_true(interrupted(SPURIOUS_VECTOR));
    assert_done("");
    processor_has_msr(0x817, 1u << 16); /* F0h */
    watchdog_is_alive();
    processor.done[0] = '\0';
    assert_true(interrupted(WATCHDOG_VECTOR));
    assert_int_equal(strncmp(processor.done, "msr 80b=0 shot=", 15), 0);
    processor_has_msr(0x817, 0);
    processor.done[0] = '\0';
    assert_true(interrupted(WATCHDOG_VECTOR));
    assert_int_equal(strncmp(processor.done, "shot=", 5), 0);
}

/* Runs after the tests above, in which none was unexpected. */
static void unexpected_interrupts_are_counted(void **state)
{
    unsigned vector = 0;
    start(1);
    assert_int_equal(watchdog_unexpected(&vector), 0);
    processor.done[0] = '\0';
    processor_has_msr(0x812, 1u << 5); /* 45h */
    assert_true(interrupted(0x45));
    assert_done("msr 80b=0 ");
    assert_true(interrupted(0x44));
    assert_true(interrupted(0x46));
    assert_true(interrupted(0x65)); /* the same bit of another register */
    assert_done("");
    processor_has_msr(0x812, 1u << 29); /* 5dh */
    processor_has_msr(0x813, 1u << 0);  /* 60h */
    assert_true(interrupted(0x5d));
    assert_true(interrupted(0x60));
    assert_done("msr 80b=0 msr 80b=0 ");
    assert_int_equal(watchdog_unexpected(&vector), 6);
    assert_int_equal(vector, 0x45);
    assert_true(interrupted(SPURIOUS_VECTOR));
    assert_int_equal(watchdog_unexpected(&vector), 6);
}

static void stopped_it_is_silent(void **state)
{
    unsigned vector;
    start(1);
    watchdog_is_alive();
    processor.done[0] = '\0';
    watchdog_stop();
    assert_done("off shot=0 msr 832=100f0 ");
    watchdog_begin("a step");
    watchdog_stop();
    assert_done("off ");
    unsigned before = watchdog_unexpected(&vector);
    processor_has_msr(0x817, 1u << 16);
    assert_true(interrupted(WATCHDOG_VECTOR)); /* nobody waits for it any more */
    assert_done("");
    assert_int_equal(watchdog_unexpected(&vector), before + 1);
}

/* Registers in memory are mapped first; the page may be mapped for runtime services. */
static void registers_in_memory_are_mapped(void **state)
{
    static _Alignas(4096) uint32_t page[1024];
    const enum paging_status good[] = {PAGING_OK, PAGING_ALREADY_MAPPED};
    has_apic((uintptr_t)page | IS_ON);
    map_status = PAGING_NO_FRAMES;
    assert_string_equal(watchdog_start(&space, &frames, 1),
                        "the registers of the local APIC cannot be mapped");
    assert_int_equal(watchdog_registers(), 0);
    page[0x390 / 4] = UINT32_MAX; /* as it was started: memory does not count */
    for (unsigned i = 0; i < 2; i++) {
        has_apic((uintptr_t)page | IS_ON);
        map_status = good[i];
        space.cpu.has_no_execute = i == 0;
        assert_string_equal(watchdog_start(&space, &frames, 1), "the timer of the local APIC does not count");
        assert_int_equal(mapped, (uintptr_t)page);
        assert_int_equal(mapped_bytes, 4096);
        assert_int_equal(watchdog_registers(), (uintptr_t)page);
        assert_int_equal(mapped_flags,
                         PAGING_WRITABLE | PAGING_CACHE_UNCACHED_MINUS | (i == 0 ? PAGING_NO_EXECUTE : 0));
        assert_int_equal(page[0xf0 / 4], 0x1ff);
        page[0xf0 / 4] = 0;
    }
    map_status = PAGING_NO_FRAMES;
    assert_string_equal(watchdog_start(&space, &frames, 1),
                        "the registers of the local APIC cannot be mapped");
    assert_int_equal(page[0xf0 / 4], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"watchdog: none without a local APIC that is on", without_an_apic_there_is_none, NULL, NULL, NULL},
        {"watchdog: none with a timer that does not count", a_timer_that_stands_still_is_none, NULL, NULL,
         NULL},
        {"watchdog: registers in memory are mapped first", registers_in_memory_are_mapped, NULL, NULL, NULL},
        {"watchdog: others' interrupts are masked, and the timer is measured",
         others_are_masked_and_the_timer_is_measured, NULL, NULL, NULL},
        {"watchdog: of several measurements the most is believed", the_most_is_believed, NULL, NULL, NULL},
        {"watchdog: a budget that is used up ends the run, and not before", the_budget_is_the_counters, NULL,
         NULL, NULL},
        {"watchdog: it names what has not ended", what_has_not_ended_is_named, NULL, NULL, NULL},
        {"watchdog: interrupts get their end", interrupts_get_their_end, NULL, NULL, NULL},
        {"watchdog: interrupts that nobody asked for are counted", unexpected_interrupts_are_counted, NULL,
         NULL, NULL},
        {"watchdog: stopped, it is silent", stopped_it_is_silent, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
