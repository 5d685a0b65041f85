/* hardware_errors: machine checks and NMIs in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/console/console.h"
#include "kernel/cpu/hardware_errors.h"
#include "test/host/devices/console/ports.h"

static uint8_t port_61;
static char printed[256];

uint8_t port_read8(uint16_t port)
{
    assert_int_equal(port, 0x61);
    return port_61;
}

void print(const char *text, ...)
{
    struct text_sink sink = text_sink(printed, sizeof printed);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

static void assert_line(struct machine_check_bank bank, bool was_there, const char *expected)
{
    char line[256];
    struct text_sink sink = text_sink(line, sizeof line);
    machine_check_write(&sink.sink, &bank, was_there);
    assert_string_equal(line, expected);
}

/* Address and further information count only where the status says that they hold something. */
static void what_the_bits_say(void **state)
{
    (void)state;
    struct machine_check_bank bank = {7, 1ull << 63 | 0x00ab0136, 0x1000, 0x22};
    assert_line(bank, false, "machine check: bank 7: corrected error, code 136, model code ab\n");
    bank.status |= 1ull << 58;
    assert_line(bank, false,
                "machine check: bank 7: corrected error, code 136, model code ab, address 1000\n");
    bank.status ^= 1ull << 58 | 1ull << 59;
    assert_line(bank, false, "machine check: bank 7: corrected error, code 136, model code ab, misc 22\n");
    bank.status ^= 1ull << 59 | 1ull << 61;
    assert_line(bank, false, "machine check: bank 7: uncorrected error, code 136, model code ab\n");
}

static void how_bad_it_is(void **state)
{
    (void)state;
    struct machine_check_bank bank = {0, 1ull << 63 | 1ull << 61 | 1ull << 57 | 5, 0, 0};
    assert_line(
        bank, false,
        "machine check: bank 0: uncorrected error, code 5, model code 0, the processor's state may be "
        "corrupt\n");
    bank.status = 1ull << 63 | 1ull << 62;
    assert_line(
        bank, true,
        "machine check: bank 0: corrected error, code 0, model code 0, and more that were lost; it was "
        "there before this run\n");
}

static void reasons_of_an_nmi(void **state)
{
    (void)state;
    assert_string_equal(nmi_reason(0x80), "memory or the bus reports an error (SERR, port 61h bit 7)");
    assert_string_equal(nmi_reason(0x40), "a device reports an error (I/O channel check, port 61h bit 6)");
    assert_string_equal(nmi_reason(0x3f),
                        "port 61h names no reason: a button, a hypervisor, or a watchdog of "
                        "the machine's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"machine check: codes, and what the status says is there", what_the_bits_say, NULL, NULL, NULL},
        {"machine check: what it means for the run", how_bad_it_is, NULL, NULL, NULL},
        {"NMI: the reason that port 61h gives", reasons_of_an_nmi, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("hardware_errors", tests, NULL, NULL);
}
