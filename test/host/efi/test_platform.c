/*
 * platform: firmware that lacks a service, its configuration tables, and what is noted of it and of the
 * processor. Instructions that only the kernel may execute fault here, and are answered by the handler.
 */
#define _GNU_SOURCE /* names of registers */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "efi/loader.h"

EFI_SYSTEM_TABLE *system_table;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_CONFIGURATION_TABLE configuration[4];
static struct handoff handoff;
static struct loader loader;
static char said[1024];
static bool is_tdx_guest;
static unsigned machines; /* how often the name of the machine was asked for */

/* ---- the processor ---- */

enum { CR0 = 0x80050033, CR4 = 0x406e0 };
#define CR3  UINT64_C(0x7f801000)
#define DR7  UINT64_C(0x400)
#define EFER UINT64_C(0xd00)

/* Answers `mov %crN, %reg`, `mov %dr7, %reg` and `rdmsr` of EFER. What else faults is a mistake. */
static void answer(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    static const int registers[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *state = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)state[REG_RIP];
    unsigned high = at[0] == 0x41 ? 8 : 0; /* REX.B */
    at += high != 0;
    unsigned from = at[2] >> 3 & 7;
    greg_t *to = &state[registers[high + (at[2] & 7)]];
    if (at[0] == 0x0f && at[1] == 0x32 && (uint32_t)state[REG_RCX] == 0xc0000080) {
        state[REG_RAX] = (greg_t)(EFER & UINT32_MAX);
        state[REG_RDX] = (greg_t)(EFER >> 32);
        at--; /* two bytes long */
    } else if (at[0] == 0x0f && at[1] == 0x20 && (from == 0 || from == 3 || from == 4)) {
        *to = (greg_t)(from == 0 ? CR0 : from == 3 ? CR3 : CR4);
    } else if (at[0] == 0x0f && at[1] == 0x21 && from == 7) {
        *to = (greg_t)DR7;
    } else {
        signal(SIGSEGV, SIG_DFL);
        return;
    }
    state[REG_RIP] = (greg_t)(at + 3);
}

struct paging_cpu cpu_paging_features(void)
{
    return (struct paging_cpu){.levels = 4, .physical_bits = 43};
}

bool cpuid_is_tdx_guest(struct cpuid leaf)
{
    struct cpuid expected = cpuid_or_zero(CPUID_TDX_LEAF);
    assert_memory_equal(&leaf, &expected, sizeof leaf);
    return is_tdx_guest;
}

/* ---- the loader ---- */

void describe_machine(struct loader *of)
{
    assert_ptr_equal(of, &loader);
    machines++;
    strcpy(handoff.machine, "A Machine");
}

void say(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

static EFI_STATUS watchdog_status;

static EFI_STATUS EFIAPI set_watchdog(UINTN seconds, UINT64 code, UINTN bytes, CHAR16 *data)
{
    assert_int_equal(seconds, 0);
    assert_int_equal(code, 0);
    assert_int_equal(bytes, 0);
    assert_null(data);
    return watchdog_status;
}

static EFI_STATUS EFIAPI service(void)
{
    fail();
    return EFI_SUCCESS;
}

static int begin(void **state)
{
    (void)state;
    services = (EFI_BOOT_SERVICES){
        .AllocatePages = (void *)service,
        .FreePages = (void *)service,
        .GetMemoryMap = (void *)service,
        .AllocatePool = (void *)service,
        .FreePool = (void *)service,
        .CreateEvent = (void *)service,
        .SetTimer = (void *)service,
        .WaitForEvent = (void *)service,
        .CloseEvent = (void *)service,
        .HandleProtocol = (void *)service,
        .LocateHandleBuffer = (void *)service,
        .ExitBootServices = (void *)service,
        .Stall = (void *)service,
        .SetWatchdogTimer = set_watchdog,
    };
    memset(configuration, 0, sizeof configuration);
    memset(&handoff, 0, sizeof handoff);
    memset(said, 0, sizeof said);
    table = (EFI_SYSTEM_TABLE){.BootServices = &services, .ConfigurationTable = configuration};
    system_table = &table;
    loader = (struct loader){.handoff = &handoff};
    is_tdx_guest = false;
    machines = 0;
    watchdog_status = EFI_SUCCESS;
    return 0;
}

/* Runs the step with its processor; the handler of cmocka's is back afterwards. */
static EFI_STATUS describe(void)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO}, before;
    sigaction(SIGSEGV, &action, &before);
    EFI_STATUS status = describe_platform(&loader);
    sigaction(SIGSEGV, &before, NULL);
    return status;
}

/* ---- the tests ---- */

/* Only these are called, so a firmware without any other service will do. */
static void each_service_that_is_called(void **state)
{
    (void)state;
#define SERVICE(name)                            \
    {                                            \
#        name, offsetof(EFI_BOOT_SERVICES, name) \
    }
    static const struct {
        const char *name;
        size_t offset;
    } needed[] = {SERVICE(AllocatePages),  SERVICE(FreePages),          SERVICE(GetMemoryMap),
                  SERVICE(AllocatePool),   SERVICE(FreePool),           SERVICE(CreateEvent),
                  SERVICE(SetTimer),       SERVICE(WaitForEvent),       SERVICE(CloseEvent),
                  SERVICE(HandleProtocol), SERVICE(LocateHandleBuffer), SERVICE(ExitBootServices),
                  SERVICE(Stall),          SERVICE(SetWatchdogTimer)};
#undef SERVICE
    assert_int_equal(check_firmware_tables(), EFI_SUCCESS);
    assert_string_equal(said, "");
    for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++) {
        char line[64] = "  the firmware has no ";
        begin(NULL);
        memset((char *)&services + needed[i].offset, 0, sizeof(void *));
        assert_int_equal(check_firmware_tables(), EFI_UNSUPPORTED);
        assert_string_equal(said, strcat(strcat(line, needed[i].name), "\n"));
    }
    begin(NULL);
    table.BootServices = NULL;
    assert_int_equal(check_firmware_tables(), EFI_UNSUPPORTED);
    assert_string_equal(said, "  the firmware has no boot services\n");
}

static void watchdog_that_stays_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(switch_watchdog_off(&loader), EFI_SUCCESS);
    assert_string_equal(said, "");
    watchdog_status = EFI_DEVICE_ERROR;
    assert_int_equal(switch_watchdog_off(&loader), EFI_SUCCESS);
    assert_string_equal(said, "  it stays as it is: device error\n");
}

static void finds_each_table(void **state)
{
    (void)state;
    EFI_GUID kinds[4];
    for (unsigned i = 0; i < 4; i++) {
        memset(&kinds[i], 0x40, sizeof kinds[i]);
        ((uint8_t *)&kinds[i])[5 * i] = (uint8_t)i; /* they differ in one byte each: 0, 5, 10 and 15 */
        configuration[i] = (EFI_CONFIGURATION_TABLE){kinds[i], &kinds[i]};
    }
    table.NumberOfTableEntries = 4;
    for (unsigned i = 0; i < 4; i++)
        assert_ptr_equal(configuration_table(kinds[i]), &kinds[i]);
    table.NumberOfTableEntries = 3;
    assert_null(configuration_table(kinds[3]));
    table.NumberOfTableEntries = 0;
    assert_null(configuration_table(kinds[0]));
    table.NumberOfTableEntries = 4;
    table.ConfigurationTable = NULL;
    assert_null(configuration_table(kinds[0]));
}

static void what_is_noted(void **state)
{
    (void)state;
    table.FirmwareVendor = L"EDK II";
    table.FirmwareRevision = 0x10000;
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_string_equal(handoff.firmware, "EDK II");
    assert_int_equal(handoff.firmware_revision, 0x10000);
    assert_true(handoff.firmware_cr0 == CR0 && handoff.firmware_cr3 == CR3 && handoff.firmware_cr4 == CR4);
    assert_true(handoff.firmware_efer == EFER && handoff.firmware_dr7 == DR7);
    assert_int_equal(handoff.firmware_rflags & 0x200002, read_flags() & 0x200002);
    assert_int_equal(handoff.space.cpu.physical_bits, 43);
    assert_true(handoff.rsdp.value == 0);
    assert_int_equal(machines, 1);
    assert_string_equal(said, "  machine: A Machine\n"
                              "  EDK II, revision 10000, CR0 80050033 CR3 7f801000 CR4 406e0 EFER d00\n");
}

/* The vendor is text of somebody else's: printable, cut off where the room ends, or missing. */
static void vendors_of_any_kind(void **state)
{
    (void)state;
    CHAR16 longest[100];
    for (unsigned i = 0; i < 99; i++)
        longest[i] = L'v';
    longest[99] = 0;
    table.FirmwareVendor = longest;
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_int_equal(strlen(handoff.firmware), HANDOFF_TEXT_LIMIT - 1);
    begin(NULL);
    table.FirmwareVendor = L" ~\x1f\x7f\x100\x141!";
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_string_equal(handoff.firmware, " ~?\?\?\?!");
    begin(NULL);
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_string_equal(handoff.firmware, "");
}

static void the_newer_root_pointer_of_acpi(void **state)
{
    (void)state;
    static uint8_t newer[36] = "RSD PTR sBOCHS ", older[20] = "RSD PTR s\1SEAX\x7f", none[4];
    configuration[0] = (EFI_CONFIGURATION_TABLE){SMBIOS_TABLE_GUID, none};
    configuration[1] = (EFI_CONFIGURATION_TABLE){ACPI_TABLE_GUID, older};
    configuration[2] = (EFI_CONFIGURATION_TABLE){ACPI_20_TABLE_GUID, newer};
    table.NumberOfTableEntries = 3;
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_ptr_equal((void *)handoff.rsdp.value, newer);
    assert_memory_equal(handoff.rsdp_oem, "BOCHS \0", 8);
    table.NumberOfTableEntries = 2;
    assert_int_equal(describe(), EFI_SUCCESS);
    assert_ptr_equal((void *)handoff.rsdp.value, older);
    assert_memory_equal(handoff.rsdp_oem, "?SEAX?\0", 8);
}

static void encrypted_memory_is_refused(void **state)
{
    (void)state;
    is_tdx_guest = true;
    assert_int_equal(describe(), EFI_UNSUPPORTED);
    assert_non_null(strstr(said, "\n  the memory of this virtual machine is encrypted (TDX)\n"));
}

#define TEST(name, function)              \
    {                                     \
        name, function, begin, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("platform: each service that is called must be there, and no other",
             each_service_that_is_called),
        TEST("platform: a watchdog that stays on is told, and no failure", watchdog_that_stays_is_no_failure),
        TEST("platform: a table is found by the whole of its name", finds_each_table),
        TEST("platform: firmware and control registers are noted", what_is_noted),
        TEST("platform: a vendor's name is printable and fits", vendors_of_any_kind),
        TEST("platform: of two root pointers of ACPI the newer one is used", the_newer_root_pointer_of_acpi),
        TEST("platform: a guest whose memory is encrypted is refused", encrypted_memory_is_refused),
    };
    return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}
