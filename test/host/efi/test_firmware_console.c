/* SPDX-License-Identifier: MIT */
/* firmware console: where the loader's words go when consoles are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "devices/console/mmio.h"
#include "devices/console/ports.h"
#include "efi/loader.h"
#include "kernel/console/log.h"
#include <sys/wait.h>
#include <unistd.h>

EFI_SYSTEM_TABLE *system_table;

/* ---- two consoles, and a 16550 at COM1 that may be absent ---- */

struct console {
    SIMPLE_TEXT_OUTPUT_INTERFACE interface;
    char text[256];
    unsigned length;
};

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *this, CHAR16 *text)
{
    struct console *console = (struct console *)this;
    for (; *text; text++)
        console->text[console->length++] = (char)*text;
    return EFI_SUCCESS;
}

static struct console standard, errors;
static char sent[256];
static unsigned sent_count;
static bool has_port;
static uint8_t looped, modem_control;

uint8_t port_read8(uint16_t port)
{
    enum { STATUS = 0x61 }; /* received, and ready to send */
    assert_in_range(port, 0x3f8, 0x3ff);
    if (!has_port)
        return 0xff;
    return port == 0x3fd ? STATUS : port == 0x3f8 ? looped : 0;
}

void port_write8(uint16_t port, uint8_t value)
{
    assert_true(has_port);
    assert_in_range(port, 0x3f8, 0x3ff);
    if (port == 0x3fc)
        modem_control = value;
    if (port == 0x3f8 && (modem_control & 0x10))
        looped = value;
    else if (port == 0x3f8 && modem_control)
        sent[sent_count++] = (char)value;
}

/* COM1 has no registers in memory. */
uint8_t mmio_read8(uint64_t address)
{
    fail_msg("reads %lx", address);
    return 0;
}

uint16_t mmio_read16(uint64_t address)
{
    return mmio_read8(address);
}

uint32_t mmio_read32(uint64_t address)
{
    return mmio_read8(address);
}

void mmio_write8(uint64_t address, uint8_t value)
{
    fail_msg("writes %x to %lx", value, address);
}

void mmio_write16(uint64_t address, uint16_t value)
{
    mmio_write8(address, (uint8_t)value);
}

void mmio_write32(uint64_t address, uint32_t value)
{
    mmio_write8(address, (uint8_t)value);
}

/* ---- the tests: each in a process of its own, because the port is tried once ---- */

static void say_with(SIMPLE_TEXT_OUTPUT_INTERFACE *out, SIMPLE_TEXT_OUTPUT_INTERFACE *error, bool port)
{
    static EFI_SYSTEM_TABLE table;
    static char log[LOG_TAIL_BYTES + 256];
    standard.interface.OutputString = errors.interface.OutputString = output_string;
    table.ConOut = out;
    table.StdErr = error;
    system_table = &table;
    has_port = port;
    log_start(log, sizeof log);
    uint64_t before = console_time, begin = __builtin_ia32_rdtsc();
    say("a %u\nb", 7);
    assert_in_range(console_time - before, 1, __builtin_ia32_rdtsc() - begin);
    say("\n");
    assert_int_equal(log_length(), 6);
    assert_memory_equal(log_text(), "a 7\nb\n", 6);
}

static void check_goes_to(bool out, bool error, bool port, const char *to_out, const char *to_error,
                          const char *to_port)
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        say_with(out ? &standard.interface : NULL, error ? &errors.interface : NULL, port);
        _exit(strcmp(standard.text, to_out)   ? 1
              : strcmp(errors.text, to_error) ? 2
              : strcmp(sent, to_port)         ? 3
                                              : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static const char lines[] = "a 7\r\nb\r\n";

static void goes_to_the_console(void **state)
{
    (void)state;
    check_goes_to(true, true, true, lines, "", "");
    check_goes_to(true, false, true, lines, "", "");
}

static void goes_to_standard_error(void **state)
{
    (void)state;
    check_goes_to(false, true, true, "", lines, "");
}

static void goes_to_com1(void **state)
{
    (void)state;
    check_goes_to(false, false, true, "", "", lines);
}

static void goes_nowhere(void **state)
{
    (void)state;
    check_goes_to(false, false, false, "", "", "");
}

/* A table of functions without functions is no console. */
static void empty_console(void **state)
{
    (void)state;
    pid_t child = fork();
    int status;
    if (child == 0) {
        static struct console empty;
        say_with(&empty.interface, &errors.interface, true);
        _exit(strcmp(errors.text, lines) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The numbers of UEFI 2.10, appendix D. */
static void each_status_has_a_name(void **state)
{
    (void)state;
    static const struct {
        EFI_STATUS status;
        const char *name;
    } names[] = {{EFI_SUCCESS, "success"},
                 {EFI_LOAD_ERROR, "load error"},
                 {EFI_INVALID_PARAMETER, "invalid parameter"},
                 {EFI_UNSUPPORTED, "unsupported"},
                 {EFI_BAD_BUFFER_SIZE, "bad buffer size"},
                 {EFI_BUFFER_TOO_SMALL, "buffer too small"},
                 {EFI_NOT_READY, "not ready"},
                 {EFI_DEVICE_ERROR, "device error"},
                 {EFI_WRITE_PROTECTED, "write protected"},
                 {EFI_OUT_OF_RESOURCES, "out of resources"},
                 {EFI_VOLUME_CORRUPTED, "volume corrupted"},
                 {EFI_VOLUME_FULL, "volume full"},
                 {EFI_NO_MEDIA, "no media"},
                 {EFI_MEDIA_CHANGED, "media changed"},
                 {EFI_NOT_FOUND, "not found"},
                 {EFI_ACCESS_DENIED, "access denied"},
                 {EFI_NO_RESPONSE, "no response"},
                 {EFI_NO_MAPPING, "no mapping"},
                 {EFI_TIMEOUT, "timeout"},
                 {EFI_NOT_STARTED, "not started"},
                 {EFI_ALREADY_STARTED, "already started"},
                 {EFI_ABORTED, "aborted"},
                 {(EFI_STATUS)1 << 63 | 22, "error"},
                 {(EFI_STATUS)3 << 62 | 1, "error"},
                 {UINT64_MAX, "error"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(status_name(names[i].status), names[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"firmware console: words go to the console, and nowhere else", goes_to_the_console, NULL, NULL,
         NULL},
        {"firmware console: without a console they go to that for errors", goes_to_standard_error, NULL, NULL,
         NULL},
        {"firmware console: without either they go to COM1", goes_to_com1, NULL, NULL, NULL},
        {"firmware console: a port that does not answer is never written to", goes_nowhere, NULL, NULL, NULL},
        {"firmware console: one without functions is none", empty_console, NULL, NULL, NULL},
        {"firmware console: each status has a name", each_status_has_a_name, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("firmware_console", tests, NULL, NULL);
}
