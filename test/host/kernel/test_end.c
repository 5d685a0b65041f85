/* SPDX-License-Identifier: MIT */
/* end: what each way to end a run does, says and asks for, until the processor halts. */
#include "devices/processor/processor.h"
#include "kernel/child.h"

#include <string.h>

#include "devices/console/ports.h"
#include "kernel/boot/end.h"
#include "kernel/console/console.h"
#include "kernel/console/keyboard.h"
#include "kernel/cpu/tsc_rate.h"
#include "kernel/display/display.h"

/* ---- the machine, whose doings are written down ---- */

static char done[4096];

void print(const char *text, ...)
{
    size_t length = strlen(done);
    struct text_sink sink = text_sink(done + length, sizeof done - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

static bool exits_by_port, shows_pages;
static unsigned key_at_poll, polls; /* 0: no key is pressed */
static uint64_t rate;
static const char *faults[SERIAL_CANDIDATES];

void port_write8(uint16_t port, uint8_t value)
{
    print("[port %x=%x]", port, value);
    if (exits_by_port)
        cpu_halt();
}

bool machine_is_qemu(const char *rsdp_oem)
{
    return strncmp(rsdp_oem, "BOCHS", 5) == 0;
}

static void __attribute__((ms_abi)) reset(int type, uint64_t status, uint64_t bytes, void *data)
{
    print("[reset %d %lu %lu %d]", type, status, bytes, data != NULL);
}

void runtime_space_enter(void)
{
    print("[enter]");
}

void runtime_space_leave(void)
{
    print("[leave]");
}

bool keyboard_start(void)
{
    print("[keyboard]");
    return true;
}

enum key keyboard_poll(void)
{
    return ++polls == key_at_poll ? KEY_OTHER : KEY_NONE;
}

uint64_t tsc_rate(void)
{
    return rate;
}

const char *console_serial_fault(unsigned index)
{
    return faults[index];
}

bool display_for(unsigned seconds)
{
    print("[pages for %u s]", seconds);
    return shows_pages;
}

void display_after_end(void)
{
    print("[pages]");
}

/* ---- a run that ends ---- */

static struct handoff handoff;
static bool passed;
static unsigned ends; /* so often the end faults, and is called again */

static void end_until_it_halts(void)
{
    jmp_buf halted;
    processor.halt = &halted;
    end_prepare(&handoff);
    for (unsigned i = 0; i < ends; i++)
        if (setjmp(halted) == 0)
            end_run(passed);
        else
            print("[%lu polls in %lu ticks]\n", (uint64_t)polls, processor.tsc);
    child_ends(0, done, strlen(done));
}

static const char *end(void)
{
    static char text[sizeof done];
    assert_int_equal(run_in_child(end_until_it_halts, text, sizeof text), 0);
    return text;
}

#define LAST_WORDS "The report ends here; the machine can be switched off.\n[pages][0 polls in 0 ticks]\n"
#define RESTARTS(n, s)                                                                   \
    "In " n " second" s " the machine restarts, and Selfmap writes this report to the\n" \
    "folder \\SELFMAP of the volume that it was started from. A key stops that.\n"
#define DOES_NOT                                                                                             \
    "Restarting.\n[enter][reset 1 0 0 0][leave]The firmware did not restart the machine. If it has a reset " \
    "button, that "                                                                                          \
    "may do.\n"

static int begin(void **state)
{
    processor_begin();
    exits_by_port = false;
    shows_pages = true;
    key_at_poll = 0;
    rate = 1000;
    faults[0] = faults[1] = NULL;
    handoff = (struct handoff){.reset_system = {(uintptr_t)reset}, .store = "there is no volume"};
    handoff.options.end = END_AUTO;
    passed = true;
    ends = 1;
    return 0;
}

static void as_the_option_says(void **state)
{
    handoff.options.end = END_SHUTDOWN;
    assert_string_equal(end(), "[enter][reset 2 0 0 0][leave]" LAST_WORDS);
    handoff.options.end = END_RESET;
    assert_string_equal(end(), "[enter][reset 0 0 0 0][leave]" LAST_WORDS);
    handoff.options.end = END_HALT;
    handoff.can_store = true;
    assert_string_equal(end(), LAST_WORDS);
    handoff.options.end = END_RESET;
    handoff.reset_system.value = 0;
    assert_string_equal(end(), LAST_WORDS);
}

static void qemu_is_told_the_result(void **state)
{
    memcpy(handoff.rsdp_oem, "BOCHS ", 6);
    exits_by_port = true;
    assert_string_equal(end(), "[port f4=10][0 polls in 0 ticks]\n");
    passed = false;
    assert_string_equal(end(), "[port f4=11][0 polls in 0 ticks]\n");
    exits_by_port = false; /* QEMU without that device */
    handoff.options.store = STORE_NO;
    assert_string_equal(end(), "[port f4=11]" LAST_WORDS);
}

static void the_report_is_stored_or_not(void **state)
{
    assert_string_equal(end(), "The report cannot be stored: there is no volume\n" LAST_WORDS);
    handoff.options.end = END_STORE;
    handoff.options.store = STORE_NO;
    assert_string_equal(end(), "The report cannot be stored: there is no volume\n" LAST_WORDS);
    handoff.can_store = true;
    assert_string_equal(end(), RESTARTS("60", "s") "[pages for 60 s]" DOES_NOT LAST_WORDS);
    handoff.options.end = END_AUTO;
    assert_string_equal(end(), LAST_WORDS);
    handoff.options.store = STORE_HINT;
    handoff.options.wait_seconds = 1;
    assert_string_equal(end(), RESTARTS("60", "s") "[pages for 60 s]" DOES_NOT LAST_WORDS);
    handoff.options.wait_is_set = true;
    assert_string_equal(end(), RESTARTS("1", "") "[pages for 1 s]" DOES_NOT LAST_WORDS);
    handoff.options.wait_seconds = 0;
    assert_string_equal(end(), RESTARTS("0", "s") "[pages for 0 s]" DOES_NOT LAST_WORDS);
}

#define STOPPED "Stopped: the report is in memory until the machine is switched off, and is not written.\n"
#define ENDS    "The report ends here; the machine can be switched off.\n[pages]"

/* A reading of the counter before, and one after each look for a key. */
static void without_a_display_a_key_stops_it(void **state)
{
    handoff.can_store = true;
    handoff.options.wait_is_set = true;
    handoff.options.wait_seconds = 2;
    shows_pages = false;
    processor.tsc_step = 100;
    assert_string_equal(end(), RESTARTS("2", "s") "[pages for 2 s][keyboard]" DOES_NOT ENDS
                                                  "[20 polls in 2100 ticks]\n");
    key_at_poll = 20;
    assert_string_equal(end(), RESTARTS("2", "s") "[pages for 2 s][keyboard]" STOPPED ENDS
                                                  "[20 polls in 2000 ticks]\n");
    handoff.options.wait_seconds = 0;
    key_at_poll = 1;
    assert_string_equal(end(), RESTARTS("0", "s") "[pages for 0 s][keyboard]" STOPPED ENDS
                                                  "[1 polls in 100 ticks]\n");
    handoff.options.wait_seconds = 2;
    rate = key_at_poll = 0; /* not known: as if the processor had 2.5 GHz */
    processor.tsc_step = 1000000000;
    assert_string_equal(end(), RESTARTS("2", "s") "[pages for 2 s][keyboard]" DOES_NOT ENDS
                                                  "[5 polls in 6000000000 ticks]\n");
}

static void ports_that_failed_are_named(void **state)
{
    handoff.options.end = END_HALT;
    handoff.serial_count = 2;
    handoff.serial[0] = (struct uart){.name = "com1", .is_fixed = true};
    handoff.serial[1] = (struct uart){.name = "com2", .is_fixed = true};
    faults[1] = "it is broken";
    assert_string_equal(end(), "No report on the serial port com2: it is broken\n" LAST_WORDS);
    faults[0] = "it is absent";
    assert_string_equal(end(), "No report on the serial port com1: it is absent\n"
                               "No report on the serial port com2: it is broken\n" LAST_WORDS);
    handoff.serial_count = 1;
    assert_string_equal(end(), "No report on the serial port com1: it is absent\n" LAST_WORDS);
}

/* What faulted is not tried again: no reset and nothing stored, but QEMU is told. */
static void the_second_end_is_simpler(void **state)
{
    ends = 2;
    handoff.options.end = END_RESET;
    handoff.can_store = true;
    memcpy(handoff.rsdp_oem, "BOCHS ", 6);
    assert_string_equal(end(), "[enter][reset 0 0 0 0][leave]" LAST_WORDS "[port f4=10]" LAST_WORDS);
    handoff.options.end = END_STORE;
    assert_string_equal(end(),
                        RESTARTS("60", "s") "[pages for 60 s]" DOES_NOT LAST_WORDS "[port f4=10]" LAST_WORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"end: off, reset or halt, as the option says", as_the_option_says, begin, NULL, NULL},
        {"end: QEMU is told the result", qemu_is_told_the_result, begin, NULL, NULL},
        {"end: the report is stored, or it is said why not", the_report_is_stored_or_not, begin, NULL, NULL},
        {"end: without a display a key stops the restart, within the time", without_a_display_a_key_stops_it,
         begin, NULL, NULL},
        {"end: ports that failed are named", ports_that_failed_are_named, begin, NULL, NULL},
        {"end: a second end tries less", the_second_end_is_simpler, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("end", tests, NULL, NULL);
}
