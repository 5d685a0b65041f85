/* SPDX-License-Identifier: MIT */
/* deviations: what an emulator is known for is counted there, and nothing is known of hardware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"
#include "kernel/console/format.h"
#include "kernel/cpu/emulator.h"
#include "kernel/selftest/deviations.h"

static enum emulator here;
static char printed[4096];

enum emulator emulator_here(void)
{
    return here;
}

const char *emulator_name(enum emulator emulator)
{
    return emulator == EMULATOR_QEMU ? "QEMU" : "Bochs";
}

void print(const char *text, ...)
{
    size_t length = strlen(printed);
    struct text_sink sink = text_sink(printed + length, sizeof printed - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

/* Returns what is reported on this emulator. */
static const char *report_on(enum emulator emulator)
{
    here = emulator;
    printed[0] = '\0';
    deviations_report();
    return printed;
}

static void hardware_is_known_for_nothing(void **state)
{
    (void)state;
    here = EMULATOR_NONE;
    for (unsigned i = 0; i < DEVIATIONS; i++) {
        assert_false(deviation_is_known((enum deviation)i));
        assert_false(deviation_count((enum deviation)i));
    }
    assert_string_equal(report_on(EMULATOR_NONE), "");
}

static void each_is_known_of_its_emulator(void **state)
{
    (void)state;
    static const struct {
        enum deviation deviation;
        bool qemu, bochs;
    } rows[] = {
        {DEVIATION_RESERVED, true, false},   {DEVIATION_ACCESSED, true, false},
        {DEVIATION_IMPLICIT, true, true},    {DEVIATION_IMPLICIT_USER, false, true},
        {DEVIATION_KEY_ACCESS, false, true}, {DEVIATION_KEY_SUPERVISOR, false, true},
    };
    assert_int_equal(sizeof rows / sizeof rows[0], DEVIATIONS);
    for (unsigned i = 0; i < DEVIATIONS; i++) {
        here = EMULATOR_QEMU;
        assert_int_equal(deviation_is_known(rows[i].deviation), rows[i].qemu);
        here = EMULATOR_BOCHS;
        assert_int_equal(deviation_is_known(rows[i].deviation), rows[i].bochs);
    }
}

static void cases_are_counted(void **state)
{
    (void)state;
    assert_non_null(strstr(report_on(EMULATOR_QEMU),
                           "\n# deviation_accessed=cases=0 in QEMU 7.2 and 10.0, against "
                           "SDM 3A 4.8: "));
    here = EMULATOR_QEMU;
    assert_true(deviation_count(DEVIATION_ACCESSED));
    assert_true(deviation_count(DEVIATION_ACCESSED));
    assert_false(deviation_count(DEVIATION_KEY_ACCESS)); /* not known of this one, and not counted */
    assert_non_null(strstr(report_on(EMULATOR_QEMU), "\n# deviation_accessed=cases=2 in QEMU"));
    assert_null(strstr(printed, "key_access"));
    assert_non_null(
        strstr(report_on(EMULATOR_BOCHS), "\n# deviation_key_access=cases=0 in Bochs 2.7 and 3.0"));
    assert_null(strstr(printed, "accessed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"deviations: hardware is known for nothing", hardware_is_known_for_nothing, NULL, NULL, NULL},
        {"deviations: each is known of the emulators that were seen to do so", each_is_known_of_its_emulator,
         NULL, NULL, NULL},
        {"deviations: cases are counted, and reported a row each", cases_are_counted, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("deviations", tests, NULL, NULL);
}
