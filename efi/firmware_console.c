/* SPDX-License-Identifier: MIT */
/*
 * firmware_console.c - prints on the firmware's console, with the formatter that the kernel uses afterwards.
 *
 * gnu-efi's library has a Print of its own. It is compiled with SSE, and firmware may hand over with SSE
 * switched off (U-Boot does).
 */
#include "kernel/console/format.h"
#include "kernel/console/log.h"
#include "kernel/console/serial.h"
#include "kernel/cpu/instructions.h"
#include "loader.h"

uint64_t console_time;

static bool works(const SIMPLE_TEXT_OUTPUT_INTERFACE *output)
{
    return output && output->OutputString;
}

/*
 * Without any console the sentences go to COM1, if a 16550 answers there: a loader that stops has to say why
 * somewhere. No console of the firmware's uses the port then. The options are not known yet when the first
 * line is printed, so console=off does not hold for this.
 */
static void put_on_serial_port(char c)
{
    static bool was_tried;
    struct uart com1[SERIAL_CANDIDATES];
    if (!was_tried && uart_choose(SERIAL_COM1, NULL, com1) == 1)
        (void)serial_start(&com1[0]);
    was_tried = true;
    if (c == '\n')
        serial_put('\r');
    serial_put(c);
}

/* The console may be missing (UEFI 2.10, 4.3): then the one for errors is used. */
static void put_on_console(struct format_sink *sink, char c)
{
    (void)sink;
    CHAR16 text[3] = {L'\r', (CHAR16)c, 0};
    SIMPLE_TEXT_OUTPUT_INTERFACE *output =
        works(system_table->ConOut) ? system_table->ConOut : system_table->StdErr;
    log_put(c);
    if (works(output))
        output->OutputString(output, c == '\n' ? text : text + 1);
    else
        put_on_serial_port(c);
}

void say(const char *text, ...)
{
    struct format_sink sink = {put_on_console};
    va_list arguments;
    uint64_t start = read_tsc();
    va_start(arguments, text);
    format_list(&sink, text, arguments);
    va_end(arguments);
    console_time += read_tsc() - start;
}

/* UEFI 2.10, appendix D. */
const char *status_name(EFI_STATUS status)
{
    static const char *const names[] = {
        "success",          "load error",  "invalid parameter", "unsupported",     "bad buffer size",
        "buffer too small", "not ready",   "device error",      "write protected", "out of resources",
        "volume corrupted", "volume full", "no media",          "media changed",   "not found",
        "access denied",    "no response", "no mapping",        "timeout",         "not started",
        "already started",  "aborted",
    };
    UINTN number = status & ~((UINTN)1 << 63);
    return number < sizeof names / sizeof names[0] ? names[number] : "error";
}
