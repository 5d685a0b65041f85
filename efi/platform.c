/* SPDX-License-Identifier: MIT */
/* platform.c - notes the firmware, the processor's state, and where the firmware's tables are. */
#include "kernel/cpu/instructions.h"
#include "loader.h"
#include <selfmap/processor.h>

EFI_STATUS switch_watchdog_off(struct loader *loader)
{
    (void)loader;
    EFI_STATUS status = BS->SetWatchdogTimer(0, 0, 0, NULL);
    /* Not a reason to stop: ExitBootServices ends it, too, and until then there are five minutes. */
    if (EFI_ERROR(status))
        say("  it stays as it is: %s\n", status_name(status));
    return EFI_SUCCESS;
}

EFI_STATUS check_firmware_tables(void)
{
    if (!BS)
        return FAIL(EFI_UNSUPPORTED, "  the firmware has no boot services");
    const struct {
        const char *name;
        bool is_there;
    } services[] = {
        {"AllocatePages", BS->AllocatePages},
        {"FreePages", BS->FreePages},
        {"GetMemoryMap", BS->GetMemoryMap},
        {"AllocatePool", BS->AllocatePool},
        {"FreePool", BS->FreePool},
        {"CreateEvent", BS->CreateEvent},
        {"SetTimer", BS->SetTimer},
        {"WaitForEvent", BS->WaitForEvent},
        {"CloseEvent", BS->CloseEvent},
        {"HandleProtocol", BS->HandleProtocol},
        {"LocateHandleBuffer", BS->LocateHandleBuffer},
        {"ExitBootServices", BS->ExitBootServices},
        {"Stall", BS->Stall},
        {"SetWatchdogTimer", BS->SetWatchdogTimer},
    };
    for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++)
        if (!services[i].is_there)
            return FAIL(EFI_UNSUPPORTED, "  the firmware has no %s", services[i].name);
    return EFI_SUCCESS;
}

const void *configuration_table(EFI_GUID kind)
{
    UINTN count = system_table->ConfigurationTable ? system_table->NumberOfTableEntries : 0;
    for (UINTN i = 0; i < count; i++)
        if (__builtin_memcmp(&system_table->ConfigurationTable[i].VendorGuid, &kind, sizeof kind) == 0)
            return system_table->ConfigurationTable[i].VendorTable;
    return NULL;
}

static char printable(UINT16 c)
{
    if (c < ' ' || c > '~')
        return '?';
    return (char)c;
}

static void find_rsdp(struct handoff *handoff)
{
    enum { OEM_OFFSET = 9, OEM_BYTES = 6 }; /* ACPI 6.5, table 5.3 */
    EFI_GUID acpi20 = ACPI_20_TABLE_GUID, acpi10 = ACPI_TABLE_GUID;
    const UINT8 *rsdp = configuration_table(acpi20);
    if (!rsdp)
        rsdp = configuration_table(acpi10);
    if (!rsdp)
        return;
    handoff->rsdp.value = (UINTN)rsdp;
    for (unsigned i = 0; i < OEM_BYTES; i++)
        handoff->rsdp_oem[i] = printable(rsdp[OEM_OFFSET + i]);
}

/* AMD's encrypted guests need a bit in every entry that our tables do not carry (APM 2, 15.34). */
static bool memory_is_encrypted(void)
{
    const UINT32 leaf = 0x8000001f, status_msr = 0xc0010131;
    return (cpuid_or_zero(leaf).eax >> 1 & 1) && (read_msr(status_msr) & 1);
}

EFI_STATUS describe_platform(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    for (unsigned i = 0;
         system_table->FirmwareVendor && system_table->FirmwareVendor[i] && i < HANDOFF_TEXT_LIMIT - 1; i++)
        handoff->firmware[i] = printable(system_table->FirmwareVendor[i]);
    handoff->firmware_revision = system_table->FirmwareRevision;
    handoff->firmware_cr0 = read_cr0();
    handoff->firmware_cr3 = read_cr3();
    handoff->firmware_cr4 = read_cr4();
    handoff->firmware_efer = read_msr(MSR_EFER);
    handoff->firmware_rflags = read_flags();
    handoff->firmware_dr7 = read_dr7();
    handoff->space.cpu = paging_cpu_read();
    find_rsdp(handoff);
    describe_machine(loader);
    say("  machine: %s\n", handoff->machine);
    say("  %s, revision %x, CR0 %lx CR3 %lx CR4 %lx EFER %lx\n", handoff->firmware,
        handoff->firmware_revision, handoff->firmware_cr0, handoff->firmware_cr3, handoff->firmware_cr4,
        handoff->firmware_efer);
    if (memory_is_encrypted())
        return FAIL(EFI_UNSUPPORTED, "  the memory of this virtual machine is encrypted (SEV)");
    if (cpuid_is_tdx_guest(cpuid_or_zero(CPUID_TDX_LEAF)))
        return FAIL(EFI_UNSUPPORTED, "  the memory of this virtual machine is encrypted (TDX)");
    return EFI_SUCCESS;
}
