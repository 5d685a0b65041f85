/* SPDX-License-Identifier: MIT */
/* hardware_errors.c - the banks of machine check registers, and port 61h. */
#include "cpu/hardware_errors.h"
#include "console/console.h"
#include "console/ports.h"
#include "cpu/instructions.h"

enum {
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MCG_CTL = 0x17b,
    MSR_MC0_CTL = 0x400,
    REGISTERS_PER_BANK = 4, /* control, status, address, further information */
    BANK_LIMIT = 64,
    NMI_PORT = 0x61,
};

#define MCG_CAP_COUNT  0xffu
#define MCG_CAP_CTL    (1u << 8)
#define STATUS_VALID   (1ull << 63)
#define STATUS_LOST    (1ull << 62) /* there was another one, which found the bank taken */
#define STATUS_UNCORR  (1ull << 61)
#define STATUS_MISC    (1ull << 59)
#define STATUS_ADDRESS (1ull << 58)
#define STATUS_BROKEN  (1ull << 57) /* the state of the processor may be corrupt */

static uint64_t were_there; /* a bit for each bank that held an error when the run began */

void machine_check_write(struct format_sink *sink, const struct machine_check_bank *bank, bool was_there)
{
    uint64_t status = bank->status;
    format(sink, "machine check: bank %u: %s error, code %lx, model code %lx", bank->number,
           status & STATUS_UNCORR ? "uncorrected" : "corrected", status & 0xffff, status >> 16 & 0xffff);
    if (status & STATUS_ADDRESS)
        format(sink, ", address %lx", bank->address);
    if (status & STATUS_MISC)
        format(sink, ", misc %lx", bank->misc);
    format(sink, "%s%s%s\n", status & STATUS_BROKEN ? ", the processor's state may be corrupt" : "",
           status & STATUS_LOST ? ", and more that were lost" : "",
           was_there ? "; it was there before this run" : "");
}

const char *nmi_reason(uint8_t port_61)
{
    if (port_61 & 0x80)
        return "memory or the bus reports an error (SERR, port 61h bit 7)";
    if (port_61 & 0x40)
        return "a device reports an error (I/O channel check, port 61h bit 6)";
    return "port 61h names no reason: a button, a hypervisor, or a watchdog of the machine's";
}

/* The machine check architecture: CPUID 1 EDX[14], beside the exception itself, EDX[7]. */
static unsigned count_banks(void)
{
    uint32_t edx = cpuid(1, 0).edx;
    if (!(edx >> 14 & 1) || !(edx >> 7 & 1))
        return 0;
    unsigned banks = (unsigned)(read_msr(MSR_MCG_CAP) & MCG_CAP_COUNT);
    return banks < BANK_LIMIT ? banks : BANK_LIMIT;
}

/* Reads a bank. Returns false if it holds no error. */
static bool read_bank(unsigned number, struct machine_check_bank *bank)
{
    uint32_t first = MSR_MC0_CTL + number * REGISTERS_PER_BANK;
    *bank = (struct machine_check_bank){.number = number, .status = read_msr(first + 1)};
    if (bank->status & STATUS_ADDRESS)
        bank->address = read_msr(first + 2);
    if (bank->status & STATUS_MISC)
        bank->misc = read_msr(first + 3);
    return (bank->status & STATUS_VALID) != 0;
}

/* SDM 3B, 16.3.2.1: the first bank of the processors of family 6 before model 1Ah is the platform's. */
static unsigned first_bank_of_ours(void)
{
    uint32_t eax = cpuid(1, 0).eax;
    unsigned family = eax >> 8 & 15, model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
    return family == 6 && model < 0x1a ? 1 : 0;
}

unsigned machine_checks_start(void)
{
    struct machine_check_bank bank;
    unsigned banks = count_banks(), found = 0;
    if (banks == 0)
        return 0;
    if (read_msr(MSR_MCG_CAP) & MCG_CAP_CTL)
        write_msr(MSR_MCG_CTL, ~0ull);
    for (unsigned i = 0; i < banks; i++) {
        if (i >= first_bank_of_ours())
            write_msr(MSR_MC0_CTL + i * REGISTERS_PER_BANK, ~0ull);
        if (!read_bank(i, &bank))
            continue;
        were_there |= 1ull << i;
        found++;
    }
    return found;
}

void explain_nmi(void)
{
    print("NMI: %s\n", nmi_reason(port_read8(NMI_PORT)));
}

void explain_machine_check(void)
{
    struct machine_check_bank bank;
    char line[192];
    unsigned banks = count_banks();
    for (unsigned i = 0; i < banks; i++)
        if (read_bank(i, &bank)) {
            struct text_sink sink = text_sink(line, sizeof line);
            machine_check_write(&sink.sink, &bank, were_there >> i & 1);
            print("%s", line);
        }
    if (banks > 0)
        write_msr(MSR_MCG_STATUS, 0); /* or a further one would reset the machine */
}
