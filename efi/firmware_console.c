/*
 * firmware_console.c - prints on the firmware's console, with the formatter that the kernel uses afterwards.
 *
 * gnu-efi's library has a Print of its own. It is compiled with SSE, and firmware may hand over with SSE
 * switched off (U-Boot does).
 */
#include "kernel/console/format.h"
#include "kernel/console/log.h"
#include "kernel/cpu/instructions.h"
#include "loader.h"

uint64_t console_time;

static void put_on_console(struct format_sink *sink, char c)
{
    (void)sink;
    CHAR16 text[3] = {L'\r', (CHAR16)c, 0};
    log_put(c);
    if (system_table->ConOut && system_table->ConOut->OutputString)
        system_table->ConOut->OutputString(system_table->ConOut, c == '\n' ? text : text + 1);
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
