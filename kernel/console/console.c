/* SPDX-License-Identifier: MIT */
/* console.c - sends each character to every sink that was started. */
#include "console/console.h"
#include "console/format.h"
#include "console/log.h"
#include "console/screen.h"
#include "console/serial.h"

static const char *serial_faults[SERIAL_CANDIDATES];
static const struct uart *serial;
static bool has_screen;
static struct format_sink *diverted; /* NULL: to every sink */

/* A sink that was not started ignores what it gets. */
static void put_everywhere(struct format_sink *sink, char c)
{
    (void)sink;
    if (c == '\n')
        serial_put('\r');
    serial_put(c);
    screen_put(c);
    log_put(c);
}

void console_start_serial(const struct uart *ports, unsigned count)
{
    for (unsigned i = 0; i < count && !serial; i++) {
        serial_faults[i] = serial_start(&ports[i]);
        if (!serial_faults[i])
            serial = &ports[i];
    }
}

void console_start_screen(const struct framebuffer *framebuffer)
{
    has_screen = screen_start(framebuffer);
}

const struct uart *console_serial(void)
{
    return serial;
}

const char *console_serial_fault(unsigned index)
{
    return serial_faults[index];
}

bool console_has_screen(void)
{
    return has_screen;
}

void console_divert(struct format_sink *sink)
{
    diverted = sink;
}

void print(const char *text, ...)
{
    struct format_sink sink = {put_everywhere};
    va_list arguments;
    va_start(arguments, text);
    format_list(diverted ? diverted : &sink, text, arguments);
    va_end(arguments);
}
