/* SPDX-License-Identifier: MIT */
/* hardware_errors: machine checks and NMIs in words. */
#include "devices/processor/processor.h"

#include <string.h>

#include "devices/console/ports.h"
#include "kernel/console/console.h"
#include "kernel/cpu/hardware_errors.h"

static uint8_t port_61;
static char printed[1024];

uint8_t port_read8(uint16_t port)
{
    assert_int_equal(port, 0x61);
    return port_61;
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

static void an_nmi_is_explained(void **state)
{
    printed[0] = '\0';
    port_61 = 0x80;
    explain_nmi();
    assert_string_equal(printed, "NMI: memory or the bus reports an error (SERR, port 61h bit 7)\n");
}

/* ---- the banks ---- */

enum { MCG_CAP = 0x179, MCG_STATUS = 0x17a, MCG_CTL = 0x17b, FIRST_BANK = 0x400 };
enum { BOTH = 1 << 14 | 1 << 7 };
#define VALID (1ull << 63)
#define FULL  (VALID | 1ull << 59 | 1ull << 58) /* with address and further information */

/* A processor of family 6, model 9ch, whose banks hold no error. */
static void has_banks(unsigned count, uint64_t capabilities)
{
    processor_begin();
    printed[0] = '\0';
    processor_has_leaf(1, (struct cpuid){.eax = 0x906c1, .edx = BOTH});
    processor_has_msr(MCG_CAP, capabilities | count);
    processor_has_msr(MCG_STATUS, 4);
    if (capabilities & 0x100)
        processor_has_msr(MCG_CTL, 0);
    for (unsigned i = 0; i < (count < 64 ? count : 64); i++) {
        processor_has_msr(FIRST_BANK + 4 * i, 0);
        processor_has_msr(FIRST_BANK + 4 * i + 1, 0x7fffffff);
    }
}

static void without_the_architecture_nothing_is_read(void **state)
{
    static const uint32_t too_little[] = {0, (uint32_t) ~(1 << 7), (uint32_t) ~(1 << 14), (uint32_t)~BOTH};
    for (size_t i = 0; i < sizeof too_little / sizeof too_little[0]; i++) {
        processor_begin();
        processor_has_leaf(1, (struct cpuid){.edx = too_little[i]});
        assert_int_equal(machine_checks_start(), 0);
        explain_machine_check();
        assert_done("");
    }
    has_banks(0, 0x100);
    processor_has_msr(MCG_CTL, 5);
    assert_int_equal(machine_checks_start(), 0);
    assert_done("");
}

/* SDM 3B, 16.3.2.1: bank 0 is the platform's on old processors of family 6. */
static void banks_are_switched_on(void **state)
{
    has_banks(2, 0x100);
    assert_int_equal(machine_checks_start(), 0);
    assert_done("msr 17b=ffffffffffffffff msr 400=ffffffffffffffff msr 404=ffffffffffffffff ");
    has_banks(2, 0x200 /* another capability */);
    assert_int_equal(machine_checks_start(), 0);
    assert_done("msr 400=ffffffffffffffff msr 404=ffffffffffffffff ");
    static const struct {
        uint32_t eax;
        bool is_ours;
    } models[] = {{0x006e0, false}, {0x106a0, true}, {0x10690, false}, {0x006f0, false}, {0x00f4f, true},
                  {0x006ff, false}, {0x206a0, true}, {0x10790, true},  {0x13690, false}, {0x00590, true}};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        has_banks(2, 0);
        processor_has_leaf(1, (struct cpuid){.eax = models[i].eax, .edx = BOTH});
        assert_int_equal(machine_checks_start(), 0);
        assert_done(models[i].is_ours ? "msr 400=ffffffffffffffff msr 404=ffffffffffffffff "
                                      : "msr 404=ffffffffffffffff ");
    }
}

static void no_more_banks_than_registers(void **state)
{
    has_banks(255, 0);
    for (unsigned i = 0; i < 64; i++)
        processor_has_msr(FIRST_BANK + 4 * i + 1, VALID);
    assert_int_equal(machine_checks_start(), 64);
}

/*
 * Address and further information are read only where the status says that they are there. What a bank held
 * when the run began is told apart. Runs before the test above.
 */
static void banks_with_errors_are_told(void **state)
{
    has_banks(5, 0);
    processor_has_msr(FIRST_BANK + 4 * 1 + 1, FULL | 0x17);
    processor_has_msr(FIRST_BANK + 4 * 1 + 2, 0x1002);
    processor_has_msr(FIRST_BANK + 4 * 1 + 3, 0x1003);
    processor_has_msr(FIRST_BANK + 4 * 4 + 1, VALID | 0x18);
    assert_int_equal(machine_checks_start(), 2);
    processor_has_msr(FIRST_BANK + 4 * 2 + 1, VALID | 1ull << 59 | 0x19);
    processor_has_msr(FIRST_BANK + 4 * 2 + 3, 0x2003);
    processor_has_msr(FIRST_BANK + 4 * 3 + 1, VALID | 1ull << 58 | 0x1a);
    processor_has_msr(FIRST_BANK + 4 * 3 + 2, 0x3002);
    processor.done[0] = '\0';
    explain_machine_check();
    assert_string_equal(
        printed,
        "machine check: bank 1: corrected error, code 17, model code 0, address 1002, misc 1003; it was "
        "there "
        "before this run\n"
        "machine check: bank 2: corrected error, code 19, model code 0, misc 2003\n"
        "machine check: bank 3: corrected error, code 1a, model code 0, address 3002\n"
        "machine check: bank 4: corrected error, code 18, model code 0; it was there before this run\n");
    assert_done("msr 17a=0 ");
    has_banks(1, 0);
    processor_has_msr(FIRST_BANK + 1, VALID | 0x1b);
    explain_machine_check();
    assert_string_equal(printed, "machine check: bank 0: corrected error, code 1b, model code 0\n");
    assert_done("msr 17a=0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"machine check: codes, and what the status says is there", what_the_bits_say, NULL, NULL, NULL},
        {"machine check: what it means for the run", how_bad_it_is, NULL, NULL, NULL},
        {"NMI: the reason that port 61h gives", reasons_of_an_nmi, NULL, NULL, NULL},
        {"NMI: port 61h is asked", an_nmi_is_explained, NULL, NULL, NULL},
        {"machine check: without the architecture no register is read",
         without_the_architecture_nothing_is_read, NULL, NULL, NULL},
        {"machine check: banks are switched on, except the platform's", banks_are_switched_on, NULL, NULL,
         NULL},
        {"machine check: each bank with an error is told, and whether it was there",
         banks_with_errors_are_told, NULL, NULL, NULL},
        {"machine check: no more than 64 banks", no_more_banks_than_registers, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("hardware_errors", tests, NULL, NULL);
}
