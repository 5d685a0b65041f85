/* SPDX-License-Identifier: MIT */
/* console: which port is used, and what each sink gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"
#include "kernel/console/format.h"
#include "kernel/console/log.h"
#include "kernel/console/screen.h"
#include "kernel/console/serial.h"

/* ---- sinks that keep what they get ---- */

static char on_serial[64], on_screen[64], in_log[64];
static char order[64]; /* of the sinks that get a character */
static const struct uart *tried[SERIAL_CANDIDATES];
static unsigned tries, working;

static void keep(char *text, char c)
{
    size_t sinks = strlen(order);
    if (sinks < sizeof order - 1)
        order[sinks] = text == on_serial ? 's' : text == on_screen ? 'p' : 'l';
    size_t length = strlen(text);
    assert_true(length < 63);
    text[length] = c;
    text[length + 1] = '\0';
}

const char *serial_start(const struct uart *uart)
{
    static const char *const faults[] = {"first fault", "second fault"};
    tried[tries++] = uart;
    return tries == working ? NULL : faults[tries - 1];
}

void serial_put(char c)
{
    keep(on_serial, c);
}

void screen_put(char c)
{
    keep(on_screen, c);
}

void log_put(char c)
{
    keep(in_log, c);
}

static const struct framebuffer *shown;
static bool screen_works;

bool screen_start(const struct framebuffer *framebuffer)
{
    shown = framebuffer;
    return screen_works;
}

static int begin(void **state)
{
    on_serial[0] = on_screen[0] = in_log[0] = '\0';
    memset(order, 0, sizeof order);
    return 0;
}

/* ---- tests, in this order: a port that works stays in use ---- */

static const struct uart ports[SERIAL_CANDIDATES];

static void the_first_port_that_works_is_used(void **state)
{
    assert_null(console_serial());
    console_start_serial(ports, 0);
    assert_int_equal(tries, 0);
    working = 2;
    console_start_serial(ports, 2);
    assert_int_equal(tries, 2);
    assert_true(tried[0] == &ports[0] && tried[1] == &ports[1]);
    assert_ptr_equal(console_serial(), &ports[1]);
    assert_string_equal(console_serial_fault(0), "first fault");
    assert_null(console_serial_fault(1));
    console_start_serial(ports, 2);
    assert_int_equal(tries, 2);
}

static void the_screen_may_not_start(void **state)
{
    static const struct framebuffer framebuffer;
    assert_false(console_has_screen());
    console_start_screen(&framebuffer);
    assert_ptr_equal(shown, &framebuffer);
    assert_false(console_has_screen());
    screen_works = true;
    console_start_screen(&framebuffer);
    assert_true(console_has_screen());
}

/* A terminal needs a carriage return before each line feed; nothing else does. */
static void every_sink_gets_every_character(void **state)
{
    print("one %u\n\ntwo\r", 7);
    assert_string_equal(on_serial, "one 7\r\n\r\ntwo\r");
    assert_string_equal(on_screen, "one 7\n\ntwo\r");
    assert_string_equal(in_log, "one 7\n\ntwo\r");
}

/* The simplest sink comes first: it has the character even if painting faults. */
static void the_serial_port_comes_first(void **state)
{
    print("ab");
    assert_string_equal(order, "splspl");
}

static void diverted_text_goes_nowhere_else(void **state)
{
    char text[16];
    struct text_sink sink = text_sink(text, sizeof text);
    console_divert(&sink.sink);
    print("a\n%d", -1);
    assert_string_equal(text, "a\n-1");
    assert_int_equal(strlen(on_serial) + strlen(on_screen) + strlen(in_log), 0);
    console_divert(NULL);
    print("b");
    assert_string_equal(text, "a\n-1");
    assert_string_equal(on_serial, "b");
    assert_string_equal(on_screen, "b");
    assert_string_equal(in_log, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"console: the first port that works is used, and faults are kept", the_first_port_that_works_is_used,
         begin, NULL, NULL},
        {"console: the screen may not start", the_screen_may_not_start, begin, NULL, NULL},
        {"console: every sink gets every character, the port carriage returns too",
         every_sink_gets_every_character, begin, NULL, NULL},
        {"console: the serial port comes first", the_serial_port_comes_first, begin, NULL, NULL},
        {"console: text that is diverted goes nowhere else", diverted_text_goes_nowhere_else, begin, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
