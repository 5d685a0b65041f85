/* SPDX-License-Identifier: MIT */
/*
 * platform: firmware that lacks a service, its configuration tables, and what is noted of it and of a made-up
 * processor.
 */
#include "devices/processor/processor.h"
#include <string.h>

#include "efi/loader.h"

EFI_SYSTEM_TABLE *system_table;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_CONFIGURATION_TABLE configuration[4];
static struct handoff handoff;
static struct loader loader;
static char said[1024];
static unsigned machines; /* how often the name of the machine was asked for */

/* ---- the processor ---- */

enum { MSR_SEV_STATUS = 0xc0010131 };
#define LEAF_SEV 0x8000001fu

static void begin_processor(void)
{
    processor_begin();
    processor.cr0 = 0x80050033;
    processor.cr3 = 0x7f801000;
    processor.cr4 = 0x406e0;
    processor.dr7 = 0x400;
    processor.flags = 0x40246;
    processor_has_msr(MSR_EFER, 0xd00);
    processor_has_leaf(0, (struct cpuid){.eax = 0x21});
    processor_has_leaf(7, (struct cpuid){0});
    processor_has_leaf(CPUID_TDX_LEAF, (struct cpuid){0});
    processor_has_leaf(0x80000000, (struct cpuid){.eax = LEAF_SEV});
    processor_has_leaf(0x80000001, (struct cpuid){0});
    processor_has_leaf(0x80000008, (struct cpuid){.eax = 43});
    processor_has_leaf(LEAF_SEV, (struct cpuid){0});
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
    begin_processor();
    machines = 0;
    watchdog_status = EFI_SUCCESS;
    return 0;
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
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.firmware, "EDK II");
    assert_int_equal(handoff.firmware_revision, 0x10000);
    assert_int_equal(handoff.firmware_cr0, 0x80050033);
    assert_int_equal(handoff.firmware_cr3, 0x7f801000);
    assert_int_equal(handoff.firmware_cr4, 0x406e0);
    assert_int_equal(handoff.firmware_efer, 0xd00);
    assert_int_equal(handoff.firmware_dr7, 0x400);
    assert_int_equal(handoff.firmware_rflags, read_flags());
    assert_done(""); /* nothing of the processor is changed yet */
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
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
    assert_int_equal(strlen(handoff.firmware), HANDOFF_TEXT_LIMIT - 1);
    begin(NULL);
    table.FirmwareVendor = L" ~\x1f\x7f\x100\x141!";
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.firmware, " ~?\?\?\?!");
    begin(NULL);
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
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
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
    assert_ptr_equal((void *)handoff.rsdp.value, newer);
    assert_memory_equal(handoff.rsdp_oem, "BOCHS \0", 8);
    table.NumberOfTableEntries = 2;
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
    assert_ptr_equal((void *)handoff.rsdp.value, older);
    assert_memory_equal(handoff.rsdp_oem, "?SEAX?\0", 8);
}

static void memory_encrypted_by_tdx_is_refused(void **state)
{
    (void)state;
    processor_has_leaf(CPUID_TDX_LEAF,
                       (struct cpuid){.ebx = 0x65746e49, .edx = 0x5844546c, .ecx = 0x20202020});
    assert_int_equal(describe_platform(&loader), EFI_UNSUPPORTED);
    assert_non_null(strstr(said, "\n  the memory of this virtual machine is encrypted (TDX)\n"));
}

/* The processor can do it (EAX[1] of the leaf), and the guest runs so (bit 0 of the status). */
static void memory_encrypted_by_sev_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t eax;
        uint64_t status;
        bool is_refused;
    } guests[] = {
        {2, 1, true}, {2, UINT64_MAX, true}, {2, ~UINT64_C(1), false}, {2, 0, false}, {UINT32_MAX, 1, true}};
    for (unsigned i = 0; i < sizeof guests / sizeof *guests; i++) {
        begin(NULL);
        processor_has_leaf(LEAF_SEV, (struct cpuid){.eax = guests[i].eax});
        processor_has_msr(MSR_SEV_STATUS, guests[i].status);
        assert_int_equal(describe_platform(&loader), guests[i].is_refused ? EFI_UNSUPPORTED : EFI_SUCCESS);
        assert_int_equal(strstr(said, "\n  the memory of this virtual machine is encrypted (SEV)\n") != NULL,
                         guests[i].is_refused);
    }
    begin(NULL); /* without the feature the register is not there, and reading it would raise #GP */
    processor_has_leaf(LEAF_SEV, (struct cpuid){.eax = ~2u});
    assert_int_equal(describe_platform(&loader), EFI_SUCCESS);
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
        TEST("platform: a guest of TDX is refused", memory_encrypted_by_tdx_is_refused),
        TEST("platform: a guest of SEV is refused, if it runs as one", memory_encrypted_by_sev_is_refused),
    };
    return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}
