/* SPDX-License-Identifier: MIT */
/* steps: a step is marked in the record, for the watchdog and on the console, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/boot/steps.h"
#include "kernel/console/console.h"
#include "kernel/console/format.h"
#include "kernel/console/kept.h"
#include "kernel/cpu/tsc_rate.h"
#include "kernel/cpu/watchdog.h"

static char done[256];
static struct text_sink sink;

void print(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

void kept_step(const char *step)
{
    print("[kept %s]", step);
}

void watchdog_begin(const char *what)
{
    print("[watched %s]", what);
}

void tsc_wait_a_second(void)
{
    print("[a second]");
}

static int begin(void **state)
{
    sink = text_sink(done, sizeof done);
    return 0;
}

static void is_marked_and_printed(void **state)
{
    step_begin(&(struct options){0}, "look");
    assert_string_equal(done, "[kept look][watched look]Selfmap: look\n");
}

static void slow_steps_take_a_second(void **state)
{
    step_begin(&(struct options){.slow_steps = true}, "look");
    assert_string_equal(done, "[kept look][watched look]Selfmap: look\n[a second]");
}

static void a_note_is_not_printed(void **state)
{
    step_note("look");
    assert_string_equal(done, "[kept look][watched look]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"steps: kept, watched, printed", is_marked_and_printed, begin, NULL, NULL},
        {"steps: slow ones wait a second", slow_steps_take_a_second, begin, NULL, NULL},
        {"steps: a note prints nothing", a_note_is_not_printed, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
